"""What the capture box shows of a text: one form per thing that will be written, or a person to be added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from activities import forms, selectors
from activities.capture import Card, Clock, Entry, Said, read_card, understand
from contacts.models import Contact
from crm.core.access import may_add
from crm.core.records import record_for
from crm.core.search import subline
from crm.core.text import sort_key

Choices = list[tuple[str, str]]


def said_of_task(user: Any, title: str) -> dict[str, Any]:
    """What the one line of a new task says besides its title: "tomorrow 15:00 call Ann !high". Empty when it says nothing, or more than one thing."""
    said = _said(title)
    if len(said.entries) != 1 or said.entries[0].kind == "note" or said.tags:  # a task has no tags: what nobody can save stays in its title
        return {}
    (entry,) = said.entries
    about = selectors.people_called(user, entry.names).only(entry.names)
    values: dict[str, Any] = {"title": entry.text[:200], "priority": entry.priority}
    values |= {"due_on": entry.day, "due_time": entry.at} if entry.day else {}
    values |= {"repeat": entry.repeat} if entry.repeat else {}
    values |= {"kind": entry.task_kind} if entry.task_kind not in ("", "todo") else {}
    values |= {about._meta.model_name: about} if about is not None else {}
    colleague = selectors.colleague_called(user, said.colleague) if said.colleague else None
    return values | ({"owner": colleague} if colleague is not None else {})


def _said(text: str) -> Said:
    """A text in the reader's language, from the reader's clock."""
    return understand(text, Clock(timezone.localtime().replace(tzinfo=None), day_first=day_first()), (get_language() or "en")[:2])


def understood(user: Any, text: str, origin: Any) -> dict[str, Any]:
    """Context of the part below the text: `steps` with their forms, `tags`, `owner`; or `card` with `known`, who has its address already."""
    card = read_card(text)
    if card is not None:
        return {"card": forms.CardForm(initial=_card_values(card)), "known": _known(user, card), "may_add": may_add(user, Contact)}
    said = _said(text)
    people = selectors.people_called(user, said.names)
    abouts = choices(user, said, people.all(), origin)
    steps = [
        forms.StepForm(prefix=f"s{place}", user=user, abouts=abouts, initial=_initial(entry, said, people, origin, abouts))
        for place, entry in enumerate(said.entries)
    ]
    owner = selectors.colleague_called(user, said.colleague) if said.colleague else None
    return {"steps": steps, "tags": ", ".join(said.tags), "owner": owner, "unknown": said.colleague if said.colleague and owner is None else ""}


def day_first() -> bool:
    """Is 3/4 the third of April? Everywhere but in the United States."""
    return not str(timezone.get_current_timezone_name()).startswith(("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "US/"))


def choices(user: Any, said: Said, found: Sequence[Any], origin: Any) -> Choices:
    """Whom a step may be about: the record one comes from, whoever is called so, and a new contact for names that nobody has."""
    rows = list({(type(obj), obj.pk): obj for obj in [*([origin] if origin is not None else []), *found]}.values())
    offered = [(selectors.reference(obj), _label(obj)) for obj in rows]
    if may_add(user, Contact):
        known = {sort_key(str(obj)) for obj in rows}
        new = [name for name in said.names if " " in name and name[:1].isupper() and "@" not in name and sort_key(name) not in known]
        offered += [(f"{forms.NEW}{name}", _("New contact: %(name)s") % {"name": name}) for name in new[:3]]
    return offered


def _label(obj: Any) -> str:
    record = record_for(type(obj))
    assert record is not None
    more = subline(record.slug, obj)
    return " · ".join(str(part) for part in (obj, more or record.label) if part)


def _initial(entry: Entry, said: Said, people: selectors.People, origin: Any, abouts: Choices) -> dict[str, Any]:
    about = people.best(entry.names)
    new = [value for value, _label in abouts if value.removeprefix(forms.NEW) in entry.names] if about is None else []
    if about is None and not new:
        about = people.best(said.names) or origin
    chosen = selectors.reference(about) if about is not None else ""
    if new and entry.kind != "task":  # an entry needs somebody, a task may name what is nobody
        chosen = new[0]
    return {
        "kind": entry.kind,
        "text": entry.text[:200] if entry.kind in ("task", "meeting") else entry.text,
        "about": chosen,
        "day": entry.day,
        "at": entry.at,
        "minutes": entry.minutes,
        "task_kind": entry.task_kind or "todo",
        "priority": entry.priority,
        "repeat": entry.repeat,
    }


def _card_values(card: Card) -> dict[str, str]:
    phones = {kind: number for number, kind in reversed(card.phones)}
    first_email = card.emails[0] if card.emails else ""
    return {
        "first_name": card.first_name,
        "last_name": card.last_name,
        "job_title": card.job_title,
        "company": card.company,
        "email": first_email,
        "phone": phones.get("work", ""),
        "mobile": phones.get("mobile", ""),
        "domain": card.domain,
    }


def _known(user: Any, card: Card) -> Any:
    """A visible contact or lead with the same address."""
    return selectors.people_called(user, card.emails[:1]).best(card.emails[:1])
