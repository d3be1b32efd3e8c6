"""Who is behind a session: allauth's sign-in by e-mail, and one query for the user with role and team."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from crm.core.compiled import NUMBER, Compiled
from users.models import User

_by_id = Compiled(lambda: User.objects.select_related("role", "team").filter(pk=NUMBER))


class Backend(AuthenticationBackend):
    """Signs in by e-mail and password. A deactivated user is nobody, from the next request on."""

    def get_user(self, user_id: Any) -> User | None:
        user = next(iter(_by_id(int(user_id))), None)
        return user if user is not None and self.user_can_authenticate(user) else None
