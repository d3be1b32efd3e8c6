"""Random but repeatable people, numbers and times."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from crm.core.text import unaccent
from reports.demo import words


@dataclass(frozen=True)
class Person:
    """Somebody at a company or on a form."""

    first: str
    last: str
    country: str

    def address(self, domain: str) -> str:
        return f"{plain(self.first)}.{plain(self.last)}@{domain}"


def plain(text: str) -> str:
    """Letters and digits that an address may have."""
    return "".join(char if char.isalnum() else "-" for char in unaccent(text)).strip("-").replace("--", "-")


def domain_of(company: str) -> str:
    """`Lindacher Möbel GmbH` -> `lindacher-moebel.example`."""
    short = company
    for ending in (" GmbH", " KG", " AG", " eG", " s.r.o.", " a.s.", " Sp. z o.o.", " S.A.", " Kft.", " Zrt.", " S.r.l.", " S.p.A.", " d.o.o."):
        short = short.removesuffix(ending)
    return f"{plain(short)}.example"


class Cast:
    """Dice and calendar of one run."""

    def __init__(self, now: datetime, zone: ZoneInfo) -> None:
        self.dice = random.Random(4711)
        self.now, self.zone = now, zone
        self.today = now.astimezone(zone).date()
        self.used: set[tuple[str, str]] = set()

    def person(self, country: str) -> Person:
        """A new name that nobody had yet."""
        for _ in range(200):
            pair = (self.dice.choice(words.FIRST[country]), self.dice.choice(words.LAST[country]))
            if pair not in self.used:
                break
        self.used.add(pair)
        return Person(*pair, country)

    def phone(self, country: str) -> str:
        return words.PREFIX[country] + "".join(str(self.dice.randint(1, 9)) for _ in range(words.DIGITS[country]))

    def chance(self, share: float) -> bool:
        return self.dice.random() < share

    def choice(self, values: Any) -> Any:
        return self.dice.choice(values)

    def days_ago(self, days: float, *, hour: int | None = None) -> datetime:
        """A working moment about so many days ago, never in the future."""
        return self.work_moment(self.today - timedelta(days=int(days)), hour, forwards=False)

    def work_moment(self, day: date, hour: int | None = None, *, forwards: bool = True) -> datetime:
        """A moment in office hours of the day, or of the nearest working day."""
        while day.weekday() > 4:
            day += timedelta(days=1 if forwards else -1)
        at = datetime.combine(
            day, time(hour if hour is not None else self.dice.randint(8, 16), self.dice.choice((0, 5, 10, 15, 20, 30, 40, 45, 50))), self.zone
        )
        return at if forwards else min(at, self.now - timedelta(minutes=self.dice.randint(20, 90)))

    def later(self, moment: datetime, low: float, high: float) -> datetime:
        """A working moment some days after `moment`, never in the future."""
        wanted = moment + timedelta(days=self.dice.uniform(low, high))
        at = self.work_moment(wanted.astimezone(self.zone).date())
        at = max(at, moment + timedelta(minutes=30))
        if at > self.now - timedelta(minutes=15):  # not all at one moment just now
            at = moment + (self.now - moment) * self.dice.uniform(0.5, 0.95)
        return at
