"""Pages and downloads of reports."""

from reports.views.pages import index, records, report

__all__ = ["index", "records", "report"]
