"""Leads, the web forms that bring them, and the rules that assign and score them."""

from leads.models.forms import FormField, RateBucket, Submission, WebForm
from leads.models.leads import DisqualifyReason, Lead, LeadConversion, LeadStatus
from leads.models.rules import AssignmentRule, ScoreRule, ScoreRun

__all__ = [
    "AssignmentRule",
    "DisqualifyReason",
    "FormField",
    "Lead",
    "LeadConversion",
    "LeadStatus",
    "RateBucket",
    "ScoreRule",
    "ScoreRun",
    "Submission",
    "WebForm",
]
