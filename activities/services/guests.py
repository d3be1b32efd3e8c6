"""A meeting's guests: who they are, what they are told by mail, and what they answer (docs/decisions/calendar.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from activities.models import SUBJECTS, Activity, Guest, Meeting, MeetingGuest, Notification, Reminder, SeriesGuest
from activities.services import ics, series_ics
from activities.services.lines import write_line
from activities.services.notifications import notify
from activities.services.occurrences import to_come
from contacts.models import ContactEmail
from contacts.models.rules import email_key
from crm.core import cells
from mail.models import OutgoingMail
from mail.services import conceal_mails, queue_mails, render_mail

State = MeetingGuest.State
MOST = 50
TOLD = ("title", "location", "video_url", "starts_at", "ends_at", "zone", "owner_id")  # what an invitation says: when it changes, guests may have to be told
DECIDES = {"starts_at", "ends_at", "location"}  # what an answer depends on: when it changes, guests are asked anew
SALT = "activities.guest"


@transaction.atomic(savepoint=False)  # part of a larger change: it all happens or nothing
def set_guests(meeting: Meeting, wanted: Sequence[Mapping[str, Any]], *, actor: Any) -> list[MeetingGuest]:
    """Make the guests those in `wanted` (each `email` and `name`); who stays keeps the answer. Returns those who are no longer wanted, deleted.

    An address that a contact has whom the actor sees is that contact's. ValidationError at "guests".
    """
    people = {each["email"].strip().lower(): each for each in wanted}
    if len(people) > MOST:
        raise ValidationError({"guests": [_("A meeting has at most 50 guests.")]})
    contacts = contacts_behind(people, actor)
    there = {guest.email.lower(): guest for guest in meeting.guests.select_for_update()}
    gone = [guest for key, guest in there.items() if key not in people]
    meeting.guests.filter(pk__in=[guest.pk for guest in gone]).delete()
    fresh = []
    for key, each in people.items():
        name = " ".join(str(each.get("name") or "").split())[:120]
        if key not in there:
            check_address(key)
            fresh.append(MeetingGuest(meeting=meeting, email=each["email"].strip(), name=name, contact_id=contacts.get(email_key(key))))
        elif name and name != there[key].name:
            there[key].name = name
            there[key].save(update_fields=["name"])
    MeetingGuest.objects.bulk_create(fresh)
    return gone


def check_address(address: str) -> None:
    try:
        validate_email(address)
    except ValidationError:
        raise ValidationError({"guests": [_("%(text)s is not an e-mail address.") % {"text": address[:80]}]}) from None


def contacts_behind(people: Mapping[str, Any], actor: Any) -> dict[str, int]:
    keys = [email_key(address) for address in people]
    if actor is None or not keys:
        return {}
    return dict(ContactEmail.objects.visible_to(actor).filter(key__in=keys).order_by("-contact_id").values_list("key", "contact_id"))


# ---- telling them ----


def told_state(meeting: Meeting) -> dict[str, Any]:
    """What an invitation says of a meeting, to compare it with what becomes of it."""
    return {name: getattr(meeting, name) for name in TOLD}


@transaction.atomic(savepoint=False)
def after_change(meeting: Meeting, before: Mapping[str, Any], gone: Sequence[MeetingGuest], *, tell: bool) -> None:
    """A meeting was changed: guests are asked anew where their answer depends on it, and are told if the organiser wants that."""
    changed = {name for name, value in before.items() if value != getattr(meeting, name)}
    guests = list(meeting.guests.all())
    uninvited = [guest for guest in gone if guest.invited_at is not None]
    if (changed and guests) or uninvited:
        _next_sequence([meeting])
    if changed & DECIDES:
        meeting.guests.update(state=State.INVITED, answered_at=None)
        guests = list(meeting.guests.all())
    if tell and meeting.ends_at > timezone.now():
        send(meeting, uninvited, "CANCEL")
        send(meeting, [guest for guest in guests if changed or guest.invited_at is None], "REQUEST", before)


def conceal_invitations(meetings: Sequence[Meeting]) -> None:
    """They have become private: the ledger no longer shows invitations to them and their reminders."""
    reminders = Reminder.objects.filter(meeting__in=meetings).values_list("pk", flat=True)
    conceal_mails([f"meeting:{meeting.uuid}:" for meeting in meetings], keys=[f"reminder:{pk}" for pk in reminders])


def _next_sequence(meetings: Sequence[Meeting]) -> None:
    Meeting._base_manager.filter(pk__in=[meeting.pk for meeting in meetings]).update(sequence=F("sequence") + 1)
    for meeting in meetings:
        meeting.sequence += 1


@transaction.atomic(savepoint=False)
def after_bin(meetings: Iterable[Meeting]) -> None:
    """Meetings went into the bin or came out of it: guests who had been invited are told, unless it is over."""
    now = timezone.now()
    ahead = {meeting.pk: meeting for meeting in meetings if meeting.ends_at > now}
    guests: dict[int, list[MeetingGuest]] = {}
    for guest in MeetingGuest.objects.filter(meeting__in=list(ahead), invited_at__isnull=False):
        guests.setdefault(guest.meeting_id, []).append(guest)
    _next_sequence([ahead[pk] for pk in guests])
    for pk, people in guests.items():
        send(ahead[pk], people, "CANCEL" if ahead[pk].deleted_at is not None else "REQUEST")


def send(meeting: Meeting, guests: Sequence[MeetingGuest], method: str, before: Mapping[str, Any] | None = None) -> None:
    """One mail to each, from the organiser. The ledger takes a mail once per guest, sequence and method. `before`: how the meeting was, to say what is
    new to those who were told of that."""
    if not guests:
        return
    at, make = timezone.now(), series_ics.one if meeting.series_id else ics.invitation
    everybody = guests if method == "CANCEL" else list(meeting.guests.all())
    calendar, key = make(meeting, everybody, method=method, at=at), f"meeting:{meeting.uuid}:{meeting.sequence}"
    told = _told_last(meeting, guests) if before else set()
    mails = [mail_to(guest, meeting, method, when_text, calendar=calendar, key=key, before=before if guest.pk in told else None) for guest in guests]
    queue_mails(mails)
    if method == "REQUEST":
        MeetingGuest.objects.filter(pk__in=[guest.pk for guest in guests]).update(invited_at=at)


def _told_last(meeting: Meeting, guests: Sequence[MeetingGuest]) -> set[int]:
    """The guests to whom the meeting was written as it stood before this change. Changes that nobody was told of are no news of what they know."""
    keys = {f"meeting:{meeting.uuid}:{meeting.sequence - 1}:{guest.pk}:REQUEST": guest.pk for guest in guests}
    return {keys[key] for key in OutgoingMail.objects.filter(key__in=keys).values_list("key", flat=True)}


def mail_to(
    guest: Guest, meeting: Meeting, method: str, when: Callable[[Meeting], str], *, calendar: str, key: str, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A guest's mail from the organiser, for the ledger. `when` says the time, in the organiser's language; `before`: how it was when they
    were told last."""
    organiser = meeting.owner
    with translation.override(organiser.language):
        context = {
            "meeting": meeting,
            "when": when(meeting),
            "cancelled": method == "CANCEL",
            "again": guest.invited_at is not None,
            "news": news_text(meeting, before or {}) if guest.invited_at is not None else [],
            "url": f"{settings.BASE_URL}{reverse('guest', args=[token_of(guest)])}",
        }
        letter = render_mail("invitation", context, language=organiser.language)
    common = {"purpose": OutgoingMail.Purpose.PERSONAL, "user": organiser, "reply_to": organiser.email, "from_name": organiser.name, "calendar": calendar}
    common["is_private"] = meeting.is_private
    return {**letter, **common, "to_address": guest.email, "to_name": guest.name, "key": f"{key}:{guest.pk}:{method}"}


