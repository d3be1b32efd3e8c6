"""Filters of record lists: what stands in the address, validated, and shown as chips."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import django_filters
from django import forms
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.core import cells
from crm.core.models import Tag
from crm.core.text import sort_key
from crm.core.widgets import DateInput
from crm.core.yearly import comes_on

RANGES = [
    ("today", gettext_lazy("Today")),
    ("yesterday", gettext_lazy("Yesterday")),
    ("7d", gettext_lazy("Last 7 days")),
    ("30d", gettext_lazy("Last 30 days")),
    ("90d", gettext_lazy("Last 90 days")),
    ("this_month", gettext_lazy("This month")),
    ("this_year", gettext_lazy("This year")),
    ("over14d", gettext_lazy("More than 14 days ago")),
    ("over90d", gettext_lazy("More than 90 days ago")),
]
NEVER = [("idle14d", gettext_lazy("Not in the last 14 days")), ("never", gettext_lazy("Never"))]
YEARLY = [
    ("today", gettext_lazy("Today")),
    ("next7d", gettext_lazy("Next 7 days")),
    ("next30d", gettext_lazy("Next 30 days")),
    ("this_month", gettext_lazy("This month")),
    ("next_month", gettext_lazy("Next month")),
    ("known", gettext_lazy("Known")),
    ("none", gettext_lazy("Not known")),
]
NEXT = [("late", gettext_lazy("Late")), ("today", gettext_lazy("Today")), ("planned", gettext_lazy("Planned")), ("none", gettext_lazy("None"))]


def day_start(day: Any) -> datetime:
    """Midnight of a local day in the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def span_of(name: str, today: date) -> tuple[date | None, date | None]:
    """First and last day of a range that is named as seen from `today`; None: open. "7d" are seven days up to today, "next7d" seven from today on.
    KeyError for a name that is none."""
    month = today.replace(day=1)
    next_month = (month + timedelta(days=32)).replace(day=1)
    spans: dict[str, tuple[date | None, date | None]] = {
        "today": (today, today),
        "yesterday": (today - timedelta(days=1), today - timedelta(days=1)),
        "past": (None, today - timedelta(days=1)),
        "over14d": (None, today - timedelta(days=15)),
        "over90d": (None, today - timedelta(days=91)),
        "this_month": (month, next_month - timedelta(days=1)),
        "next_month": (next_month, (next_month + timedelta(days=32)).replace(day=1) - timedelta(days=1)),
        "this_year": (today.replace(month=1, day=1), today.replace(month=12, day=31)),
        **{f"{days}d": (today - timedelta(days=days - 1), today) for days in (7, 30, 90)},
        **{f"next{days}d": (today, today + timedelta(days=days - 1)) for days in (7, 30)},
    }
    return spans[name]


