"""Sixty deals over a year: won, lost with reasons, moving, stalled."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from activities.services import add_note, create_meeting, log_call
from contacts.models import Contact
from deals.models import Deal, LostReason, Stage
from deals.services import create_deal, move_deal
from reports.demo import words
from reports.demo.cast import Cast
from reports.demo.clock import Story
from reports.demo.house import House

DIRECT = 46  # with those from leads 60
# How each ends, and about how many days ago it began; "stalled" has not moved for long.
FATES = ("won", "open", "lost", "open", "won", "open", "won", "stalled", "open", "lost", "open", "won")


class Deals:
    """Makes deals with existing customers and leads all of them through the pipeline."""

    def __init__(self, cast: Cast, house: House, story: Story) -> None:
        self.cast, self.house, self.story = cast, house, story
        stages = list(Stage.objects.filter(pipeline__archived_at__isnull=True).order_by("pipeline__position", "position"))
        pipeline = stages[0].pipeline_id
        self.open = [stage for stage in stages if stage.pipeline_id == pipeline and stage.kind == Stage.Kind.OPEN]
        self.closing = {stage.kind: stage for stage in stages if stage.pipeline_id == pipeline and stage.kind != Stage.Kind.OPEN}
        self.reasons = list(LostReason.objects.filter(active=True))
        self.alive: list[Deal] = []

    def run(self, people: list[Contact], converted: list[tuple[Deal, datetime]]) -> None:
        for number, (deal, at) in enumerate(converted):
            self._lead_through(deal, at, ("won", "open", "lost", "won")[number % 4] if at < self.cast.now - timedelta(days=60) else "open")
        owned = [contact for contact in people if contact.owner_id]
        for number in range(DIRECT):
            self._direct(owned[(number * 7) % len(owned)], number)

    def _direct(self, contact: Contact, number: int) -> None:
        cast = self.cast
        fate = FATES[number % len(FATES)]
        begun = {"won": 30 + number * 7, "lost": 40 + number * 6, "open": 4 + number * 5 % 34, "stalled": 70 + number}[fate]
        at = cast.days_ago(min(begun, 350))
        values = {
            "name": f"{words.PRODUCTS[number % len(words.PRODUCTS)]}, {cast.choice(words.PARTS)}", "company": contact.company, "contact": contact, "amount": self._amount(), "stage": self.open[0],
            "close_date": (at + timedelta(days=cast.dice.randint(45, 110))).date(), "owner": contact.owner, "team": contact.team, "created_at": at, "stage_since": at, "created_by": contact.owner,
            "source": self.house.sources[words.SOURCES[number % len(words.SOURCES)]], "tags": [self.house.tags["Second shift"]] if number % 11 == 3 else [],
        }  # fmt: skip
        with self.story.at(at):
            deal = create_deal(values, actor=contact.owner)
        self._lead_through(Deal.objects.select_related("owner__role", "owner__team", "stage").get(pk=deal.pk), at, fate)

    def _amount(self) -> Decimal:
        return Decimal(self.cast.dice.choice((4, 6, 8, 9, 12, 14, 18, 22, 28, 36, 48, 64, 87)) * 1000 + self.cast.dice.choice((0, 0, 250, 500, 900)))

    def _lead_through(self, deal: Deal, at: datetime, fate: str) -> None:
        cast = self.cast
        steps = {"won": 3, "lost": cast.dice.randint(1, 3), "stalled": cast.dice.randint(1, 2), "open": cast.dice.randint(0, 3)}[fate]
        if fate == "open" and at < cast.now - timedelta(days=12):
            steps = max(1, steps)  # it moves: else it would be one of the stalled
        last = cast.now - timedelta(days=cast.dice.randint(1, 11))
        for number, stage in enumerate(self.open[1 : 1 + steps]):
            self._talk(deal, at)
            if fate == "stalled" and at > cast.now - timedelta(days=45):
                break
            gap = (last - at) / (steps - number) / timedelta(days=1)
            at = cast.later(at, 4, 14) if fate != "open" or gap <= 0 else cast.later(at, gap * 0.8, gap)
            if at > cast.now - timedelta(hours=1):
                break
            with self.story.at(at):
                deal = move_deal(deal, stage, actor=deal.owner, at=at)
        if fate in ("won", "lost"):
            at = cast.later(at, 3, 12)
            reason = cast.choice(self.reasons) if fate == "lost" else None
            with self.story.at(at):
                move_deal(
                    deal,
                    self.closing[fate],
                    actor=deal.owner,
                    at=at,
                    lost_reason=reason,
                    lost_note=cast.choice(words.LOST_NOTES) if reason and cast.chance(0.7) else "",
                )
        else:
            self.alive.append(deal)
            if deal.close_date and deal.close_date < cast.today - timedelta(days=12):
                Deal.objects.filter(pk=deal.pk).update(
                    close_date=cast.today + timedelta(days=cast.dice.randint(6, 70)), close_date_pushes=cast.dice.randint(1, 3)
                )

    def _talk(self, deal: Deal, at: datetime) -> None:
        """What was said and written before the next move."""
        cast, owner = self.cast, deal.owner
        at = cast.later(at, 0.2, 2)
        with self.story.at(at):
            if cast.chance(0.75):
                log_call(deal, actor=owner, outcome="connected", minutes=cast.dice.randint(4, 35), body=cast.choice(words.CALLS), at=at)
            if cast.chance(0.6):
                add_note(deal, body=cast.choice(words.NOTES), actor=owner)
        if cast.chance(0.3):
            self._meet(deal, cast.later(at, 1, 4))

    def _meet(self, deal: Deal, at: Any) -> None:
        if not 8 <= at.astimezone(self.cast.zone).hour < 18:  # what was squeezed in before now may lie in the night
            at = self.cast.work_moment(at.astimezone(self.cast.zone).date() - timedelta(days=1), forwards=False)
        with self.story.at(at - timedelta(days=1)):
            values = {
                "title": f"{self.cast.choice(words.MEETINGS)}: {deal.company or deal.name}"[:200],
                "location": self.cast.choice(("Customer's site", "Showroom Salzburg", "Video call")),
                "deal": deal,
                "owner": deal.owner,
            }
            create_meeting({**values, "starts_at": at, "ends_at": at + timedelta(minutes=self.cast.choice((30, 60, 90)))}, actor=deal.owner)