def news_text(meeting: Meeting, before: Mapping[str, Any]) -> list[str]:
    """What is different now, each with what it was: `Time, before: 19 Nov 2026, 14:30 to 15:30 (Europe/Berlin)`."""
    if not before:
        return []
    was = Meeting(**{name: value for name, value in before.items() if name != "owner_id"})
    texts = {"title": (_("Title"), was.title), "location": (_("Place"), was.location), "video_url": (_("Video link"), was.video_url)}
    news = [(label, old) for name, (label, old) in texts.items() if old != getattr(meeting, name)]
    if (was.starts_at, was.ends_at, was.zone) != (meeting.starts_at, meeting.ends_at, meeting.zone):
        news.insert(0, (_("Time"), when_text(was)))
    said = [_("%(what)s, before: %(old)s") % {"what": label, "old": old or "–"} for label, old in news]
    return [*said, _("The organiser is new: %(name)s") % {"name": meeting.owner}] if before["owner_id"] != meeting.owner_id else said


def when_text(meeting: Meeting) -> str:
    """`19 Nov 2026, 14:30 to 15:30 (Europe/Berlin)`, on the organiser's clock."""
    locale, start, end = cells.current_locale(), meeting.starts_at.astimezone(meeting.tz), meeting.ends_at.astimezone(meeting.tz)
    days = [cells.format_short(day, locale) for day in (start.date(), end.date())]
    if meeting.is_whole_days:
        last = cells.format_short(end.date() - timedelta(days=1), locale)
        return days[0] if last == days[0] else _("%(start)s to %(end)s") % {"start": days[0], "end": last}
    until = cells.format_clock(end, locale) if days[0] == days[1] else f"{days[1]}, {cells.format_clock(end, locale)}"
    span = _("%(start)s to %(end)s") % {"start": f"{days[0]}, {cells.format_clock(start, locale)}", "end": until}
    return f"{span} ({meeting.zone})"


