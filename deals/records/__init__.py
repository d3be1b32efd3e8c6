"""Deals as the generic machinery sees them, and their part of the settings."""

from deals.records.deal import DEAL
from deals.records.settings import SETTINGS

__all__ = ["DEAL", "SETTINGS"]
