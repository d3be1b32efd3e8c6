"""Sessions in PostgreSQL, as Django keeps them; the reading that each page begins with is compiled once."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from crm.core.compiled import TEXT, Compiled

_by_key = Compiled(lambda: Session.objects.filter(session_key=TEXT))


class SessionStore(DatabaseSessionStore):
    """See SESSION_ENGINE."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Any:
        found = [each for each in _by_key(self.session_key) if each.expire_date > timezone.now()]
        if found:
            return found[0]
        self._session_key = None
        return None
