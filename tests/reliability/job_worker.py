"""A worker for the kill tests of imports and bulk changes: loaded once, then forked on demand. Reads `start` lines, answers with the id of a fresh worker."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

import django


def work() -> None:
    from crm.core.bulk import work as bulk
    from crm.core.imports import work as imports
    from crm.core.models import BulkJob, ImportJob

    while True:
        for kind, run in ((ImportJob, imports.run), (BulkJob, bulk.run)):
            for pk in kind.objects.filter(state__in=kind.WORKING).values_list("pk", flat=True):
                run(pk)
        time.sleep(0.01)


def main() -> None:
    django.setup()
    from django.db import connection

    from crm.core import jobs
    from crm.core.bulk import services as bulk
    from crm.core.imports import work as imports

    jobs.LEASE = timedelta(seconds=float(os.environ["TEST_LEASE"]))
    jobs.ATTEMPTS = 1000  # here it is killed more often than it gets on
    imports.CHUNK, bulk.CHUNK = int(os.environ["TEST_CHUNK"]), 2 * int(os.environ["TEST_CHUNK"])
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
