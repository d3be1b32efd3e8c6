"""A worker for the kill tests of imports: loaded once, then forked on demand. Reads `start` lines, answers with the id of a fresh worker."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

import django


def work() -> None:
    from crm.core.imports import work as imports
    from crm.core.models import ImportJob

    while True:
        for pk in ImportJob.objects.filter(state__in=ImportJob.WORKING).values_list("pk", flat=True):
            imports.run(pk)
        time.sleep(0.01)


def main() -> None:
    django.setup()
    from django.db import connection

    from crm.core import jobs
    from crm.core.imports import work as imports

    jobs.LEASE = timedelta(seconds=float(os.environ["TEST_LEASE"]))
    imports.CHUNK = int(os.environ["TEST_CHUNK"])
    jobs.ATTEMPTS = 1000  # here it is killed more often than it gets on
    connection.close()
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() != "start":
            break
        pid = os.fork()
        if pid == 0:
            os.dup2(2, 1)  # its log must not stand among the answers
            work()
        print(pid, flush=True)


if __name__ == "__main__":
    main()
