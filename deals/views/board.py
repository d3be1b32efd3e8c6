"""The pipeline board."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views import View

from crm.core import cells, replica
from crm.core.access import arms_for, may_add, q_for
from crm.core.bars import Tab
from crm.core.cursors import BadCursor, Cursor
from crm.core.list_bar import KEEP_SECONDS, Chip
from crm.core.lists import row_context
from crm.core.related import see
from crm.core.tagging import labels_of
from crm.core.views import bad_request
from deals import selectors
from deals.filters import BoardFilterSet, unknown_parameters
from deals.models import Deal, Pipeline, Stage
from deals.selectors.board import Totals
from deals.views.cards import CardMaker, filter_query, money
from users.selectors import organisation

OWN = {"pipeline", "q", "lane", "after"}
MAX_QUERY = 200


@dataclass(frozen=True)
class ShownLane:
    """One column, finished."""

    stage: Stage
    count: str
    amount: str
    weighted: str
    hint: Any
    cards: SafeString
    more_url: str
    start_url: str
    new_url: str


class BadBoard(ValueError):
    """The address asks for what the board does not have."""


class BoardQuery:
    """A validated board address. BadBoard, or Http404 for a pipeline that is not there."""

    def __init__(self, request: HttpRequest) -> None:
        params = request.GET
        if unknown := unknown_parameters(params, BoardFilterSet, OWN):
            raise BadBoard(_("The board knows no “%(name)s”.") % {"name": unknown[0][:60]})
        if any("\x00" in value for _name, values in params.lists() for value in values):
            raise BadBoard(_("The address holds invisible characters."))
        self.params, self.user = params, request.user
        self.q = params.get("q", "").strip()[:MAX_QUERY]
        self.pipeline = find_pipeline(params.get("pipeline", ""))
        self.request = request
        self.filterset = self._filterset([name for name in BoardFilterSet.base_filters if {name, f"{name}_text"} & set(params)])  # type: ignore[attr-defined]
        if not self.filterset.form.is_valid():
            name, texts = next(iter(self.filterset.form.errors.items()))
            raise BadBoard(f"{self.filterset.form.fields[name].label}: {texts[0]}")
        self.lane, self.after = self._position(params.get("lane", ""), params.get("after", ""))

    def _filterset(self, only: list[str] | None) -> Any:
        filterset = BoardFilterSet(self.params, queryset=Deal.objects.visible_to(self.user), request=self.request, only=only)
        filterset.form.auto_id = "filter_%s"  # the side panel's form on the same page has id_owner as well
        return filterset

    @property
    def filter_fields(self) -> SafeString:
        """The filter's fields. Untouched ones are remembered per reader and language for half a minute, like those of a list."""
        key = f"filter.board.{self.user.pk}.{get_language()}"
        html = None if self.filterset.form.fields else caches["fragments"].get(key)
        if html is None:
            html = "".join(render_to_string("records/filter_field.html", {"field": field}) for field in self._filterset(None).form)
            if not self.filterset.form.fields:
                caches["fragments"].set(key, html, KEEP_SECONDS)
        return SafeString(html)

    def _position(self, lane: str, after: str) -> tuple[Stage | None, Cursor | None]:
        if not lane and not after:
            return None, None
        stage = selectors.catalog().stage(int(lane)) if lane.isdecimal() and len(lane) < 18 else None
        if stage is None or stage.pipeline_id != self.pipeline.pk:
            raise BadBoard(_("This column is not there. Go back to the board."))
        try:
            cursor = Cursor.decode(after, Deal._meta.get_field("next_step_at")) if after else None
        except BadCursor:
            cursor = None
            after = "?"
        if after == "?" or (cursor and not isinstance(cursor.key, datetime | None)) or (cursor and cursor.key is None and stage.kind == Stage.Kind.WON):
            raise BadBoard(_("This part of the column is not there. Go back to the board."))
        return stage, cursor

    @property
    def query(self) -> str:
        return filter_query(self.params)


def find_pipeline(text: str) -> Pipeline:
    """The one asked for, else the first. BadBoard for nonsense, Http404 for one that is not there."""
    if not text:
        pipeline = selectors.default_pipeline()
    elif text.isdecimal() and len(text) < 18:
        pipeline = selectors.catalog().pipeline(int(text))
    else:
        raise BadBoard(_("Choose a pipeline from the list."))
    if pipeline is None:
        raise Http404
    return pipeline


