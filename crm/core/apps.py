from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "crm.core"
    label = "core"

    def ready(self) -> None:
        from crm.core import checks  # noqa: F401
