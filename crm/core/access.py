"""Who may see and touch which row. The only module that decides it (docs/decisions/access.md).

Every model whose rows belong to somebody carries an `access_policy` and is read through `Model.objects.visible_to(user, action)`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, Subquery, Value, When

from crm.core.postgres.estimates import shares_of

if TYPE_CHECKING:
    from collections.abc import Iterable

NOTHING = Q(pk__in=[])
ALIVE = Q(deleted_at__isnull=True)
ACTIONS = ("view", "add", "change", "delete", "export")


class Scope(StrEnum):
    """How far a grant reaches."""

    NONE = "none"
    OWN = "own"
    TEAM = "team"
    ALL = "all"


class Policy(Protocol):
    """Turns (user, action) into the rows of a model. `arms` are disjoint, so that a list can walk one index per arm."""

    def arms(self, user: Any, action: str, model: type[Model]) -> list[Q]: ...

    def key(self, user: Any, action: str, model: type[Model]) -> tuple[Any, ...]:
        """All that the arms depend on, so that who keeps them compiled knows what to keep them by."""
        ...


def _private_to(user: Any) -> int | None:
    """Whose private rows are seen: one's own. An admin who looks as somebody else (users.services.viewing) sees nobody's."""
    return None if user.is_viewed else user.pk


@dataclass(frozen=True)
class OwnedPolicy:
    """Rows with `owner` and `team`; `label` names the grant when it is another model's (default: the model's own). `private` names a boolean field:
    rows with it are their owner's alone, whatever anybody is granted."""

    label: str = ""
    private: str = ""

    def arms(self, user: Any, action: str, model: type[Model]) -> list[Q]:
        scope, _user_id, private_to, *_teams = self.key(user, action, model)
        match scope:
            case Scope.ALL:
                return [self._open_to(private_to)]
            case Scope.TEAM:
                # A row without owner must stay in the team's arm: owner_id <> x alone is unknown, not true, for NULL.
                others = (Q(owner_id__isnull=True) | ~Q(owner_id=user.pk)) & self._open
                return [self._own(user.pk, private_to), *(Q(team_id=team) & others for team in user.team_scope)]
            case Scope.OWN:
                return [self._own(user.pk, private_to)]
        return []

    def key(self, user: Any, action: str, model: type[Model]) -> tuple[Any, ...]:
        """(scope, user id, whose private rows are seen, *teams): all that `q_of` needs, so that who keeps the condition knows what to keep it by."""
        return (self.scope(user, action, model), user.pk, _private_to(user), *user.team_scope)

    def q(self, user: Any, action: str, model: type[Model]) -> Q:
        """The rows of all arms in one condition. It need not keep them apart, and most pages of somebody with teams compile ten of these."""
        return self.q_of(*self.key(user, action, model))

    def scope(self, user: Any, action: str, model: type[Model]) -> str:
        return user.scope_for(self.label or model._meta.label_lower, action)

    def q_of(self, scope: str, user_id: int, private_to: int | None, *teams: int) -> Q:
        """`q` from the policy's key."""
        match scope:
            case Scope.ALL:
                return self._open_to(private_to)
            case Scope.TEAM if teams:
                return self._own(user_id, private_to) | (Q(team_id__in=teams) & self._open)
            case Scope.TEAM | Scope.OWN:
                return self._own(user_id, private_to)
        return NOTHING

    @property
    def _open(self) -> Q:
        """Rows that are not private."""
        return Q(**{self.private: False}) if self.private else Q()

    def _open_to(self, private_to: int | None) -> Q:
        """What is left of all rows without other people's private ones."""
        return self._open | Q(owner_id=private_to) if self.private and private_to is not None else self._open

    def _own(self, user_id: int, private_to: int | None) -> Q:
        """One's own rows, for whoever looks as somebody else without the private ones."""
        return Q(owner_id=user_id) if private_to is not None else Q(owner_id=user_id) & self._open

    def reached(self, obj: Any, user: Any, action: str) -> bool:
        """`q`, read from a row."""
        scope, user_id, private_to, *teams = self.key(user, action, type(obj))
        if self.private and getattr(obj, self.private) and obj.owner_id != private_to:
            return False
        match scope:
            case Scope.ALL:
                return True
            case Scope.TEAM:
                return obj.owner_id == user_id or obj.team_id in teams
        return scope == Scope.OWN and obj.owner_id == user_id

    def as_if_open(self) -> OwnedPolicy:
        """The same grants if nothing were private: of whom one knows that they are busy, and to whom one may give a row."""
        return replace(self, private="")


