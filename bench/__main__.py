"""`python -m bench --contacts N`: load (once per size), serve, measure, judge. Exit code 1 when a budget is missed."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench import place
from bench.verdict import MILLION

AGAIN = 3  # times that a page which missed a budget is measured anew
SMALL = 10_000  # contacts of the database that a million is compared with


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Load N contacts and what goes with them into a database of its own and time every page."
    )
    parser.add_argument("--contacts", type=int, default=100_000, help="how many contacts (default 100000)")
    parser.add_argument("--requests", type=int, default=30, help="requests per page and role (default 30)")
    parser.add_argument("--workers", type=int, default=2, help="web workers (default 2)")
    parser.add_argument("--only", default="", help="measure only pages whose name contains one of these words, separated by commas")
    parser.add_argument("--roles", default="", help="only these roles, separated by commas: admin, manager, rep25, rep1, rep50, rep0")
    parser.add_argument("--fresh", action="store_true", help="load again even if a database of this size is there")
    parser.add_argument("--keep", action="store_true", help="use the database of an earlier run even if tables have changed since; migrate it")
    parser.add_argument("--load-only", action="store_true", help="stop after loading")
    parser.add_argument("--once", action="store_true", help="measure no page again that missed a budget")
    parser.add_argument("--output", default="bench.json", help="where the figures go (default bench.json)")
    return parser.parse_args()


def main() -> int:
    wanted = parse()
    if wanted.contacts < 1000:
        print("bench: at least 1000 contacts are needed", file=sys.stderr)
        return 2
    small = small_run(wanted) if wanted.contacts >= MILLION else []
    paths, name, port = place.own_paths(), f"bench_{wanted.contacts}", place.free_port()
    with place.running_servers(paths):
        os.environ.update(place.environment(paths, name, port))
        os.environ["DJANGO_SETTINGS_MODULE"] = "crm.settings"
        load(paths, name, wanted)
        if wanted.load_only:
            return 0
        place.manage("collectstatic", "--noinput", "--verbosity", "0")
        return measure(port, wanted, small)


def small_run(wanted: argparse.Namespace) -> list[dict[str, Any]]:
    """The same pages at SMALL contacts, just before, on the same machine: growth is a ratio within one run."""
    output = place.own_paths().data / "small.json"
    output.unlink(missing_ok=True)
    print(f"first the same pages at {SMALL:,} contacts", flush=True)
    command = [
        sys.executable,
        "-m",
        "bench",
        "--contacts",
        str(SMALL),
        "--requests",
        str(wanted.requests),
        "--workers",
        str(wanted.workers),
        "--output",
        str(output),
    ]
    command += ["--once", *(f"--{name}={value}" for name in ("only", "roles") if (value := getattr(wanted, name)))]
    subprocess.run(command, check=False, stdout=None if os.environ.get("BENCH_LOG") else subprocess.DEVNULL)
    return json.loads(output.read_text())


def load(paths, name: str, wanted: argparse.Namespace) -> None:
    if not wanted.fresh and place.is_loaded(paths, name):
        print(f"using the database {name} of an earlier run (--fresh loads it again)", flush=True)
        return
    if wanted.keep and place.stamp_of(paths, name).exists():
        place.manage("migrate", "--noinput", "--verbosity", "0")
        return
    print(f"loading {wanted.contacts:,} contacts into {name}", flush=True)
    began = time.monotonic()
    stamp = place.stamp_of(paths, name)
    stamp.unlink(missing_ok=True)
    place.make_database(paths, name)
    # In a process of its own: what loading leaves in memory must not weigh on the measuring.
    subprocess.run([sys.executable, "-c", f"from bench.__main__ import fill; fill({wanted.contacts})"], check=True)
    stamp.write_text(json.dumps({"digest": place.digest(), "contacts": wanted.contacts}))
    print(f"loaded in {time.monotonic() - began:.0f} s", flush=True)


def fill(contacts: int) -> None:
    import django

    django.setup()
    from bench.load import Load

    for step, seconds in Load(contacts).run().items():
        print(f"  {step:<16} {seconds:6.1f} s", flush=True)


def measure(port: int, wanted: argparse.Namespace, small: list[dict[str, Any]]) -> int:
    import django

    django.setup()
    from bench.measure import Bench
    from bench.verdict import compare, judge, show
    from crm.local.servers import wait_ready

    web = place.web_server(port, wanted.workers)
    web.start()
    try:
        wait_ready(web)
        bench = Bench(port, wanted)
        rows = bench.run()
        compare(rows, small)
        extra = bench.throughput(web.child.pid) if not wanted.only else {}
        missed = judge(rows, extra, wanted.contacts)
        for _time in range(0 if wanted.once else AGAIN):
            rows, missed = measured_again(bench, rows, extra, wanted.contacts) if missed else (rows, missed)
        if bench.waited:
            extra["seconds_waited_for_a_quiet_machine"] = bench.waited
    finally:
        web.stop()
    Path(wanted.output).write_text(json.dumps([row.as_json() for row in rows], indent=1) + "\n")
    show(rows, extra, missed)
    return 1 if missed else 0


def measured_again(bench, rows, extra, contacts: int):
    """The rows with a new figure for each that missed a budget, and what they miss now. The table shows the figures before."""
    from bench.verdict import judge

    fresh = {(row.page, row.role): row for row in bench.again([row for row in rows if row.missed and row.status < 400])}
    for key, row in fresh.items():
        row.small_p50_ms, row.small_p95_ms = next((old.small_p50_ms, old.small_p95_ms) for old in rows if (old.page, old.role) == key)
    rows = [fresh.get((row.page, row.role), row) for row in rows]
    return rows, judge(rows, extra, contacts)


if __name__ == "__main__":
    sys.exit(main())
