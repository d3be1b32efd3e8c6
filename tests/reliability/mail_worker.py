"""A worker for the kill tests: loaded once, then forked on demand, so that a hundred of them cost no hundred starts.

Reads `start` lines and answers with the process id of a fresh worker, which sends what is due until somebody kills it.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

import django


def work() -> None:
    from mail.services import send_due

    while True:
        send_due(2)
        time.sleep(0.01)


def main() -> None:
    django.setup()
    from django.db import connection

    from mail.services import ledger

    ledger.LEASE = timedelta(seconds=float(os.environ["TEST_LEASE"]))
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