def days_of(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def range_q(field: str, value: str) -> Q:
    """Rows whose time `field` lies in the named range, seen from the reader's zone."""
    if value == "never":
        return Q(**{f"{field}__isnull": True})
    if value == "idle14d":
        return range_q(field, "never") | range_q(field, "over14d")
    first, last = span_of(value, timezone.localdate())
    q = Q(**{f"{field}__gte": day_start(first)}) if first else Q()
    return q & Q(**{f"{field}__lt": day_start(last + timedelta(days=1))}) if last else q


class RangeFilter(django_filters.ChoiceFilter):
    """A relative date range over a time column: `?created=7d`. `never`: empty values can be asked for, alone and with those of long ago."""

    def __init__(self, *args: Any, never: bool = False, **kwargs: Any) -> None:
        kwargs["choices"] = [*RANGES, *NEVER] if never else RANGES
        kwargs.setdefault("empty_label", gettext_lazy("Any time"))
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(range_q(self.field_name, value)) if value else qs


class DayFilter(django_filters.DateFilter):
    """Rows with a day, or a `moment` (by the reader's days), from or up to the given day."""

    def __init__(self, *args: Any, up_to: bool = False, moment: bool = False, **kwargs: Any) -> None:
        self.up_to, self.moment = up_to, moment
        kwargs.setdefault("widget", DateInput())
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        if not self.moment:
            return qs.filter(**{f"{self.field_name}__{'lte' if self.up_to else 'gte'}": value})
        if self.up_to:
            return qs.filter(**{f"{self.field_name}__lt": day_start(value + timedelta(days=1))}) if value.year < 9999 else qs
        return qs.filter(**{f"{self.field_name}__gte": day_start(value)})


class YearlyDayFilter(django_filters.ChoiceFilter):
    """By a day that comes back every year, seen from today; `none` where it is not known."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=YEARLY, empty_label=gettext_lazy("Any time"), **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        if value in ("known", "none"):
            empty = Q(**{self.field_name: ""})
            return qs.filter(empty if value == "none" else ~empty)
        first, last = span_of(value, timezone.localdate())
        return qs.filter(comes_on(self.field_name, days_of(first, last))) if first and last else qs


class OwnerField(forms.CharField):
    """`me`, `none` or the id of a colleague; cleans to (kind, id)."""

    user: Any = None

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if text in ("", "me", "none"):
            return text
        if not text.isdecimal() or len(text) > 18:
            raise ValidationError(_("Choose a colleague from the list."), code="owner")
        return int(text)


class OwnerFilter(django_filters.Filter):
    """Rows of one colleague, of the reader (`me`) or of nobody (`none`)."""

    field_class = OwnerField

    def filter(self, qs: Any, value: Any) -> Any:
        if value in ("", None):
            return qs
        if value == "none":
            return qs.filter(**{f"{self.field_name}__isnull": True})
        pk = self.parent.user.pk if value == "me" else value
        return qs.filter(**{f"{self.field_name}_id": pk})


class NextStepFilter(django_filters.ChoiceFilter):
    """By the record's next step: late, today, planned or none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["choices"] = NEXT
        kwargs.setdefault("empty_label", gettext_lazy("Any"))
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        tomorrow = day_start(timezone.localdate() + timedelta(days=1))
        at = timezone.now()
        conditions = {
            "late": Q(next_step_at__lt=at),
            "today": Q(next_step_at__gte=at, next_step_at__lt=tomorrow + timedelta(seconds=1)),
            "planned": Q(next_step_at__gte=at),
            "none": Q(next_step_at__isnull=True, next_step_kind=""),
        }
        return qs.filter(conditions[value])


class TagFilter(django_filters.CharFilter):
    """Rows with a tag, by its name."""

    def filter(self, qs: Any, value: Any) -> Any:
        if not value:
            return qs
        through: Any = qs.model.tags.through
        tag = _tag_id(sort_key(str(value))[:40])
        return qs.filter(pk__in=through.objects.filter(tag_id=tag).values(f"{qs.model._meta.model_name}_id")) if tag else qs.none()


def _tag_id(key: str) -> int | None:
    """The planner knows how common a tag is only if the statement names it. A tag keeps its id for the seconds that this is remembered."""
    name = f"tag.{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}"
    found = caches["fragments"].get(name)
    if found is None:
        found = Tag.objects.filter(key=key).values_list("pk", flat=True).first()
        if found is not None:
            caches["fragments"].set(name, found, 5)
    return found


class HasFilter(django_filters.BooleanFilter):
    """Rows where a text column is filled (`yes`) or empty (`no`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.Select(choices=[("", gettext_lazy("Any")), ("true", gettext_lazy("Yes")), ("false", gettext_lazy("No"))]))
        super().__init__(*args, **kwargs)

    def filter(self, qs: Any, value: Any) -> Any:
        if value is None:
            return qs
        empty = Q(**{self.field_name: ""})
        return qs.filter(~empty if value else empty)


def _cleaned(field: Any, raw: Any) -> Any:
    """A choice as the form gives it, without asking the database for each."""
    if hasattr(field, "queryset"):
        return [getattr(raw, "instance", raw)]
    return field.clean([raw]) if isinstance(field, forms.MultipleChoiceField) else field.clean(raw)


def _flat(choices: Any) -> list[tuple[Any, Any]]:
    """Choices without the headings that they may stand under."""
    return [pair for value, label in choices for pair in (_flat(label) if isinstance(label, (list, tuple)) else [(value, label)])]


class RecordFilterSet(django_filters.FilterSet):
    """Filters that every record list has. Subclasses add theirs; the order of declaration is the order on screen.

    `group_by` names the filters by whose choices a list can be grouped: each row must fit exactly one of them."""

    group_by: ClassVar[tuple[str, ...]] = ("owner",)

    owner = OwnerFilter(field_name="owner", label=gettext_lazy("Owner"))
    tag = TagFilter(label=gettext_lazy("Tag"), max_length=40)
    next = NextStepFilter(field_name="next_step_at", label=gettext_lazy("Next step"))
    created = RangeFilter(field_name="created_at", label=gettext_lazy("Created"))
    created_from = DayFilter(field_name="created_at", moment=True, label=gettext_lazy("Created from"))
    created_to = DayFilter(field_name="created_at", moment=True, up_to=True, label=gettext_lazy("Created up to"))
    active = RangeFilter(field_name="last_activity_at", label=gettext_lazy("Last activity"), never=True)

    def __init__(self, *args: Any, only: Collection[str] | None = None, every: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        """`only`: the names of the filters to build; a list asks for a few of the twenty, and each costs copies of its fields.
        `every`: all that there are, if these are more than the class declares."""
        if only is not None or every is not None:
            known = type(self).base_filters if every is None else every  # type: ignore[has-type]
            self.base_filters = {name: each for name, each in known.items() if only is None or name in only}
        super().__init__(*args, **kwargs)

    @property
    def user(self) -> Any:
        return self.request.user

    @property
    def columns(self) -> set[str]:
        """Names of the columns that are asked about, as a sort key has them."""
        asked = {name for name, value in self.form.cleaned_data.items() if value not in (None, "", [])}
        return {self.filters[name].field_name for name in asked if name in self.filters}

    def beginning(self, column: str) -> str:
        """How the texts of this column must begin; "" if that is not asked."""
        asked = (self.form.cleaned_data.get(name) for name, each in self.filters.items() if each.field_name == column and each.lookup_expr == "istartswith")
        return next((value for value in asked if value), "")

    @classmethod
    def groupable(cls, filters: Mapping[str, Any]) -> list[str]:
        """Names of the filters by which the list can be grouped, custom fields with one choice included."""
        return [name for name in filters if name in cls.group_by or getattr(filters[name], "groups", False)]

    def group_values(self, name: str) -> list[tuple[str, str, Any]]:
        """What the filter can be asked for, each row being in one: value in the address, label, and what the filter's `filter` takes."""
        field: Any = self.form.fields[name]
        if isinstance(field, OwnerField):
            people = get_user_model().objects.visible_to(self.user).order_by("name", "pk").values_list("pk", "name")
            return [*((str(pk), person, pk) for pk, person in people), ("none", _("Nobody"), "none")]
        return [(str(raw), str(label), _cleaned(field, raw)) for raw, label in _flat(field.choices) if raw not in ("", None)]

    def value_text(self, name: str, value: Any) -> str:
        """A filter's value as a chip shows it."""
        field = self.form.fields[name]
        if hasattr(self.filters[name], "shown"):  # it knows best
            return self.filters[name].shown(value)
        if isinstance(field, OwnerField):
            return self._owner_text(value)
        if hasattr(value, "strftime"):
            return date_format(value, "SHORT_DATE_FORMAT")
        if isinstance(value, bool):
            return _("Yes") if value else _("No")
        if isinstance(value, Decimal):
            return cells.format_number(value, cells.current_locale(), 0 if value == int(value) else 2)
        if hasattr(value, "model"):  # several chosen rows
            return ", ".join(str(each) for each in value)
        if isinstance(value, slice):
            low, high = value.start, value.stop
            return f"{'' if low is None else low} – {'' if high is None else high}".strip()
        if isinstance(value, (list, tuple)):
            choices = {str(key): str(label) for key, label in getattr(field, "choices", [])}
            return ", ".join(choices.get(str(each), str(each)) for each in value)
        # Not by truth: choices that a function gives have no length.
        if getattr(field, "choices", None) is not None and not hasattr(field, "queryset"):
            return str({str(key): label for key, label in field.choices}.get(str(value), value))
        return str(value)

    def _owner_text(self, value: Any) -> str:
        if value == "me":
            return _("Me")
        if value == "none":
            return _("Nobody")
        found = get_user_model().objects.visible_to(self.user).filter(pk=value).first()
        return str(found) if found else _("Unknown")