@dataclass(frozen=True)
class PersonalPolicy:
    """Rows that belong to one user and to nobody else (notifications, drafts), not even to admins unless `admins` says so."""

    field: str = "user_id"
    admins: bool = False

    def arms(self, user: Any, action: str, model: type[Model]) -> list[Q]:
        return [Q()] if self.admins and user.is_admin else [Q(**{self.field: user.pk})]

    def key(self, user: Any, action: str, model: type[Model]) -> tuple[Any, ...]:
        return (user.pk, user.is_admin)


@dataclass(frozen=True)
class GrantPolicy:
    """Rows that everybody with the grant may touch (pipelines, sources, forms): `view` is open to all who are signed in when `public`."""

    label: str = "settings"
    public: bool = True

    def arms(self, user: Any, action: str, model: type[Model]) -> list[Q]:
        if (self.public and action == "view") or user.scope_for(self.label, action) != Scope.NONE:
            return [Q()]
        return []

    def key(self, user: Any, action: str, model: type[Model]) -> tuple[Any, ...]:
        return (user.scope_for(self.label, action),)


@dataclass(frozen=True)
class ViaSubject:
    """Rows as visible as the record they hang on: `subject_type` says which of the foreign keys decides.

    `own` names a field whose user always sees the row (a task's assignee).
    """

    fields: tuple[str, ...]
    own: str = ""

    def arms(self, user: Any, action: str, model: type[Model]) -> list[Q]:
        needed = "view" if action in ("view", "add") else action
        mine = Q(**{f"{self.own}_id": user.pk}) if self.own else None
        arms = [mine] if mine is not None else []
        for name in self.fields:
            related: Any = model._meta.get_field(name).related_model
            scope = user.scope_for(related._meta.label_lower, needed)
            if scope == Scope.NONE:
                continue
            if scope == Scope.ALL:
                # A deleted subject hides its lines too. Few are deleted: to look for those is far less than to look up all.
                arm = Q(~Exists(related._base_manager.filter(pk=OuterRef(f"{name}_id"), deleted_at__isnull=False)), subject_type=name)
            else:
                arm = Q(subject_type=name, **{f"{name}__in": related.objects.visible_to(user, needed).values("pk")})
            arms.append(arm & ~mine if mine is not None else arm)
        return arms

    def mostly_seen(self, user: Any, action: str, model: type[Model]) -> tuple[tuple[str, ...], tuple[int, ...]]:
        """Names of the foreign keys of whose records the user sees most by way of a team, and the teams that the user does not see."""
        if self.own:
            return (), ()
        needed = "view" if action in ("view", "add") else action
        related: dict[str, Any] = {name: model._meta.get_field(name).related_model for name in self.fields}
        by_team = {name: each for name, each in related.items() if user.scope_for(each._meta.label_lower, needed) == Scope.TEAM}
        shares = shares_of(by_team.values(), "team_id", user.team_scope) if by_team else {}
        names = tuple(name for name, each in by_team.items() if shares[each] > 0.5)
        return names, _other_teams(user, related[names[0]]) if names else ()

    def counted(self, user: Any, action: str, model: type[Model], mostly_seen: tuple[tuple[str, ...], tuple[int, ...]]) -> list[Q]:
        """The same rows as `arms`, for statements that go through a good part of the table: of records that are `mostly_seen` those are
        gathered that the user does not see."""
        arms, needed = self.arms(user, action, model), "view" if action in ("view", "add") else action
        names, others = mostly_seen
        related: dict[str, Any] = {name: model._meta.get_field(name).related_model for name in self.fields}
        seen = [name for name, each in related.items() if user.scope_for(each._meta.label_lower, needed) != Scope.NONE]
        for name in names:
            arms[seen.index(name)] = self._but_unseen(user, name, related[name], others)
        return arms

    @staticmethod
    def _but_unseen(user: Any, name: str, related: Any, others: tuple[int, ...]) -> Q:
        subject = related._base_manager.filter(pk=OuterRef(f"{name}_id"))
        strange = subject.filter(ALIVE).filter(Q(owner_id__isnull=True) | ~Q(owner_id=user.pk))
        unseen = (subject.filter(deleted_at__isnull=False), strange.filter(team_id__in=others), strange.filter(team_id__isnull=True))
        return Q(*(~Exists(rows) for rows in unseen), subject_type=name, **{f"{name}__isnull": False})

    def key(self, user: Any, action: str, model: type[Model]) -> tuple[Any, ...]:
        needed = "view" if action in ("view", "add") else action
        related: list[Any] = [model._meta.get_field(name).related_model for name in self.fields]
        return (user.pk, *((user.scope_for(each._meta.label_lower, needed), each.access_policy.key(user, needed, each)) for each in related))

    def each(self, user: Any, action: str, model: type[Model]) -> Case:
        """The same rows by a question per row, for a few rows out of many: `arms` would have PostgreSQL gather all visible subjects first."""
        needed = "view" if action in ("view", "add") else action
        mine = [When(**{f"{self.own}_id": user.pk}, then=Value(True))] if self.own else []
        for name in self.fields:
            related: Any = model._meta.get_field(name).related_model
            # Not EXISTS, of which PostgreSQL may make a hash of all visible subjects.
            subject = related.objects.visible_to(user, needed).filter(pk=OuterRef(f"{name}_id")).order_by().annotate(seen=Value(True)).values("seen")
            mine.append(When(subject_type=name, then=Subquery(subject[:1])))
        return Case(*mine, default=Value(False))


