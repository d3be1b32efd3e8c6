"""Settings of the tests: a throwaway PostgreSQL cluster (tests/conftest.py), no Redis, nothing hashed or cached longer than needed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# One cluster per pytest run: the first process names it, xdist's workers inherit the name.
CLUSTER = Path(os.environ.setdefault("CRM_TEST_CLUSTER", f"{tempfile.gettempdir()}/crm-test-{os.getpid()}"))
os.environ["DATABASE_URL"] = f"postgres://crm@/crm?host={CLUSTER}"
os.environ["REDIS_URL"] = "redis://127.0.0.1:1/0"  # refuses at once
os.environ["DATA_DIR"] = f"{CLUSTER}/data"
os.environ["SECRET_KEY"] = "only-for-the-tests-" + "x" * 50
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
os.environ["BASE_URL"] = "http://testserver"
os.environ["LOG_LEVEL"] = "WARNING"
for name in ("DEBUG", "DEMO", "EMAIL_URL", "CACHE_URL", "TRUSTED_PROXY_COUNT", "MAIL_FROM", "DATABASE_REPLICA_URL", "DATABASE_REPLICA_MAX_LAG"):
    os.environ.pop(name, None)
# Playwright keeps an event loop in the main thread; Django would refuse the database there.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from crm.settings import *  # noqa: E402, F403
from crm.settings import STORAGES  # noqa: E402

CACHES = {alias: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": alias} for alias in ("default", "fast")}
CACHES["fragments"] = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}  # users with the same id follow each other
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT = CLUSTER / "static"  # empty: each test client would look through all that a run from the working copy has collected
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
