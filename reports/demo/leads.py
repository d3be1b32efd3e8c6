"""Eighty leads: from the website, from fairs and calls; worked, converted, sorted out, some still waiting."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from activities.services import add_note, log_call
from deals.models import Deal
from leads.models import Lead, LeadStatus, Submission
from leads.services import Choices, convert_lead, create_lead, process_submission, receive_submission, set_status
from reports.demo import words
from reports.demo.cast import Cast, domain_of
from reports.demo.clock import Story
from reports.demo.customers import SOUTH
from reports.demo.house import House

TYPED, SENT = 58, 22  # entered by colleagues, sent through the form
COUNTRIES = ("AT", "DE", "CZ", "PL", "AT", "DE", "HU", "IT", "SK", "SI", "CH", "HR", "FI", "DE")


class Leads:
    """Makes them and remembers which is which."""

    def __init__(self, cast: Cast, house: House, story: Story) -> None:
        self.cast, self.house, self.story = cast, house, story
        self.statuses = {status.name: status for status in LeadStatus.objects.all()}
        self.lost = next(status for status in self.statuses.values() if status.kind == LeadStatus.Kind.DISQUALIFIED)
        self.working = [status for status in self.statuses.values() if status.kind == LeadStatus.Kind.WORKING]
        self.made: list[tuple[Lead, datetime]] = []
        self.deals: list[tuple[Deal, datetime]] = []

    def run(self) -> None:
        for number in range(TYPED):
            self._typed(number)
        for number in reversed(range(SENT)):  # the newest last, as ids grow
            self._sent(number)
        for number, (lead, created) in enumerate(self.made):
            if lead.owner_id:
                self._work(lead, created, number)

    # ---- where they come from ----

    def _typed(self, number: int) -> None:
        cast, house = self.cast, self.house
        newcomer = words.NEWCOMERS[number] if number < len(words.NEWCOMERS) else None
        name, country, city = newcomer or (words.STRANGERS[number % len(words.STRANGERS)], COUNTRIES[number % len(COUNTRIES)], "")
        # Those that become deals are older than those that are still worked on.
        created = cast.days_ago(
            330 - number * 20 + cast.dice.randint(0, 10)
            if newcomer
            else cast.dice.choice((2, 5, 9, 14, 20, 33, 47, 60, 75, 90, 130, 180, 260)) + cast.dice.randint(0, 3)
        )
        owner = None if number % 9 == 8 and not newcomer else self._owner(country, number)
        source = house.sources[words.SOURCES[1 + number % 5]]
        person = cast.person(country)
        values = {
            "first_name": person.first, "last_name": person.last, "company_name": name, "job_title": cast.choice(words.JOBS), "email": person.address(domain_of(name)), "phone": cast.phone(country),
            "city": city, "country": country, "source": source, "value": Decimal(cast.dice.randint(4, 120) * 500), "owner": owner,
            "team": owner.team if owner else house.teams["South" if country in SOUTH else "North"], "created_at": created, "created_by": owner or house.users["manager"],
            "tags": [house.tags["Trade fair"]] if source.name == "Trade fair" else [],
        }  # fmt: skip
        with self.story.at(created):
            self.made.append((create_lead(values, actor=owner), created))

    def _owner(self, country: str, number: int) -> Any:
        return self.house.users["other" if country in SOUTH else ("rep", "rep2")[number % 2]]

    def _sent(self, number: int) -> None:
        """Through the public form, as a visitor would."""
        cast = self.cast
        country = COUNTRIES[(number * 3) % len(COUNTRIES)]
        created = cast.days_ago((0, 0, 1, 1, 2, 3, 4, 6, 8, 11, 15, 21, 30, 41, 55, 70, 95, 120, 160, 200, 250, 310)[number])
        person, company = cast.person(country), f"{cast.choice(words.STRANGERS)} {number + 1}"
        campaign = words.CAMPAIGNS[number % len(words.CAMPAIGNS)]
        data = {
            "name": f"{person.first} {person.last}",
            "email": person.address(domain_of(company)),
            "company": company,
            "phone": cast.phone(country),
            "message": words.MESSAGES[number % len(words.MESSAGES)],
        }
        utm = dict(zip(("utm_source", "utm_medium", "utm_campaign"), campaign, strict=True)) if campaign[0] else {}
        with self.story.at(created):
            submission = receive_submission(self.house.form, data=data, utm=utm, address=None, referrer="https://www.tauern-werkstatt.example/machines/")
            if not process_submission(submission.pk):
                raise RuntimeError(Submission.objects.get(pk=submission.pk).error)
            lead = Lead.objects.select_related("owner__role", "owner__team").get(submissions=submission)
        Lead.objects.filter(pk=lead.pk).update(country=country, value=Decimal(cast.dice.randint(4, 60) * 500))
        self.made.append((lead, created))

    # ---- what becomes of them ----

    def _work(self, lead: Lead, created: datetime, number: int) -> None:
        cast, owner = self.cast, lead.owner
        if created > cast.now - timedelta(days=2):
            return  # nobody has looked at it yet
        at = cast.later(created, 0.1, 2)
        with self.story.at(at):
            outcome = cast.choice(("connected", "connected", "voicemail", "no_answer"))
            log_call(
                lead,
                actor=owner,
                outcome=outcome,
                minutes=cast.dice.randint(3, 25) if outcome == "connected" else None,
                body=cast.choice(words.CALLS) if outcome != "no_answer" else "",
                at=at,
            )
        if number < len(words.NEWCOMERS):
            self._convert(lead, at)
        elif number % 6 == 5:
            self._sort_out(lead, at)
        else:
            self._keep(lead, at, number)

    def _keep(self, lead: Lead, at: datetime, number: int) -> None:
        cast = self.cast
        status = self.working[number % len(self.working)]
        at = cast.later(at, 0.5, 6)
        with self.story.at(at):
            set_status(lead, status, actor=lead.owner)
            if cast.chance(0.6):
                add_note(lead, body=cast.choice(words.NOTES), actor=lead.owner)

    def _sort_out(self, lead: Lead, at: datetime) -> None:
        with self.story.at(self.cast.later(at, 1, 10)):
            set_status(lead, self.lost, actor=lead.owner, reason=self.cast.choice(words.DISQUALIFIED))

    def _convert(self, lead: Lead, at: datetime) -> None:
        cast = self.cast
        at = cast.later(at, 2, 12)
        name = f"{cast.choice(words.PRODUCTS)}, {cast.choice(words.PARTS)}"
        with self.story.at(at):
            choices = Choices(deal_name=name, deal_amount=lead.value, deal_close_date=(at + timedelta(days=cast.dice.randint(40, 120))).date())
            done = convert_lead(lead, actor=lead.owner, choices=choices)
        Lead.objects.filter(pk=lead.pk).update(converted_at=at)
        Deal.objects.filter(pk=done.deal.pk).update(stage_since=at)
        self.deals.append((Deal.objects.select_related("owner__role", "owner__team", "stage").get(pk=done.deal.pk), at))