class BoardView(View):
    """GET: all lanes. With htmx and `lane`: the next cards of that lane alone."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if not arms_for(request.user, "view", Deal):
            raise PermissionDenied
        try:
            asked = BoardQuery(request)
        except BadBoard as error:
            return bad_request(request, str(error))
        if request.htmx and asked.lane and not request.htmx.boosted:  # type: ignore[attr-defined]
            with replica.reading(request.user):
                lane = selectors.lane_after(request.user, asked.lane, asked.filterset, asked.after)
            shown = shown_lanes(asked, [lane])
            return render(request, "deals/board.html#cards", {"lane": shown[0]})
        with replica.reading(request.user):
            board = selectors.board(request.user, asked.pipeline, asked.filterset, lane=asked.lane.pk if asked.lane else None, after=asked.after)
        return render(request, "deals/board.html", board_context(asked, board))


def board_context(asked: BoardQuery, board: selectors.Board) -> dict[str, Any]:
    """Everything that templates/deals/board.html shows."""
    ctx = row_context(asked.user)
    chips = board_chips(asked)
    return {
        "pipeline": asked.pipeline,
        "pipelines": [(each.name, board_url(asked, pipeline=str(each.pk)), each.pk == asked.pipeline.pk) for each in selectors.catalog().active()],
        "lanes": shown_lanes(asked, board.lanes),
        "totals": totals_texts(board.totals, ctx),
        "q": asked.q,
        "chips": chips,
        "filter_fields": asked.filter_fields,
        "hidden": [("pipeline", asked.params["pipeline"])] if asked.params.get("pipeline") else [],
        "filter_hidden": [(name, value) for name in asked.params for value in asked.params.getlist(name) if value and name not in OWN],
        "clear_url": board_url(asked, **dict.fromkeys(set(asked.params) - {"pipeline"}, "")),
        "filtered": bool(asked.q or chips),
        "tabs": [Tab(_("Board"), reverse("deals:board"), True, "layout-kanban"), Tab(_("List"), list_url(asked), False, "list")],
        "new_url": f"{reverse('deals:new')}?pipeline={asked.pipeline.pk}" if may_add(asked.user, Deal) else "",
        "empty": not any(lane.count for lane in board.lanes),
    }


def board_url(asked: BoardQuery, **changes: str) -> str:
    params = asked.params.copy()
    for name in ("lane", "after", *changes):
        params.pop(name, None)
        if changes.get(name):
            params[name] = changes[name]
    text = params.urlencode()
    return f"{reverse('deals:board')}?{text}" if text else reverse("deals:board")


def list_url(asked: BoardQuery) -> str:
    """The list with the same filters."""
    params = asked.params.copy()
    for name in ("lane", "after"):
        params.pop(name, None)
    params["pipeline"] = str(asked.pipeline.pk)
    return f"{reverse('deals:list')}?view=open&{params.urlencode()}"


def board_chips(asked: BoardQuery) -> list[Chip]:
    form, chips = asked.filterset.form, []
    for name, field in form.fields.items():
        value = form.cleaned_data.get(name)
        if asked.params.get(name) and value not in (None, "", []):
            chips.append(Chip(field.label or name, asked.filterset.value_text(name, value), board_url(asked, **{name: ""})))
    return chips


def totals_texts(totals: Totals, ctx: Any) -> dict[str, str]:
    """The figures above the lanes as texts; keys are those of `data-total-of`."""
    currency = organisation().currency
    deals = lambda count: ngettext("%(n)s deal", "%(n)s deals", count) % {"n": cells.format_number(count, ctx.locale)}  # noqa: E731
    return {
        "open": money(totals.open_amount, currency, ctx),
        "weighted": money(totals.weighted, currency, ctx),
        "closing": money(totals.closing_amount, currency, ctx),
        "closing_count": deals(totals.closing_count),
        "won": money(totals.won_amount, currency, ctx),
        "won_count": deals(totals.won_count),
        "without_step": cells.format_number(totals.without_step, ctx.locale),
        "month": month_name(totals.month, ctx),
    }


def month_name(day: Any, ctx: Any) -> str:
    from babel.dates import format_date

    return format_date(day, "LLLL", locale=ctx.locale)


def shown_lanes(asked: BoardQuery, lanes: list[selectors.Lane]) -> list[ShownLane]:
    deals = [deal for lane in lanes for deal in lane.deals]
    user = asked.user
    movable = movable_of(user, deals)
    ctx = row_context(user, see(user, deals, ("company", "owner")) if deals else {})
    maker = CardMaker(ctx, selectors.catalog().stages_of(asked.pipeline.pk), movable, labels_of(Deal, [deal.pk for deal in deals]), asked.query)
    currency, may_create = organisation().currency, may_add(user, Deal)
    shown = []
    for lane in lanes:
        shown.append(
            ShownLane(
                stage=lane.stage,
                count=cells.format_number(lane.count, ctx.locale),
                amount=money(lane.amount, currency, ctx),
                weighted=money(lane.weighted, currency, ctx),
                hint=_("this quarter") if lane.stage.kind == Stage.Kind.WON else f"{lane.stage.probability}%",
                cards=SafeString("".join(maker.card(deal, lane.stage) for deal in lane.deals)),
                more_url=board_url(asked, lane=str(lane.stage.pk), after=lane.after) if lane.after else "",
                start_url=board_url(asked) if lane.continued else "",
                new_url=f"{reverse('deals:new')}?pipeline={asked.pipeline.pk}&stage={lane.stage.pk}" if may_create else "",
            )
        )
    return shown


def movable_of(user: Any, deals: list[Deal]) -> set[int]:
    """Which of these visible deals the user may move: asked of the database unless they may change whatever they see."""
    ids = {deal.pk for deal in deals}
    if not ids or q_for(user, "change", Deal) == q_for(user, "view", Deal):
        return ids
    return set(Deal.objects.visible_to(user, "change").filter(pk__in=ids).values_list("pk", flat=True))


def lanes_json(asked: BoardQuery) -> dict[str, Any]:
    """Sums of all lanes and of the board, for the answer to a move."""
    board = selectors.lanes_of(asked.user, asked.pipeline, asked.filterset)
    ctx = row_context(asked.user)
    currency = organisation().currency
    lanes = [
        {
            "id": lane.stage.pk,
            "count": cells.format_number(lane.count, ctx.locale),
            "sum": money(lane.amount, currency, ctx),
            "weighted": money(lane.weighted, currency, ctx),
        }
        for lane in board.lanes
    ]
    return {"lanes": lanes, "totals": totals_texts(board.totals, ctx)}