@dataclass(frozen=True)
class ViaChild:
    """Rows that are part of one parent record (a person's addresses, a deal's history): as visible as the parent."""

    field: str

    def arms(self, user: Any, action: str, model: type[Model]) -> list[Q]:
        parent: Any = model._meta.get_field(self.field).related_model
        return [Q(**{f"{self.field}__in": parent.objects.visible_to(user, "change" if action in ("add", "delete") else action).values("pk")})]

    def key(self, user: Any, action: str, model: type[Model]) -> tuple[Any, ...]:
        parent: Any = model._meta.get_field(self.field).related_model
        return parent.access_policy.key(user, "change" if action in ("add", "delete") else action, parent)


class RecordQuerySet(QuerySet):
    """Rows that know who may see them."""

    def visible_to(self, user: Any, action: str = "view") -> RecordQuerySet:
        """Rows on which `user` may do `action`; none for anonymous and deactivated users; never deleted rows."""
        if user is None or not user.is_authenticated or not user.is_active:
            return self.none()
        return self.filter(q_for(user, action, self.model), ALIVE if has_bin(self.model) else Q())

    def alive(self) -> RecordQuerySet:
        """Rows that are not in the bin."""
        return self.filter(ALIVE) if has_bin(self.model) else self.all()


@cache
def has_bin(model: type[Model]) -> bool:
    return any(field.name == "deleted_at" for field in model._meta.concrete_fields)


def any_of(arms: Iterable[Q]) -> Q:
    """The union of the arms; no arm means no row."""
    arms = list(arms)
    if not arms:
        return NOTHING
    result = arms[0]
    for arm in arms[1:]:
        if not result or not arm:  # Q() is "every row" and would vanish in an OR
            return Q()
        result |= arm
    return result


def _other_teams(user: Any, model: Any) -> tuple[int, ...]:
    """Asked for each time: a team that is missing here would be taken for one that the user sees."""
    team: Any = model._meta.get_field("team").related_model
    return tuple(team._base_manager.exclude(pk__in=user.team_scope).order_by("pk").values_list("pk", flat=True))


