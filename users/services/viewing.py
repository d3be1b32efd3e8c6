"""An admin sees Rapport as a colleague does: for an hour at most, without changing anything, and written down."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from crm.core.events import emit
from crm.core.settings_services import require_admin
from users.events import UserViewed
from users.models import User
from users.selectors import VIEW_AS

SECONDS = 3600
log = logging.getLogger(__name__)


@transaction.atomic
def view_as(session: Any, person: User, *, actor: User) -> None:
    """From the next request on the actor's session shows what `person` sees. ValidationError for oneself and for who can't sign in."""
    require_admin(actor)
    if person.pk == actor.pk:
        raise ValidationError(_("This is yourself."), code="self")
    if not person.is_active:
        raise ValidationError(_("%(name)s has been deactivated: there is nothing to see.") % {"name": person}, code="inactive")
    emit(UserViewed(subject_ids=(person.pk,), actor_id=actor.pk))
    log.info("user %s views as user %s", actor.pk, person.pk)
    session[VIEW_AS] = [person.pk, int(time.time()) + SECONDS]


def stop_viewing(session: Any) -> None:
    """The session shows its own user again."""
    session.pop(VIEW_AS, None)
