"""The cards of the board, built as strings: a hundred of them through the template engine would cost more than all queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from crm.core import cells
from crm.core.cells import escape
from crm.core.steps import step_html
from crm.core.tagging import Label
from deals.models import Deal, Stage


class CardMaker:
    """Makes the `<li>`s of one page. `labels`: tags by deal. `query` is the board's own address part: a move's answer counts over the same deals."""

    def __init__(self, ctx: Any, stages: Sequence[Stage], movable: Collection[int], labels: Mapping[int, list[Label]], query: str) -> None:
        self.ctx, self.movable, self.labels, self.language = ctx, movable, labels, get_language() or ""
        self.query = escape(f"?{query}") if query else ""
        self.menus = {stage.pk: self._menu(stage, stages) for stage in stages}

    def _menu(self, own: Stage, stages: Sequence[Stage]) -> str:
        """What stands in the menu of the cards of one lane; URL and DEAL are put in per card."""
        buttons = "".join(
            f'<li><button class="dropdown-item" type="submit" form="move" formaction="%URL%" name="stage" value="{stage.pk}"'
            f"{' data-move' if stage.kind != Stage.Kind.LOST else ''}>{escape(stage.name)}</button></li>"
            for stage in stages
            if stage.pk != own.pk
        )
        dots, title = cells.icon("dots", "i-sm"), escape(gettext("Move to"))
        label = escape(gettext("Move %(deal)s") % {"deal": "%DEAL%"})
        return (
            f'<details class="dd dd-end more"><summary class="btn btn-ghost btn-sm btn-icon" aria-label="{label}">{dots}</summary>'
            f'<ul class="dropdown-menu"><li><h4 class="dropdown-header">{title}</h4></li>{buttons}</ul></details>'
        )

    def card(self, deal: Deal, stage: Stage) -> SafeString:
        """One deal."""
        name, url, ctx = escape(deal.name), f"/deals/{deal.pk}/", self.ctx
        company = ctx.linked(deal, "company")
        move, menu = "", ""
        if deal.pk in self.movable:
            address = f"{url}move/{self.query}"
            move = f' data-url="{address}" data-version="{deal.version}"'
            menu = self.menus[stage.pk].replace("%URL%", address).replace("%DEAL%", name)
        money = escape(cells.format_money(deal.amount, deal.currency, ctx.locale))
        tags = self.labels.get(deal.pk)
        labels = f'<div class="ln">{cells.tags_html(tags, 3)}</div>' if tags else ""
        return SafeString(
            f'<li class="deal" id="deal-{deal.pk}" data-pk="{deal.pk}" data-name="{name}"{move}><h3 class="text-break"><a href="{url}">{name}</a></h3>'
            f'<div class="co text-break"><span>{escape(str(company)) if company else "&nbsp;"}</span></div>{menu}'
            f'<div class="ln"><span class="val">{money}</span>{self._age(deal, stage)}{self._owner(deal)}</div>'
            f'{labels}<div class="ln bt">{self._left(deal, stage)}{self._close(deal, stage)}</div></li>'
        )

    def _age(self, deal: Deal, stage: Stage) -> str:
        if stage.kind != Stage.Kind.OPEN:
            return ""
        return _age(days_in_stage(deal, self.ctx), is_stalled(deal, stage, self.ctx), self.language)

    def _owner(self, deal: Deal) -> str:
        owner = self.ctx.linked(deal, "owner")
        return _face(owner.name, owner.pk, self.language) if owner else _face("", None, self.language)

    def _left(self, deal: Deal, stage: Stage) -> str:
        if stage.kind != Stage.Kind.WON or deal.closed_at is None:
            return step_html(deal, self.ctx)
        day = cells.format_short(deal.closed_at.astimezone(self.ctx.zone).date(), self.ctx.locale, with_year=False)
        text = gettext("Won %(day)s") % {"day": day}
        return f'<span class="act act-won">{cells.icon("circle-check", "i-sm")}{escape(text)}</span>'

    def _close(self, deal: Deal, stage: Stage) -> str:
        if deal.close_date is None or stage.kind == Stage.Kind.WON:
            return ""
        return _close(deal.close_date, self.ctx.today, self.ctx.locale, self.language)


# What repeats from card to card, remembered with all that it depends on.


@lru_cache(1024)
def _age(days: int, stalled: bool, language: str) -> str:
    text = escape(gettext("%(days)s d") % {"days": days})
    hint = escape(gettext("%(days)s days in this stage") % {"days": days})
    if stalled:
        word, mark = escape(gettext("Stalled")), cells.icon("history")
        return f'<span class="bdg k-amber" title="{word}: {hint}">{mark}<span class="visually-hidden">{word} </span>{text}</span>'
    return f'<span class="t3 num" title="{hint}">{text}</span>'


@lru_cache(4096)
def _face(name: str, pk: int | None, language: str) -> str:
    """The owner's initials; without `pk` nobody's."""
    label = escape(gettext("Owner %(name)s") % {"name": name} if pk is not None else gettext("Unassigned"))
    face, color = (cells.initials(name), cells.color_of(pk)) if pk is not None else ("–", "k-grey")
    return f'<span class="av {color}" role="img" aria-label="{label}" title="{label}">{escape(face)}</span>'


@lru_cache(4096)
def _close(day: date, today: date, locale: str, language: str) -> str:
    """Without the year when it is clear: within eleven months. Never broken over two lines."""
    text = cells.format_short(day, locale, abs((day - today).days) > 330).replace(" ", "\u00a0")
    html = f'<time datetime="{day.isoformat()}" title="{escape(cells.format_long(day, locale))}">{escape(text)}</time>'
    label = escape(gettext("Expected to close"))
    if day < today:
        late, mark = escape(gettext("overdue")), cells.icon("alert-triangle", "i-sm")
        return f'<span class="ms-auto act act-late num"><span class="visually-hidden">{label}, {late}: </span>{mark}{html}</span>'
    return f'<span class="ms-auto t3 num"><span class="visually-hidden">{label}: </span>{html}</span>'


def days_in_stage(deal: Deal, ctx: Any) -> int:
    """Local days since the deal entered its stage."""
    return max(0, (ctx.today - deal.stage_since.astimezone(ctx.zone).date()).days)


def is_stalled(deal: Deal, stage: Stage | None, ctx: Any) -> bool:
    """An open deal that is longer in its stage than the stage allows."""
    limit = stage.stalled_after_days if stage else None
    return deal.status == Deal.Status.OPEN and limit is not None and (ctx.now - deal.stage_since).total_seconds() > limit * 86_400


def money(amount: Decimal, currency: str, ctx: Any) -> str:
    """A sum in whole units: cents are noise in a total of a board."""
    return cells.format_money(amount.quantize(Decimal(1), ROUND_HALF_UP), currency, ctx.locale)


def filter_query(params: Any) -> str:
    """The board's address without what only says which cards are shown."""
    kept = [(name, value) for name in params for value in params.getlist(name) if value and name not in ("lane", "after")]
    return urlencode(kept)
