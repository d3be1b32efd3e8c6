"""All writes to leads, web forms, their entries and the rules that assign them."""

from leads.services.assignment import choose_owner, facts_of, matches
from leads.services.conversion import Choices, Conversion, convert_lead, found_conversion
from leads.services.entries import Entry, check_entry, read_entry
from leads.services.intake import delete_submission, not_spam, process_submission, receive_submission, retry_submission, sweep
from leads.services.leads import (
    assign_lead,
    change_leads,
    create_lead,
    create_leads,
    delete_leads,
    set_status,
    set_status_many,
    statuses_reverted,
    update_lead,
)
from leads.services.limits import TooMany
from leads.services.notices import tell_assigned, tell_new_owners
from leads.services.scoring import reasons_for, score_of
from leads.services.setup import (
    can_delete_status,
    create_form,
    create_form_with_usual_fields,
    create_rule,
    create_status,
    delete_form,
    delete_rule,
    delete_status,
    ensure_defaults,
    move_rule,
    replace_fields,
    update_form,
    update_rule,
    update_status,
)
from leads.services.stamps import judge, make_stamp

__all__ = [
    "Choices",
    "Conversion",
    "Entry",
    "TooMany",
    "assign_lead",
    "can_delete_status",
    "change_leads",
    "check_entry",
    "choose_owner",
    "convert_lead",
    "create_form",
    "create_form_with_usual_fields",
    "create_lead",
    "create_leads",
    "create_rule",
    "create_status",
    "delete_form",
    "delete_leads",
    "delete_rule",
    "delete_status",
    "delete_submission",
    "ensure_defaults",
    "facts_of",
    "found_conversion",
    "judge",
    "make_stamp",
    "matches",
    "move_rule",
    "not_spam",
    "process_submission",
    "read_entry",
    "reasons_for",
    "receive_submission",
    "replace_fields",
    "retry_submission",
    "score_of",
    "set_status",
    "set_status_many",
    "statuses_reverted",
    "sweep",
    "tell_assigned",
    "tell_new_owners",
    "update_form",
    "update_lead",
    "update_rule",
    "update_status",
]