def arms_for(user: Any, action: str, model: type[Model]) -> list[Q]:
    """Disjoint parts of what `user` may do `action` on, each fit for one index walk. Empty: nothing."""
    if user is None or not user.is_authenticated or not user.is_active:
        return []
    return model.access_policy.arms(user, action, model)  # type: ignore[attr-defined]


def q_for(user: Any, action: str, model: type[Model]) -> Q:
    """What `user` may do `action` on, as one condition."""
    policy = model.access_policy  # type: ignore[attr-defined]
    if isinstance(policy, OwnedPolicy) and user is not None and user.is_authenticated and user.is_active:
        return policy.q(user, action, model)
    return any_of(arms_for(user, action, model))


def can(user: Any, action: str, obj: Any) -> bool:
    """One definition for one row and for many: ask the same query. False for unsaved, deleted and foreign rows."""
    return type(obj).objects.visible_to(user, action).filter(pk=obj.pk).exists()


def reaches(user: Any, action: str, obj: Any) -> bool:
    """The grant, read from the row without a query: for buttons on fifty rows. Whoever acts on it asks `can` or `visible_to`."""
    model = type(obj)
    policy = model.access_policy
    if not isinstance(policy, OwnedPolicy):
        return bool(arms_for(user, action, model))
    return policy.reached(obj, user, action)


def may_add(user: Any, model: type[Model]) -> bool:
    """May the user create rows of this model at all?"""
    return bool(arms_for(user, "add", model))


def viewers_of(obj: Any, action: str = "view") -> QuerySet:
    """Active users who may do `action` on `obj`: for mentions, notifications and assignment. The inverse of `visible_to`."""
    from django.contrib.auth import get_user_model

    policy = type(obj).access_policy
    label = getattr(policy, "label", "") or obj._meta.label_lower
    path = f"role__grants__{label.replace('.', '_')}__{action}"
    owner_id, team_id = getattr(obj, "owner_id", None), getattr(obj, "team_id", None)
    people = get_user_model().objects.filter(is_active=True)
    if hidden(obj):
        return people.filter(pk=owner_id, **{f"{path}__in": [Scope.OWN.value, Scope.TEAM.value, Scope.ALL.value]})
    q = Q(**{path: Scope.ALL.value})
    if owner_id:
        q |= Q(pk=owner_id, **{f"{path}__in": [Scope.OWN.value, Scope.TEAM.value]})
    if team_id:
        q |= Q(team_scope__contains=[team_id], **{path: Scope.TEAM.value})
    return people.filter(q)


# ---- what is its owner's alone ----


def hidden(obj: Any) -> bool:
    """Is the row private, so that only its owner may know of it?"""
    field = getattr(type(obj).access_policy, "private", "")
    return bool(field) and bool(getattr(obj, field))


def not_hidden(user: Any, model: type[Model]) -> Q:
    """Rows that are not hidden from the user by being private: for what is found in another way than by `visible_to` (the bin)."""
    policy = model.access_policy  # type: ignore[attr-defined]
    if not getattr(policy, "private", ""):
        return Q()
    return policy.q_of(Scope.ALL, user.pk, _private_to(user))


def if_open(user: Any, action: str, model: type[Model]) -> Q:
    """What the user might do `action` on if no row were private: of whom they may know that they are busy."""
    return model.access_policy.as_if_open().q(user, action, model)  # type: ignore[attr-defined]


def hidden_from(user: Any, model: type[Model]) -> Q:
    """Rows that the user would see if they were not private."""
    return Q(if_open(user, "view", model), ALIVE, ~not_hidden(user, model))


def placeable(user: Any, action: str, model: type[Model]) -> list[Q]:
    """`arms_for`, for where a row may lie after a write: one that was given away while it was private is the other's from then on."""
    policy = model.access_policy  # type: ignore[attr-defined]
    if isinstance(policy, OwnedPolicy) and policy.private:
        return policy.as_if_open().arms(user, action, model)
    return arms_for(user, action, model)
