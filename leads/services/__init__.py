"""All writes to leads, web forms, their entries and the rules that assign them."""

from leads.services.assignment import choose_owner, facts_of, matches
from leads.services.consent import record_lead_consent
from leads.services.conversion import Choices, Conversion, convert_lead, found_conversion
from leads.services.entries import Entry, check_entry, consents_of, read_entry
from leads.services.intake import delete_submission, not_spam, process_submission, receive_submission, retry_submission, sweep
from leads.services.leads import (
    assign_lead,
    change_leads,
    create_lead,
    create_leads,
    delete_leads,
    rescore_rows,
    set_status,
    set_status_many,
    statuses_reverted,
    update_lead,
)
from leads.services.limits import TooMany, count_miss
from leads.services.merging import differences
from leads.services.notices import tell_assigned, tell_new_owners
from leads.services.recycling import recycle_due_leads
from leads.services.rescoring import create_score_rule, delete_score_rule, score_on, start_scoring, update_score_rule
from leads.services.responses import set_first_responses
from leads.services.scoring import RuleSet, reasons_for, score_of, score_rules
from leads.services.setup import (
    can_delete_status,
    create_form,
    create_form_with_usual_fields,
    create_reason,
    create_rule,
    create_status,
    delete_form,
    delete_rule,
    delete_status,
    ensure_defaults,
    move_rule,
    replace_fields,
    update_form,
    update_reason,
    update_rule,
    update_status,
)
from leads.services.stamps import judge, make_stamp
from leads.services.unconversion import open_conversion, undo_conversion

__all__ = [
    "Choices",
    "Conversion",
    "Entry",
    "RuleSet",
    "TooMany",
    "assign_lead",
    "can_delete_status",
    "change_leads",
    "check_entry",
    "choose_owner",
    "consents_of",
    "convert_lead",
    "count_miss",
    "create_form",
    "create_form_with_usual_fields",
    "create_lead",
    "create_leads",
    "create_reason",
    "create_rule",
    "create_score_rule",
    "create_status",
    "delete_form",
    "delete_leads",
    "delete_rule",
    "delete_score_rule",
    "delete_status",
    "delete_submission",
    "differences",
    "ensure_defaults",
    "facts_of",
    "found_conversion",
    "judge",
    "make_stamp",
    "matches",
    "move_rule",
    "not_spam",
    "open_conversion",
    "process_submission",
    "read_entry",
    "reasons_for",
    "receive_submission",
    "record_lead_consent",
    "recycle_due_leads",
    "replace_fields",
    "rescore_rows",
    "retry_submission",
    "score_of",
    "score_on",
    "score_rules",
    "set_first_responses",
    "set_status",
    "set_status_many",
    "start_scoring",
    "statuses_reverted",
    "sweep",
    "tell_assigned",
    "tell_new_owners",
    "undo_conversion",
    "update_form",
    "update_lead",
    "update_reason",
    "update_rule",
    "update_score_rule",
    "update_status",
]
