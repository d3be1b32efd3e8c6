#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it works on the embedded servers of DATA_DIR and starts them if needed."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    from crm.env import BadValue
    from crm.local.paths import CannotStart
    from crm.local.servers import borrowed_servers

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in ("migrate", "createcachetable") and os.environ.get("DATABASE_OWNER_URL"):
        os.environ["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"]  # the role that owns the tables
    try:
        with borrowed_servers(command):
            from django.conf import settings
            from django.core.management import execute_from_command_line

            settings.DATABASES  # noqa: B018  read them now: a bad value is one line, not a traceback
            execute_from_command_line(sys.argv)
    except (BadValue, CannotStart) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
