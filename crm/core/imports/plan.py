"""One import as its rows are worked through: parsed, linked, compared with what is there. Reads only; crm.core.imports.chunks writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import BigIntegerField, Q, Value
from django.utils.translation import gettext as _

from crm.core.access import any_of, may_add, placeable
from crm.core.copying import CHUNK
from crm.core.custom.models import PREFIX
from crm.core.exports import safe_text
from crm.core.imports.reading import Line
from crm.core.imports.targets import Target, targets_of
from crm.core.jobs import NotPossible
from crm.core.models import ImportJob
from crm.core.records import RecordType, Same, record_for
from crm.core.text import sort_key

Values = dict[str, Any]


@dataclass
class Candidate:
    """A row on its way: its values for the service, and what is wrong with it as (heading, reason)."""

    line: Line
    values: Values = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    same: str = ""  # why it is probably there already


class Plan:
    """What the person chose, with everything that is the same for all rows."""

    def __init__(self, job: ImportJob) -> None:
        record = record_for(job.record_slug)
        if record is None or not may_add(job.user, record.model):
            raise NotPossible(_("You may no longer add records of this kind."))
        self.record: RecordType = record
        self.user: Any = job.user
        options = job.options
        self.targets = targets_of(record, self.user, day_first=options.get("day_first", True))
        self.headings = job.headings
        self.columns = [
            (int(position), self.targets[key]) for position, key in sorted(job.mapping.items(), key=lambda pair: int(pair[0])) if key in self.targets
        ]
        # A custom field whose cell is empty is told to the service all the same: it knows which ones must be filled.
        self.asked: Values = {target.key: None for _position, target in self.columns if target.key.startswith(PREFIX)}
        self.tags: list[str] = options.get("tags", [])
        self.skips_same: bool = options.get("same", "skip") == "skip"
        self.people = self._people()
        self.owner = self._default_owner(options.get("owner"))
        self.seen: list[set[int]] = [set() for _same in record.importing.same]
        self.vetted: set[tuple[str, str]] = set()  # (record type, folded name) that a check has found fit to be made
        self._reach: dict[int | None, bool] = {}

    def _people(self) -> dict[str, Any]:
        """Colleagues by address and by name; a name that two have leads to neither."""
        found: dict[str, Any] = {}
        for person in get_user_model().objects.visible_to(self.user).filter(is_active=True).select_related("team"):
            name = sort_key(person.name)
            found[name] = None if name in found else person
            found[person.email.lower()] = person
        return found

    def _default_owner(self, pk: int | None) -> Any:
        if pk is None:
            return None
        owner = next((person for person in self.people.values() if person is not None and person.pk == pk), None)
        if owner is None:
            raise NotPossible(_("The owner you chose is no longer active."))
        return owner

    def heading(self, key: str) -> str:
        """The heading of the column that became this value, to put a service's complaint where it belongs."""
        names = (key, key.removesuffix("s"))
        position = next((position for position, target in self.columns if target.key in names), None)
        if position is not None:
            return self.headings[position]
        return self.targets[key].label if key in self.targets else ""

    # ---- one row ----

    def candidate(self, line: Line) -> Candidate:
        found = Candidate(line, problems=[("", line.problem)] if line.problem else [])
        found.values.update(self.asked)
        for position, target in self.columns:
            text = line.cells[position] if position < len(line.cells) else ""
            if not text or text.isspace():
                continue
            if text[0] == "'" and safe_text(text[1:]) == text:
                text = text[1:]  # the mark that exports put before formulas
            try:
                if "\x00" in text:
                    raise ValidationError(_("Remove the invisible characters."))
                self._put(found, target, text)
            except ValidationError as error:
                found.problems.append((self.headings[position], " ".join(error.messages)))
        return found

    @staticmethod
    def _put(found: Candidate, target: Target, text: str) -> None:
        if target.link:
            found.links[target.key] = text.strip()
            return
        value = target.parse(text)
        known = found.values.get(target.key)
        if known and target.many:
            value = f"{known}\n{value}" if isinstance(value, str) else [*known, *value]
        if target.longest and isinstance(value, str) and len(value) > target.longest:
            raise ValidationError(_("At most %(count)s characters.") % {"count": target.longest})
        found.values[target.key] = value

    # ---- a chunk ----

    def candidates(self, lines: Iterable[Line]) -> list[Candidate]:
        """Parsed, with owners and links as far as they are known; unknown names that may be made stay in `links`."""
        found = [self.candidate(line) for line in lines]
        finish = self.record.importing.finish(self.user)
        for each in found:
            if not each.line.problem:
                try:
                    each.values = finish(each.values)
                except ValidationError as error:
                    self.blame(each, error)
        for _position, target in self.columns:
            if target.link == "users":
                self._set_people(found, target.key)
            elif target.link:
                self.link(found, target)
        self._set_owner(found)
        return found

    def blame(self, found: Candidate, error: ValidationError) -> None:
        """Note a service's complaints at the headings."""
        by_field = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}
        for name, texts in by_field.items():
            found.problems.append((self.heading(name), " ".join(texts)))

    def _set_people(self, found: list[Candidate], key: str) -> None:
        for each in found:
            text = each.links.pop(key, "")
            if text:
                person = self.people.get(text.lower()) or self.people.get(sort_key(text))
                if person is None:
                    each.problems.append(
                        (self.heading(key), _("Nobody here is called “%(text)s”, or several are. Use the e-mail address.") % {"text": text[:60]})
                    )
                each.values[key] = person

    def _set_owner(self, found: list[Candidate]) -> None:
        if "owner" not in self.targets:
            return
        for each in found:
            owner = each.values.setdefault("owner", self.owner)
            if not each.problems and not self.may_give(owner):
                each.problems.append((self.heading("owner"), _("You would no longer see this record. Choose somebody in your team.")))

    def may_give(self, owner: Any) -> bool:
        """May the person add a record of this owner? As the check after each write asks it; once per owner."""
        pk = owner.pk if owner is not None else None
        if pk not in self._reach:
            reach = any_of(placeable(self.user, "add", self.record.model))
            team = owner.team_id if owner is not None else self.user.team_id
            self._reach[pk] = not reach or reach.check({"owner_id": Value(pk, BigIntegerField()), "team_id": Value(team, BigIntegerField())})
        return self._reach[pk]

    def makes(self, target: Target) -> RecordType | None:
        """The record type whose unknown names are made, if the person may."""
        record = record_for(target.link)
        return record if record is not None and target.key in self.record.importing.makes and may_add(self.user, record.model) else None

    def link(self, found: list[Candidate], target: Target) -> None:
        """Set what the cells name, among what the person may see: one query. Unknown names stay in `links` where they may be made."""
        record = record_for(target.link)
        texts = {each.links[target.key] for each in found if target.key in each.links}
        if record is None or not texts:
            return
        known, made = _by_name(record, self.user, texts), self.makes(target)
        for each in found:
            text = each.links.get(target.key, "")
            rows = known.get(sort_key(text), {}) if text else {}
            if len(rows) == 1:
                each.values[target.key] = next(iter(rows.values()))
                del each.links[target.key]
            elif rows:
                each.problems.append((self.heading(target.key), _("Several are called “%(text)s”.") % {"text": text[:80]}))
            elif text and made is None:
                each.problems.append(
                    (self.heading(target.key), _("Nothing is called “%(text)s”. Check the spelling, or create it first.") % {"text": text[:80]})
                )

    # ---- what is there already ----

    def mark_same(self, found: Sequence[Candidate], twins: Iterable[int] = ()) -> None:
        """Note which rows are probably there already, and which (by their numbers) a check has found further up in the file."""
        further_up = set(twins)
        rows = [each for each in found if not each.problems]
        for same in self.record.importing.same:
            keys = [same.key(each.values) for each in rows]
            there = self._there(same, [key for key in keys if key is not None])
            for each, key in zip(rows, keys, strict=True):
                each.same = each.same or (there.get(key, "") if key is not None else "")
        for each in rows:
            if not each.same and each.line.row in further_up:
                each.same = self.twin_reason()

    def mark_twins(self, found: Sequence[Candidate]) -> list[int]:
        """Numbers of the rows that say the same as one further up in the file."""
        twins = []
        for each in found:
            if not each.problems and self._seen_before(each.values):
                twins.append(each.line.row)
                each.same = each.same or self.twin_reason()
        return twins

    def _seen_before(self, values: Values) -> bool:
        before = False
        for number, same in enumerate(self.record.importing.same):
            key = same.key(values)
            if key is not None:
                before = before or hash(key) in self.seen[number]
                self.seen[number].add(hash(key))
        return before

    @staticmethod
    def twin_reason() -> str:
        return _("A row further up in this file says the same.")

    def remember(self, lines: Iterable[Line]) -> None:
        """Rows that an earlier worker has checked: the file is compared with itself as a whole."""
        while chunk := list(islice(lines, CHUNK)):
            self.mark_twins(self.candidates(chunk))

    def _there(self, same: Same, keys: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], str]:
        if not keys:
            return {}
        rows = self.record.visible(self.user).filter(**{f"{same.fields[0]}__in": {key[0] for key in keys}})
        wanted = set(keys)
        pks = {tuple(row[:-1]): row[-1] for row in rows.values_list(*same.fields, "pk") if tuple(row[:-1]) in wanted}
        names = {obj.pk: str(obj) for obj in self.record.visible(self.user).filter(pk__in=pks.values())} if pks else {}
        return {key: _("Looks like “%(name)s”, which is there already.") % {"name": names.get(pk, "")[:120]} for key, pk in pks.items()}


def _by_name(record: RecordType, user: Any, texts: Iterable[str]) -> dict[str, dict[int, Any]]:
    """{folded name or address: {id: object}} among the visible records."""
    names = {sort_key(text) for text in texts}
    wanted = Q(sort_name__in=names)
    has_email = any(each.name == "email" for each in record.model._meta.concrete_fields)
    if has_email and any("@" in text for text in texts):
        wanted |= Q(email__in={address for text in texts if "@" in text for address in (text, text.lower())})
    found: dict[str, dict[int, Any]] = {}
    for obj in record.visible(user).filter(wanted).defer("search_text", "description"):
        found.setdefault(obj.sort_name, {})[obj.pk] = obj
        if has_email and obj.email:
            found.setdefault(sort_key(obj.email), {})[obj.pk] = obj
    return found
