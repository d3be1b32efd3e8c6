"""Fills an empty, migrated database: N contacts, N/10 companies, N/5 leads, N/10 open deals and as many closed by half, N activities and tasks."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from activities.models import Activity, Notification, Task
from bench import names
from bench.copy import NULL, bare_tables, copy_rows
from bench.people import Crew, make_crew
from contacts.models import Company, Contact, ContactEmail, ContactPhone
from crm.core import words
from crm.core.models import Source, Tag
from crm.core.text import digits, fold, sort_key
from deals.models import Deal, LostReason, Pipeline, Stage, StageChange
from leads.models import Lead, LeadStatus

SEED = 20260101
TRADES = [(word, fold(word)) for word in names.TRADES]


class Load:
    """One run: sizes, dice, the clock, and what was made."""

    def __init__(self, contacts: int) -> None:
        self.size = contacts
        self.companies = max(100, contacts // 10)
        self.leads = max(200, contacts // 5)
        self.open_deals = max(100, contacts // 10)
        self.deals = self.open_deals + self.open_deals // 2
        self.lines = contacts * 6 // 10
        self.tasks = contacts - self.lines
        self.dice = random.Random(SEED)
        self.now = timezone.now().replace(microsecond=0)
        self.epoch = int(self.now.timestamp())
        self.crew: Crew

    def pick(self, words: list, size: int, exponent: float = 0.8) -> list:
        return self.dice.choices(words, cum_weights=list(itertools.accumulate(names.skewed(len(words), exponent))), k=size)

    def past(self, size: int, days: int) -> list[str]:
        """Moments of the last `days` days."""
        dice, epoch, span = self.dice.random, self.epoch, days * 86_400
        return [datetime.fromtimestamp(epoch - int(dice() * span), UTC).isoformat() for _ in range(size)]

    def maybe(self, values: list[str], chance: float) -> list[str]:
        dice = self.dice.random
        return [value if dice() < chance else NULL for value in values]

    def run(self) -> dict[str, float]:
        """Load everything; seconds by step."""
        took: dict[str, float] = {}
        self.crew = make_crew()
        self._settings()
        models = [
            Company,
            Contact,
            ContactEmail,
            ContactPhone,
            Lead,
            Deal,
            StageChange,
            Activity,
            Task,
            Notification,
            Company.tags.through,
            Contact.tags.through,
            Lead.tags.through,
            Deal.tags.through,
        ]
        began = time.monotonic()
        with bare_tables([model._meta.db_table for model in models]):
            for step in (
                self.load_companies,
                self.load_contacts,
                self.load_leads,
                self.load_deals,
                self.load_lines,
                self.load_tasks,
                self.load_tags,
                self.load_notifications,
            ):
                step()
                took[step.__name__.removeprefix("load_")] = time.monotonic() - began
                began = time.monotonic()
        took["indexes"] = time.monotonic() - began
        began = time.monotonic()
        words.refresh()
        took["words"] = time.monotonic() - began
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        took["vacuum"] = time.monotonic() - began
        return took

    def _settings(self) -> None:
        if not Pipeline.objects.exists():
            pipeline = Pipeline.objects.create(name="Sales")
            kinds = (
                ("Qualified", "open", 20),
                ("Discovery", "open", 35),
                ("Proposal", "open", 55),
                ("Negotiation", "open", 75),
                ("Won", "won", 100),
                ("Lost", "lost", 0),
            )
            for position, (name, kind, probability) in enumerate(kinds):
                Stage.objects.create(pipeline=pipeline, name=name, kind=kind, probability=probability, position=position)
        if not LostReason.objects.exists():
            LostReason.objects.create(name="Price")
        if not LeadStatus.objects.exists():
            for position, (name, kind) in enumerate(
                (("New", "new"), ("Contacted", "working"), ("Qualified", "working"), ("Converted", "converted"), ("Disqualified", "disqualified"))
            ):
                LeadStatus.objects.create(name=name, kind=kind, position=position)
        known = set(Source.objects.values_list("key", flat=True))
        for position, name in enumerate(("Website form", "Referral", "Trade fair", "LinkedIn", "Cold e-mail", "Partner")):
            if sort_key(name) not in known:
                Source.objects.create(name=name, key=sort_key(name), position=position)

    # ---- records ----

    def load_companies(self) -> None:
        size, dice = self.companies, self.dice
        lasts = self.pick([(name, fold(name)) for name in names.LAST], size)
        cities = self.pick([(*city, fold(city[0])) for city in names.CITIES], size)
        owners = self.crew.shares(size, dice)
        created, active = self.past(size, 1100), self.maybe(self.past(size, 200), 0.6)
        steps = self._steps(size)

        def rows() -> Iterator[list[str]]:
            for number in range(size):
                (last, last_key), (trade, trade_key), form = lasts[number], dice.choice(TRADES), dice.choice(names.FORMS)
                city, country, _zone, city_key = cities[number]
                domain = f"{last_key.strip().replace(' ', '-')}-{trade_key.strip()}-{number}.example"
                name = f"{last} {trade} {form}"
                search = f"{last_key}{trade_key} {form.lower()} {domain}{city_key}"
                yield [
                    str(number + 1), name, domain, dice.choice(names.INDUSTRIES), str(dice.randint(3, 900)), city, country, *owners[number], created[number], created[number],
                    search, sort_key(name), active[number], *steps[number],
                ]  # fmt: skip

        columns = "id name domain industry employees city country owner_id team_id created_at updated_at search_text sort_name last_activity_at next_step_at next_step next_step_kind"
        copy_rows(Company, columns.split(), rows())

    def _steps(self, size: int) -> list[tuple[str, str, str]]:
        """Next steps (at, what, kind): a fifth late, a fifth ahead, the rest none."""
        dice, epoch = self.dice, self.epoch
        found = []
        for _ in range(size):
            chance = dice.random()
            if chance > 0.4:
                found.append((NULL, "", ""))
                continue
            seconds = int(dice.random() * 30 * 86_400) * (-1 if chance < 0.2 else 1)
            found.append((datetime.fromtimestamp(epoch + seconds, UTC).isoformat(), dice.choice(names.TASKS), dice.choice(("call", "todo", "email"))))
        return found

    def load_contacts(self) -> None:
        size, dice = self.size, self.dice
        firsts = self.pick([(name, fold(name)) for name in names.FIRST], size)
        lasts = self.pick([(name, fold(name)) for name in names.LAST], size)
        cities = self.pick([(*city, fold(city[0])) for city in names.CITIES], size)
        owners = self.crew.shares(size, dice)
        created, active = self.past(size, 1100), self.maybe(self.past(size, 200), 0.5)
        steps = self._steps(size)
        lifecycles = dice.choices(Contact.Lifecycle.values, weights=(50, 35, 8, 5, 2), k=size)
        mails: list[list[str]] = []
        phones: list[list[str]] = []

        def rows() -> Iterator[list[str]]:
            for number in range(size):
                (first, first_key), (last, last_key) = firsts[number], lasts[number]
                city, country, zone, city_key = cities[number]
                pk = str(number + 1)
                email = f"{first_key.strip()}.{last_key.strip()}{number}@mail{number % 977}.example".replace(" ", "")
                phone = f"+4366{dice.randint(10**7, 10**8 - 1)}" if dice.random() < 0.7 else ""
                mails.append([pk, email, email])
                if phone:
                    phones.append([pk, phone, digits(phone)])
                company = str(dice.randint(1, self.companies)) if dice.random() < 0.8 else NULL
                yield [
                    pk, first, last, dice.choice(names.JOBS), company, lifecycles[number], email, phone, city, country, zone, *owners[number], created[number], created[number],
                    f"{first_key}{last_key} {email}{f' {digits(phone)}' if phone else ''}{city_key}", sort_key(f"{first} {last}"), active[number], *steps[number],
                ]  # fmt: skip

        columns = (
            "id first_name last_name job_title company_id lifecycle email phone city country time_zone owner_id team_id created_at updated_at search_text sort_name"
            " last_activity_at next_step_at next_step next_step_kind"
        )
        copy_rows(Contact, columns.split(), rows())
        copy_rows(ContactEmail, ("contact_id", "address", "key", "primary"), ([*mail, "t"] for mail in mails))
        copy_rows(ContactPhone, ("contact_id", "number", "key", "primary"), ([*phone, "t"] for phone in phones))

    def load_leads(self) -> None:
        size, dice = self.leads, self.dice
        firsts = self.pick([(name, fold(name)) for name in names.FIRST], size)
        lasts = self.pick([(name, fold(name)) for name in names.LAST], size)
        cities = self.pick([(*city, fold(city[0])) for city in names.CITIES], size)
        owners = self.crew.shares(size, dice)
        created, active = self.past(size, 730), self.maybe(self.past(size, 200), 0.6)
        steps = self._steps(size)
        sources = [*map(str, Source.objects.values_list("pk", flat=True)), NULL]
        statuses = {kind: [str(status.pk) for status in LeadStatus.objects.filter(kind=kind)] for kind in LeadStatus.Kind.values}
        kinds = dice.choices(LeadStatus.Kind.values, weights=(20, 35, 25, 20), k=size)

        def rows() -> Iterator[list[str]]:
            for number in range(size):
                (first, first_key), (last, last_key), (trade, trade_key) = firsts[number], lasts[number], dice.choice(TRADES)
                city, country, _zone, city_key = cities[number]
                email = f"{first_key.strip()}.{last_key.strip()}{number}@lead{number % 499}.example".replace(" ", "")
                converted = kinds[number] == "converted"
                deal = str(dice.randint(1, self.deals)) if converted and dice.random() < 0.5 else NULL
                name = f"{first} {last}"
                yield [
                    str(number + 1), first, last, f"{last} {trade}", email, email, city, country, dice.choice(statuses[kinds[number]] or statuses["new"]), dice.choice(sources),
                    str(dice.randint(0, 100)), str(dice.randint(1, 90) * 500), *owners[number], created[number], created[number], created[number] if converted else NULL, deal, "Private person" if kinds[number] == "disqualified" else "",
                    f"{first_key}{last_key}{trade_key} {email}{city_key}", sort_key(name), active[number], *steps[number],
                ]  # fmt: skip

        columns = (
            "id first_name last_name company_name email email_key city country status_id source_id score value owner_id team_id created_at updated_at converted_at converted_deal_id disqualified_reason"
            " search_text sort_name last_activity_at next_step_at next_step next_step_kind"
        )
        copy_rows(Lead, columns.split(), rows())

    def load_deals(self) -> None:
        size, dice = self.deals, self.dice
        pipeline = Pipeline.objects.order_by("position", "pk")[0]
        stages = {kind: [str(stage.pk) for stage in pipeline.stages.filter(kind=kind)] for kind in ("open", "won", "lost")}
        reasons = [str(pk) for pk in LostReason.objects.values_list("pk", flat=True)]
        owners = self.crew.shares(size, dice)
        created, closed, since = self.past(size, 730), self.past(size, 400), self.past(size, 60)
        active, steps = self.maybe(self.past(size, 100), 0.7), self._steps(size)
        today = self.now.date()
        moves: list[list[str]] = []

        def rows() -> Iterator[list[str]]:
            for number in range(size):
                pk = str(number + 1)
                # Open ones first would put all closed ones at the end of the table: mixed, as life does it.
                status = "open" if number % 3 != 2 else ("won" if dice.random() < 0.6 else "lost")
                stage = dice.choice(stages[status])
                amount = str(Decimal(dice.randint(2, 400) * 250))
                company = str(dice.randint(1, self.companies))
                contact = str(dice.randint(1, self.size)) if dice.random() < 0.8 else NULL
                name = f"{dice.choice(names.GOODS)} {number % 97 + 1}"
                close: date = today + timedelta(days=dice.randint(-30, 120))
                moves.append([pk, NULL, stage, amount, created[number]])
                yield [
                    pk, name, company, contact, str(pipeline.pk), stage, status, since[number], amount, amount, close.isoformat(), closed[number] if status != "open" else NULL,
                    dice.choice(reasons) if status == "lost" else NULL, *owners[number], created[number], created[number], fold(name), sort_key(name), active[number], *steps[number],
                ]  # fmt: skip

        columns = (
            "id name company_id contact_id pipeline_id stage_id status stage_since amount amount_home close_date closed_at lost_reason_id owner_id team_id created_at updated_at"
            " search_text sort_name last_activity_at next_step_at next_step next_step_kind"
        )
        copy_rows(Deal, columns.split(), rows())
        copy_rows(StageChange, ("deal_id", "old_stage_id", "new_stage_id", "amount_home", "at"), moves)

    # ---- work ----

    def _subject(self) -> list[str]:
        """company, contact, lead, deal, subject_type; one line in twenty goes to a few busy records."""
        dice = self.dice
        busy = dice.random() < 0.05
        kind = dice.choices(("contact", "lead", "deal", "company"), (50, 20, 20, 10))[0]
        most = {"contact": self.size, "lead": self.leads, "deal": self.deals, "company": self.companies}[kind]
        pk = str(dice.randint(1, min(most, 40) if busy else most))
        if kind == "contact":
            return [str(dice.randint(1, self.companies)), pk, NULL, NULL, kind]
        if kind == "deal":
            return [str(dice.randint(1, self.companies)), str(dice.randint(1, self.size)), NULL, pk, kind]
        return [pk if kind == "company" else NULL, NULL, pk if kind == "lead" else NULL, NULL, kind]

    def load_lines(self) -> None:
        size, dice = self.lines, self.dice
        actors = [str(pk) for pk in self.crew.users.values()]
        at = self.past(size, 500)
        verbs = {"note": "noted", "call": "called", "email": "sent", "meeting": "met", "change": "changed", "task": "done"}
        kinds = dice.choices(list(verbs), weights=(30, 20, 20, 8, 12, 10), k=size)
        notes = [(note, fold(note)) for note in names.NOTES]

        def rows() -> Iterator[list[str]]:
            for number in range(size):
                kind = kinds[number]
                body, text = dice.choice(notes) if kind in ("note", "call", "email") else ("", "")
                yield [*self._subject(), kind, verbs[kind], body, text, dice.choice(actors), at[number]]

        copy_rows(Activity, ("company_id", "contact_id", "lead_id", "deal_id", "subject_type", "kind", "verb", "body", "search_text", "actor_id", "at"), rows())

    def load_tasks(self) -> None:
        size, dice = self.tasks, self.dice
        owners = self.crew.shares(size, dice)
        busy = str(self.crew.users["admin"])
        team = str(self.crew.teams["A"])

        def rows() -> Iterator[list[str]]:
            for number in range(size):
                due = self.now + timedelta(seconds=dice.randint(-200 * 86_400, 40 * 86_400))
                done = due < self.now and dice.random() < 0.97
                owner, home = owners[number]
                if owner == NULL:
                    owner, home = busy, team
                title = f"{dice.choice(names.TASKS)} {number % 89}"
                done_at = (due - timedelta(hours=dice.randint(0, 40))).isoformat() if done else NULL
                yield [
                    *self._subject(), title, dice.choice(Task.Kind.values), str(dice.randint(1, 3)), owner, home, due.date().isoformat(), due.isoformat(), done_at,
                    owner if done else NULL, due.isoformat(), due.isoformat(), fold(title), sort_key(title),
                ]  # fmt: skip

        columns = "company_id contact_id lead_id deal_id subject_type title kind priority owner_id team_id due_on due_at done_at done_by_id created_at updated_at search_text sort_name"
        copy_rows(Task, columns.split(), rows())

    def load_tags(self) -> None:
        tags = [Tag.objects.get_or_create(key=f"tag {number}", defaults={"name": f"Tag {number}"})[0] for number in range(20)]
        weights = names.skewed(20)
        for model, size in ((Contact, self.size), (Lead, self.leads), (Company, self.companies), (Deal, self.deals)):
            pairs = ([str(pk), str(tag.pk)] for pk in range(1, size + 1) if self.dice.random() < 0.2 for tag in self.dice.choices(tags, weights))
            copy_rows(model.tags.through, (f"{model._meta.model_name}_id", "tag_id"), pairs)

    def load_notifications(self) -> None:
        at = self.past(60, 30)
        rows = (
            [str(user), "assigned", f"You got lead {number}", f"/leads/{number + 1}/", at[number], at[number] if number > 5 else NULL]
            for user in self.crew.users.values()
            for number in range(60)
        )
        copy_rows(Notification, ("user_id", "kind", "text", "url", "created_at", "read_at"), rows)
