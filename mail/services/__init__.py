"""Outgoing mail: queue it in a transaction, send it once."""

from mail.services.ledger import (
    claim,
    conceal_mails,
    hold_unsent,
    queue_mail,
    queue_mails,
    queue_template,
    reconcile,
    render_mail,
    retry,
    ring,
    send_due,
    take_back,
    waiting,
)

__all__ = [
    "claim",
    "conceal_mails",
    "hold_unsent",
    "queue_mail",
    "queue_mails",
    "queue_template",
    "reconcile",
    "render_mail",
    "retry",
    "ring",
    "send_due",
    "take_back",
    "waiting",
]
