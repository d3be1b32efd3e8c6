"""What a record's page shows, prepared for templates/records/detail.html."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper
from django.http import Http404
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.core import cells
from crm.core.access import NOTHING, may_add, q_for, viewers_of
from crm.core.custom.models import PREFIX
from crm.core.lists import RowContext, row_context
from crm.core.neighbours import origin_of, page_of, with_query
from crm.core.profile import profile_html
from crm.core.records import Action, PanelContent, RecordType, Step
from crm.core.related import see
from crm.core.tagging import know_tags, tags_beside

ACTIONS = ("change", "delete")
MAX_VIEWERS = 100


def load(record: RecordType, user: Any, pk: int) -> Any:
    """The visible row, with `obj.may` = what else the user may do with it, in one query. Http404 otherwise."""
    sees = q_for(user, "view", record.model)
    may = {action: q_for(user, action, record.model) for action in ACTIONS}
    asked: dict[str, Any] = {f"may_{action}": ExpressionWrapper(q, output_field=BooleanField()) for action, q in may.items() if q not in (sees, NOTHING)}
    tagged = hasattr(record.model, "tags")
    if tagged:
        asked["tags_beside"] = tags_beside(record.model)
    obj = next(iter(record.visible(user).filter(pk=pk).annotate(**asked)), None)
    if obj is None:
        raise Http404
    if tagged:
        know_tags(obj, obj.tags_beside)
    if hasattr(obj, "owner_id"):
        names = ["owner", *(["created_by"] if hasattr(obj, "created_by_id") else [])]
        for name, people in see(user, [obj], names).items():
            setattr(obj, name, people.get(getattr(obj, f"{name}_id")))
    obj.may = frozenset(["view", *(action for action, q in may.items() if q == sees or getattr(obj, f"may_{action}", False))])
    return obj


@dataclass(frozen=True)
class Avatar:
    initials: str
    css: str
    square: bool


@dataclass(frozen=True)
class PathStep:
    label: Any
    url: str
    state: str
    pk: str
    field: str = "stage"


@dataclass(frozen=True)
class ShownPanel:
    id: str
    title: Any
    icon: str
    count: int | None
    new_url: str
    html: Any
    new_label: str = ""


@dataclass(frozen=True, kw_only=True)
class DetailPage:
    """See templates/records/detail.html."""

    title: str
    subtitle: Any
    avatar: Avatar | None
    badges: list[Any]
    buttons: SafeString
    menu: SafeString
    stage_path: list[PathStep]
    strip: list[tuple[Any, Any]]
    profile: SafeString
    panels: list[ShownPanel]
    composer: Any
    timeline: Any
    crumb: list[tuple[Any, str]]
    viewers_url: str
    here: str  # where to come back to after a change
    beside: Beside | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Beside:
    """The ways to the rows beside this one in the list that it was opened from. Which rows these are is asked once the page is there
    (`url`); until then, and without JavaScript, the links look for them."""

    previous_url: str
    next_url: str
    url: str


def avatar_of(record: RecordType, obj: Any) -> Avatar | None:
    return Avatar(cells.initials(str(obj)), cells.color_of(obj.pk), record.square) if record.avatar else None


def detail_context(record: RecordType, user: Any, obj: Any) -> RowContext:
    """The context for the facts, badges and actions of one record: its linked records as far as visible."""
    links = [each.name for each in obj._meta.concrete_fields if each.remote_field and each.name not in ("deleted_by", "team")]
    links += [name for column in record.columns for name in column.links if name.startswith(PREFIX)]
    obj.seen_links = see(user, [obj], links, whole=True)  # for the cards of this page
    return row_context(user, obj.seen_links, obj.may)


def detail_page(record: RecordType, request: Any, obj: Any) -> DetailPage:
    """Prepare the whole page of one record."""
    context = detail_context(record, request.user, obj)
    timeline = record.timeline(request, obj) if record.timeline else ""  # first: the strip tells of its newest line
    actions = [*record.actions(obj, context), *_standard_actions(record, obj, context)]
    origin = origin_of(record, request)
    return DetailPage(
        title=str(obj),
        subtitle=record.subtitle(obj, context),
        avatar=avatar_of(record, obj),
        badges=list(record.badges(obj, context)),
        buttons=SafeString("".join(_action_html(each, item=False) for each in actions if not each.menu)),
        menu=SafeString("".join(f"<li>{_action_html(each, item=True)}</li>" for each in actions if each.menu or each.roomy)),
        stage_path=[_step(step) for step in record.path(obj, context)],
        strip=list(record.strip(obj, context)),
        profile=profile_html(record, obj, context),
        panels=_panels(record, request, obj),
        composer=record.composer(request, obj) if record.composer else "",
        timeline=timeline,
        crumb=[(record.label_plural, with_query(record.list_url, origin or ""))],
        viewers_url=record.url("viewers", obj.pk),
        here=request.get_full_path() if origin is None else page_of(record, obj.pk, origin),
        beside=_beside(record, obj, origin),
    )


def _beside(record: RecordType, obj: Any, origin: str | None) -> Beside | None:
    if origin is None:
        return None
    return Beside(*(with_query(record.url(name, obj.pk), origin) for name in ("previous", "next", "neighbours")))


def _standard_actions(record: RecordType, obj: Any, context: RowContext) -> list[Action]:
    actions = []
    if context.can("change", obj):
        actions.append(Action(_("Edit"), "pencil", record.url("edit", obj.pk), key="e"))
        if "owner" in record.form.base_fields:  # type: ignore[attr-defined]
            actions.append(Action(_("Assign"), "user-share", record.url("field", obj.pk, "owner"), menu=True, panel=True))
    if record.duplicate is not None and may_add(context.user, record.model):
        actions.append(Action(_("Duplicate"), "copy", f"{record.url('new')}?copy={obj.pk}", menu=True))
    if context.can("delete", obj):
        actions.append(Action(_("Delete"), "trash", record.url("delete", obj.pk), danger=True, menu=True))
    return actions


def _action_html(action: Action, *, item: bool) -> str:
    """A button, or an item of the "more" menu. As text: through the template engine the dozen of them took as long as a card."""
    if item:
        css, icon = "dropdown-item text-danger" if action.danger else "dropdown-item", cells.icon(action.icon)
    else:
        css, icon = f"btn btn-{'primary' if action.primary else 'danger' if action.danger else 'secondary'}", cells.icon(action.icon, "i-sm")
    css += "" if not action.roomy else " d-xxl-none" if item else " d-none d-xxl-inline-flex"
    more = f' data-key="{action.key}"' if action.key else ""
    if action.hint:
        more += f' title="{cells.escape(str(action.hint))}"'
    label, url = cells.escape(str(action.label)), cells.escape(action.url)
    inner = f"{icon}{label}" if item else f"{icon}<span>{label}</span>"
    if action.method == "post":
        return f'<button class="{css}" type="submit" form="post" formaction="{url}"{more}>{inner}</button>'
    more += " data-panel" if action.panel else ""
    more += ' target="_blank" rel="noopener noreferrer"' if action.new_tab else ""
    return f'<a class="{css}" href="{url}"{more}>{inner}</a>'


def _step(step: Step) -> PathStep:
    return PathStep(step.label, step.url, step.state, step.value)


def _panels(record: RecordType, request: Any, obj: Any) -> list[ShownPanel]:
    shown = []
    for panel in record.panels:
        content: PanelContent | None = panel.render(request, obj)
        if content is not None:
            shown.append(ShownPanel(panel.id, panel.title, panel.icon, content.count, content.new_url, content.html))
    return shown


@dataclass(frozen=True)
class Viewer:
    """A colleague who may see the record, and how far their role lets them go."""

    person: Any
    role: str
    actions: list[Any]


def viewers(obj: Any) -> list[Viewer]:
    """Everybody who may view `obj`, by name: asked of the rule that decides it, once for each action."""
    names = {"change": _("change"), "delete": _("delete")}
    able = {action: set(viewers_of(obj, action).values_list("pk", flat=True)) for action in ACTIONS}
    people = viewers_of(obj).select_related("role").order_by("name")[:MAX_VIEWERS]
    return [Viewer(person, person.role.name, [names[action] for action in ACTIONS if person.pk in able[action]]) for person in people]
