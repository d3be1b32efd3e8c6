"""What colleagues say to a line of the timeline, and which lines stand on top."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activities.models import Activity, Comment, Mentioned, Notification
from activities.selectors.mentions import Mention, mentions_in
from activities.selectors.timeline import MOST_PINS, address_of_line
from activities.services.lines import check_may_write
from activities.services.notifications import notify
from activities.services.subjects import locked
from crm.core.writes import lock

MAX_COMMENT, MOST_COMMENTS = 5000, 200


@transaction.atomic
def add_comment(line: Activity, *, body: str, actor: Any) -> Comment:
    """A comment; colleagues whom it mentions hear of it and find it among their work, and what mentioned the actor here is answered.

    ValidationError at `body`: empty, too long, too many, somebody who can't be mentioned."""
    row = lock(line)
    check_may_write(row.subject, actor)
    body = body.replace("\r\n", "\n").strip()
    if not body:
        raise ValidationError({"body": [_("Write something first.")]})
    if len(body) > MAX_COMMENT:
        raise ValidationError({"body": [_("This is too long: at most 5,000 characters.")]})
    if row.deleted_at is not None or row.comments.alive().count() >= MOST_COMMENTS:
        raise ValidationError({"body": [_("No more comments can be added here. Write a note instead.")]})
    mentions = mentions_in(body, row.subject)
    comment = Comment.objects.create(line=row, author=actor, body=body, mentions=[[each.start, each.length, each.user.pk] for each in mentions])
    settle_mentions(Mentioned.objects.filter(comment__line=row), actor=actor)
    _tell(comment, row, mentions, actor)
    return comment


def _tell(comment: Comment, line: Activity, mentions: list[Mention], actor: Any) -> None:
    """Each colleague hears of it once, nobody of what they wrote themselves."""
    users = {each.user.pk: each.user for each in mentions if each.user.pk != actor.pk}
    Mentioned.objects.bulk_create(Mentioned(comment=comment, user=user) for user in users.values())
    for user in users.values():
        with translation.override(user.language):
            text = _("%(name)s mentioned you: %(record)s") % {"name": actor, "record": line.subject}
        notify(user, Notification.Kind.MENTIONED, text, address_of_line(line, line.subject))


@transaction.atomic
def settle_mentions(rows: Any, *, actor: Any) -> list[int]:
    """The actor's open ones among these rows are done: their ids."""
    mine = list(rows.filter(user=actor, done_at__isnull=True).select_for_update(of=("self",)).values_list("pk", flat=True))
    if mine:
        Mentioned.objects.filter(pk__in=mine).update(done_at=timezone.now())
    return mine


@transaction.atomic
def reopen_mention(row: Mentioned, *, actor: Any) -> None:
    """Undo of settle_mentions for one of the actor's own."""
    Mentioned.objects.filter(pk=row.pk, user=actor).update(done_at=None)


@transaction.atomic
def delete_comment(comment: Comment, *, actor: Any) -> None:
    """The author takes a comment back."""
    row = lock(comment)
    if row.author_id != actor.pk:
        raise ValidationError(_("Only who wrote this can change it."), code="forbidden")
    row.deleted_at = timezone.now()
    row.save(update_fields=["deleted_at"])


@transaction.atomic
def restore_comment(pk: int, *, actor: Any) -> Comment | None:
    """Undo of delete_comment. None when there is nothing of the actor's to take back."""
    row = Comment._base_manager.select_for_update(of=("self",)).filter(pk=pk, author=actor, deleted_at__isnull=False).first()
    if row is None or not Activity.objects.visible_to(actor).filter(pk=row.line_id).exists():
        return None
    row.deleted_at = None
    row.save(update_fields=["deleted_at"])
    return row


@transaction.atomic
def pin_line(line: Activity, *, pinned: bool, actor: Any) -> None:
    """Put a line on top of the record that it is about, or take it down. ValidationError when MOST_PINS are there already."""
    row = lock(line)
    check_may_write(row.subject, actor)
    if pinned == (row.pinned_at is not None):
        return
    subject = {"subject_type": row.subject_type, f"{row.subject_type}_id": getattr(row, f"{row.subject_type}_id")}
    list(locked(row.subject_type, [row.subject.pk]).values_list("pk"))  # two who pin at once see each other's
    if pinned and Activity.objects.alive().filter(pinned_at__isnull=False, **subject).count() >= MOST_PINS:
        raise ValidationError(_("Five entries are pinned already. Unpin one of them first."), code="pins")
    row.pinned_at = timezone.now() if pinned else None
    row.save(update_fields=["pinned_at"])
