"""Pages and downloads of reports."""

from reports.views.build import build
from reports.views.pages import index, records, report

__all__ = ["build", "index", "records", "report"]
