"""Leads as the generic machinery sees them, and their part of the settings."""

from leads.records.lead import LEAD
from leads.records.settings import SETTINGS

__all__ = ["LEAD", "SETTINGS"]
