"""Who is behind a session: allauth's sign-in by e-mail; session, user, role and team in one query."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import get_user
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from crm.core.compiled import NUMBER, TEXT, Compiled
from users.models import User


def _people() -> QuerySet:
    return User.objects.select_related("role", "team")


_by_id = Compiled(lambda: _people().filter(pk=NUMBER))
_by_session = Compiled(lambda: _people().filter(usersession__session_key=TEXT))
# allauth knows whose a session is. Somebody in the middle of signing in has a session and no user yet.
_SESSION = """SELECT session.session_data, session.expire_date, person.* FROM django_session AS session
LEFT JOIN LATERAL ({people}) AS person ON true WHERE session.session_key = %s"""
_at_hand: ContextVar[User | None] = ContextVar("at_hand", default=None)


class SessionStore(DatabaseSessionStore):
    """Sessions in PostgreSQL, as Django keeps them, each read together with its user. See SESSION_ENGINE."""

    person: User | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Any:
        people, params = _by_session.filled(self.session_key)
        with connection.cursor() as cursor:
            cursor.execute(_SESSION.format(people=people), [*params, self.session_key])
            row = cursor.fetchone()
        if row is None or row[1] <= timezone.now():
            self._session_key, self.person = None, None
            return None
        self.person = _by_session.make(row[2:]) if row[2] is not None else None
        return Session(self.session_key, row[0], row[1])


def person_of(request: Any) -> Any:
    """The user of the request's session. What Django asks of them (may they sign in, is the session from before a change of the password)
    it asks all the same."""
    request.session.get(SESSION_KEY)  # reads the session if nobody has
    token = _at_hand.set(getattr(request.session, "person", None))
    try:
        return get_user(request)
    finally:
        _at_hand.reset(token)


class Backend(AuthenticationBackend):
    """Signs in by e-mail and password. A deactivated user is nobody, from the next request on."""

    def get_user(self, user_id: Any) -> User | None:
        user = _at_hand.get()
        if user is None or user.pk != int(user_id):
            user = next(iter(_by_id(int(user_id))), None)
        return user if user is not None and self.user_can_authenticate(user) else None
