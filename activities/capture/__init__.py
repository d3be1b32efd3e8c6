"""Understands what people type into the capture box and what they paste: pure, no database (docs/decisions/capture.md)."""

from activities.capture.cards import Card, read_card
from activities.capture.saying import Clock
from activities.capture.sentences import Entry, Said, understand

__all__ = ["Card", "Clock", "Entry", "Said", "read_card", "understand"]
