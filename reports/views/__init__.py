"""Pages and downloads of reports."""

from reports.views.build import build
from reports.views.pages import index, records, report
from reports.views.workload import team

__all__ = ["build", "index", "records", "report", "team"]
