"""Companies and people as record types, and their part of the settings."""

from contacts.records.record_types import COMPANY, CONTACT
from contacts.records.settings import SETTINGS

__all__ = ["COMPANY", "CONTACT", "SETTINGS"]
