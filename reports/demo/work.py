"""What was done, what is late, what is due today, and what comes."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from activities.models import Task
from activities.services import close_past_meetings, complete_task, create_meeting, create_task
from contacts.models import Contact
from deals.models import Deal
from leads.models import Lead, LeadStatus
from reports.demo import words
from reports.demo.cast import Cast
from reports.demo.clock import Story
from reports.demo.house import House

DONE = 110
CLOCKS = (time(8, 30), time(9), time(10, 15), time(11), time(13, 30), time(14), time(15, 30), time(16))


class Work:
    """Tasks and meetings of the people who sell."""

    def __init__(self, cast: Cast, house: House, story: Story) -> None:
        self.cast, self.house, self.story = cast, house, story
        self.finished: list[tuple[int, datetime]] = []

    def run(self, people: list[Contact], deals: list[Deal]) -> None:
        open_leads = Lead.objects.filter(owner__isnull=False, status__kind__in=(LeadStatus.Kind.NEW, LeadStatus.Kind.WORKING)).select_related(
            "owner__role", "owner__team"
        )
        leads = list(open_leads.order_by("pk"))
        owned = [contact for contact in people if contact.owner_id]
        self._done([*owned[::2], *deals])
        # Some deals and leads have nothing planned: that is what lists and board warn of.
        deals = [deal for number, deal in enumerate(deals) if number % 5 != 3]
        bare = {deal.contact_id for deal in deals}
        owned = [contact for contact in owned if contact.pk not in bare]
        self._planned(deals, leads[::2], owned[5::9])
        self._today(deals, owned)
        self._own()
        self._meetings(deals, owned)
        close_past_meetings()
        for pk, at in self.finished:
            Task.objects.filter(pk=pk).update(done_at=at)

    def _task(self, record: Any, **values: Any) -> Task:
        kind, title = self.cast.choice(words.TASKS)
        return create_task({"title": title, "kind": kind, "owner": record.owner, record._meta.model_name: record, **values}, actor=record.owner)

    def _done(self, records: list[Any]) -> None:
        cast = self.cast
        for number in range(DONE):
            record = records[number % len(records)]
            done = cast.days_ago(cast.dice.choice((1, 2, 3, 5, 8, 12, 16, 21, 26, 29, 45, 70, 110, 200)) + cast.dice.randint(0, 2))
            done = max(done, cast.later(record.created_at, 1, 5))
            with self.story.at(max(done - timedelta(days=cast.dice.randint(1, 6)), record.created_at)):
                task = self._task(record, due_on=done.astimezone(cast.zone).date(), reminder=None)
            with self.story.at(done):
                complete_task(task, actor=record.owner, outcome=cast.choice(words.OUTCOMES))
            self.finished.append((task.pk, done))

    def _planned(self, deals: list[Deal], leads: list[Lead], people: list[Contact]) -> None:
        """Late, soon and later; a third by the day, the rest at a time."""
        cast = self.cast
        for number, record in enumerate([*deals, *leads, *people]):
            days = (-6, 1, 3, -2, 5, 8, 2, 13, -1, 4)[number % 10]
            made = cast.days_ago(max(2, -days + cast.dice.randint(1, 5)))
            at = cast.choice(CLOCKS) if number % 3 else None
            day = (
                cast.work_moment(cast.today + timedelta(days=days), 9, forwards=days > 0).astimezone(cast.zone).date()
                if days > 0
                else cast.today + timedelta(days=days)
            )
            with self.story.at(made):
                self._task(record, due_on=day, due_time=at, priority=cast.choice((1, 2, 2, 2, 3)), reminder=0 if days > 0 else None)

    def _today(self, deals: list[Deal], people: list[Contact]) -> None:
        """Each seller has something to do today, at a time and some time today."""
        cast = self.cast
        for slug in ("rep", "rep2", "other", "manager"):
            user = self.house.users[slug]
            mine = [record for record in [*deals, *people] if record.owner_id == user.pk][:4]
            for number, record in enumerate(mine):
                with self.story.at(cast.days_ago(number + 1)):
                    self._task(record, due_on=cast.today, due_time=(time(9, 30), time(14), None, time(16, 30))[number], priority=(3, 2, 2, 2)[number])
        given = next((deal for deal in deals if deal.owner_id == self.house.users["rep"].pk), None)
        if given is not None:
            with self.story.at(cast.days_ago(0, hour=15)):
                values = {
                    "title": "Send me the margin before the offer goes out",
                    "kind": "todo",
                    "owner": self.house.users["rep"],
                    "due_on": cast.today + timedelta(days=1),
                    "deal": given,
                }
                create_task(values, actor=self.house.users["manager"])

    def _own(self) -> None:
        """Private ones, on no record."""
        for slug, title, days in (
            ("rep", "Travel expenses of last week", 2),
            ("rep2", "Book the hotel for the fair", 9),
            ("manager", "Prepare the sales meeting", 1),
            ("other", "Renew the motorway sticker", 12),
            ("agent", "Update the answer on spare parts", 0),
        ):
            user = self.house.users[slug]
            with self.story.at(self.cast.days_ago(3)):
                create_task({"title": title, "kind": "todo", "owner": user, "due_on": self.cast.today + timedelta(days=days)}, actor=user)

    def _meetings(self, deals: list[Deal], people: list[Contact]) -> None:
        cast = self.cast
        for slug in ("rep", "rep2", "other", "manager"):
            user = self.house.users[slug]
            records = [record for record in [*deals[::-1], *people] if record.owner_id == user.pk][:5]
            for number, record in enumerate(records):
                day = cast.today + timedelta(days=(0, 1, 4, 8, 15)[number])
                start = cast.work_moment(day, (10, 13, 9, 15, 11)[number]) if number else datetime.combine(day, time(15), cast.zone)
                with self.story.at(cast.days_ago(4)):
                    values = {
                        "title": f"{words.MEETINGS[number % len(words.MEETINGS)]}: {record.company or record}"[:200],
                        "location": cast.choice(("Customer's site", "Showroom Salzburg", "Video call")),
                        "owner": user,
                    }
                    create_meeting({**values, record._meta.model_name: record, "starts_at": start, "ends_at": start + timedelta(hours=1)}, actor=user)
