"""DATABASE_REPLICA_URL is checked as DATABASE_URL is; without it there is nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

from crm.core import replica
from tests.reliability.test_mail_kill import ROOT


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("DATABASE_REPLICA_URL", "mysql://reader:geheim@other/crm", "DATABASE_REPLICA_URL: must start with one of postgres://, postgresql://"),
        ("DATABASE_REPLICA_URL", "postgres://reader:geheim@other/", "DATABASE_REPLICA_URL: names no database: postgres://user:password@host:5432/database"),
        ("DATABASE_REPLICA_MAX_LAG", "soon", "DATABASE_REPLICA_MAX_LAG: must be a whole number, not 'soon'"),
    ],
)
def test_a_bad_value_stops_the_start_with_one_line(name: str, value: str, told: str) -> None:
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "crm.settings", name: value}
    done = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=variables, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr.strip()) == (1, told)


def test_without_one_nothing_is_different() -> None:
    assert not replica.configured()
    assert "crm.core.replica.ReplicaMiddleware" not in settings.MIDDLEWARE
    assert replica.facts() == {}