# ---- their answers ----


def token_of(guest: Guest) -> str:
    """Signed, for the guest's link: it needs no secret of its own, and dies with the guest's row, the meeting or the organiser's account."""
    text = f"s{guest.pk}-{guest.series_id}" if isinstance(guest, SeriesGuest) else f"{guest.pk}-{guest.meeting_id}"
    return signing.Signer(salt=SALT, sep="~").sign(text)


def guest_of(token: str, *, lock: bool = False) -> Guest | None:
    """Whose link this is, with the `meeting` that it is about (of a series the next one); None when it is made up, that is over or gone, or the organiser
    has left."""
    try:
        pk, _dash, about = signing.Signer(salt=SALT, sep="~").unsign(token).partition("-")
    except signing.BadSignature:
        return None
    if pk.startswith("s"):
        return _guest_of_series(int(pk[1:]), int(about), lock=lock)
    rows = MeetingGuest.objects.select_for_update(of=("self",)) if lock else MeetingGuest.objects.all()
    alive = rows.filter(meeting__deleted_at__isnull=True, meeting__owner__is_active=True, meeting__ends_at__gt=timezone.now())
    return alive.select_related("meeting__owner").filter(pk=int(pk), meeting_id=int(about)).first()


def _guest_of_series(pk: int, series_id: int, *, lock: bool) -> SeriesGuest | None:
    rows = SeriesGuest.objects.select_for_update(of=("self",)) if lock else SeriesGuest.objects.all()
    guest = rows.select_related("series").filter(pk=pk, series_id=series_id).first()
    if guest is None:
        return None
    theirs = to_come(guest.series).filter(owner__is_active=True, guests__email__iexact=guest.email)
    guest.meeting = theirs.select_related("owner", "series").order_by("starts_at").first()
    return guest if guest.meeting is not None else None


@transaction.atomic
def answer(token: str, state: str) -> Guest | None:
    """A guest accepts, declines or does not know yet; who was invited to a series, for all of it that is still to come. The organiser finds it in
    the bell, and it stands on the timeline; the same answer again changes nothing. None when the link is dead. ValidationError for an answer that
    is none."""
    if state not in (State.ACCEPTED, State.TENTATIVE, State.DECLINED):
        raise ValidationError(_("Choose one of the answers."), code="answer")
    guest = guest_of(token, lock=True)
    if guest is None or guest.state == state:
        return guest
    guest.state, guest.answered_at = state, timezone.now()
    guest.save(update_fields=["state", "answered_at"])
    meeting = guest.meeting
    if isinstance(guest, SeriesGuest):
        everywhere = MeetingGuest.objects.filter(meeting__in=to_come(guest.series), email__iexact=guest.email)
        everywhere.update(state=guest.state, answered_at=guest.answered_at)
    links = {f"{name}_id": getattr(meeting, f"{name}_id") for name in SUBJECTS}
    data = {"title": meeting.title, "by": str(guest), "answer": state}
    write_line(kind=Activity.Kind.MEETING, verb="answered", at=guest.answered_at, data=data, meeting=meeting, subject_type=meeting.subject_type, **links)
    with translation.override(meeting.owner.language):
        text = _("%(name)s answered “%(answer)s”: %(title)s") % {"name": guest, "answer": guest.get_state_display(), "title": meeting.title}
    notify(meeting.owner, Notification.Kind.SYSTEM, text, meeting.get_absolute_url(), is_private=meeting.is_private)
    return guest
