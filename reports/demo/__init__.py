"""The demo data: a believable year of an invented business, relative to today (`manage.py demo`)."""

from reports.demo.loading import DataExists, is_loaded, load

__all__ = ["DataExists", "is_loaded", "load"]
