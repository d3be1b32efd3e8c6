"""`make run` for real: start, crash, restart, stop, and what it says when it can't."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from crm.local.paths import Paths

from .conftest import Running, alive, free_port, until

pytestmark = [pytest.mark.xdist_group("local"), pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")]


@pytest.fixture(scope="module")
def running(start) -> Running:
    one = start()
    one.wait_ready()
    return one


def facts(running: Running) -> dict[str, object]:
    status, body = running.get("/readyz")
    return json.loads(body) if body.startswith("{") else {"status": status}


def test_it_says_ready_when_everything_answers(running):
    assert running.get("/healthz")[0] == 200
    status, body = running.get("/readyz")
    assert status == 200, body
    assert set(json.loads(body)) == {
        "database",
        "redis",
        "oldest_undelivered_event_seconds",
        "worker_heartbeat_seconds",
        "beat_heartbeat_seconds",
    }


def test_no_demo_accounts_are_announced_without_the_demo(running):
    assert "demo.example" not in running.text


def test_the_secret_is_kept_and_private(running):
    secret = running.data / "secret_key"
    assert len(secret.read_text()) > 50
    assert secret.stat().st_mode & 0o077 == 0
    assert running.data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["web", "worker", "beat", "redis", "postgres"])
def test_a_killed_process_comes_back(running, name):
    before = running.pid_of(name)
    assert before  # 0 would be our own process group
    os.kill(before, signal.SIGKILL)
    assert until(lambda: running.pid_of(name) not in (0, before)), running.text
    assert until(lambda: running.get("/readyz")[0] == 200, 40), (facts(running), running.text)


def test_a_second_one_on_the_same_data_is_refused(running, start):
    second = start(data=running.data)
    assert second.child.wait(20) == 1
    assert second.text.strip().splitlines() == [f"cannot start: process {running.child.pid} already works on {running.data}: stop it or set another DATA_DIR"]
    assert running.get("/healthz")[0] == 200


def test_sigterm_stops_everything(running):
    pids = running.everything()
    assert len(pids) >= 5
    assert running.stop() == 0
    assert not [pid for pid in pids if alive(pid)]
    assert "stopped" in running.text.splitlines()[-1]


def test_kill_9_of_the_supervisor_takes_all_with_it_and_the_next_start_is_normal(running, start):
    again = start(data=running.data)
    again.wait_ready()
    pids = again.everything()
    again.child.kill()
    again.child.wait()
    assert until(lambda: not [pid for pid in pids if alive(pid)], 60), [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids if alive(pid)]
    third = start(data=running.data)
    third.wait_ready()
    assert third.stop() == 0


def one_line(running: Running, *parts: str) -> None:
    assert running.child.wait(60) == 1, running.text
    lines = [line for line in running.text.splitlines() if line.startswith("cannot start: ")]
    assert len(lines) == 1, running.text
    assert "Traceback" not in running.text
    for part in parts:
        assert part in lines[0]


def test_a_port_in_use(start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        one_line(start(port=port), "PORT", str(port))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("WEB_WORKERS", "0"),
        ("DEMO", "perhaps"),
        ("DATABASE_URL", "mysql://user:geheim@host/x"),
        ("REDIS_URL", "http://user:geheim@host/"),
        ("EMAIL_URL", "pigeon://user:geheim@host"),
        ("BASE_URL", "crm.example.com"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_value_is_named(start, name, value):
    one = start(port=free_port(), **{name: value}) if name != "PORT" else start(**{name: value})
    one_line(one, name)
    assert "geheim" not in one.text


def test_a_database_of_another_postgresql(start, tmp_path):
    (tmp_path / "data" / "pg").mkdir(parents=True)
    (tmp_path / "data" / "pg" / "PG_VERSION").write_text("15\n")
    one_line(start(data=tmp_path / "data"), "PostgreSQL 15")


def test_a_directory_that_is_no_database(start, tmp_path):
    (tmp_path / "data" / "pg").mkdir(parents=True)
    (tmp_path / "data" / "pg" / "diary.txt").write_text("x")
    one_line(start(data=tmp_path / "data"), "no PG_VERSION")


def test_a_data_dir_that_is_a_file(start, tmp_path):
    (tmp_path / "data").write_text("x")
    one_line(start(data=tmp_path / "data"), str(tmp_path / "data"))


def test_sockets_go_to_a_short_directory_when_the_path_is_long_or_strange(tmp_path):
    assert Paths(tmp_path / "data").sockets == tmp_path / "data" / "run" or len(str(tmp_path)) > 70
    for name in ("x" * 120, "with space", "with,comma"):
        sockets = Paths(tmp_path / name).sockets
        assert len(os.fsencode(sockets / ".s.PGSQL.5432.lock")) <= 107
        assert not set(" ,") & set(str(sockets))
    assert Paths(tmp_path / ("x" * 120)).sockets != Paths(tmp_path / ("y" * 120)).sockets


@pytest.mark.long
def test_a_long_and_strange_data_dir_works(start, tmp_path):
    one = start(data=tmp_path / f"with space, comma and {'x' * 90}")
    one.wait_ready()
    assert one.stop() == 0


@pytest.mark.long
def test_a_start_that_was_killed_anywhere_is_followed_by_a_normal_one(start, tmp_path):
    import time

    for milliseconds in range(100, 8000, 700):
        one = start(data=tmp_path / "data")
        time.sleep(milliseconds / 1000)
        one.child.kill()
        one.child.wait()
    last = start(data=tmp_path / "data")
    last.wait_ready()
    assert last.stop() == 0
