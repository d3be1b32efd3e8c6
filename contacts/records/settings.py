"""The contacts' part of the settings."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.forms import RelationshipTypeForm
from contacts.models import RelationshipType
from contacts.services import create_relationship_type, update_relationship_type
from crm.core.settings_pages import SettingsColumn, SettingsPage

WIDE = "d-none d-lg-table-cell"

RELATIONSHIP_TYPES = SettingsPage(
    slug="relationships",
    model=RelationshipType,
    label=_("Kind of relationship"),
    label_plural=_("Kinds of relationships"),
    label_new=_("New kind of relationship"),
    icon="arrows-exchange",
    group="sales",
    intro=_("How people relate to each other, in words for both directions."),
    form=RelationshipTypeForm,
    create=create_relationship_type,
    update=update_relationship_type,
    movable=True,
    columns=(
        SettingsColumn(_("Wording"), lambda kind: kind.name),
        SettingsColumn(_("From the other side"), lambda kind: kind.inverse),
        SettingsColumn(_("Offered"), lambda kind: gettext("Yes") if kind.active else gettext("No"), WIDE),
    ),
)
SETTINGS = (RELATIONSHIP_TYPES,)
