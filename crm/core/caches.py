"""A Redis cache that may be away: then every read misses and every write is dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis import ConnectionPool
from redis.exceptions import RedisError
from redis.sentinel import Sentinel

from crm.env import Sentinels

log = logging.getLogger(__name__)


class Pool:
    """Connections to a Redis, or to whichever of a group is its master at the moment."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> ConnectionPool:
        group = Sentinels.of(url)
        if group is None:
            return ConnectionPool.from_url(url, **options)
        login = {"username": group.username or None, "password": group.password or None}
        waits = {name: value for name, value in options.items() if name.startswith("socket_")}
        return Sentinel(group.hosts, sentinel_kwargs=waits).master_for(group.master, db=group.database, **login, **options).connection_pool


def _soft(name: str, fallback: Callable[..., Any]) -> Callable[..., Any]:
    method = getattr(RedisCache, name)

    @wraps(method)
    def call(self: RedisCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except (RedisError, OSError) as error:
            log.warning("cache is away: %s", type(error).__name__)
            return fallback(*args, **kwargs)

    return call


class SoftRedisCache(RedisCache):
    """Django's Redis cache; a connection error counts as a miss. Never for limits or locks: those need a store that stays."""

    get = _soft("get", lambda key, default=None, version=None: default)
    get_many = _soft("get_many", lambda keys, version=None: {})
    has_key = _soft("has_key", lambda key, version=None: False)
    add = _soft("add", lambda *_, **__: True)
    set = _soft("set", lambda *_, **__: None)
    set_many = _soft("set_many", lambda data, *_, **__: list(data))
    touch = _soft("touch", lambda *_, **__: False)
    delete = _soft("delete", lambda *_, **__: False)
    delete_many = _soft("delete_many", lambda *_, **__: None)
    incr = _soft("incr", lambda key, delta=1, version=None: delta)
    clear = _soft("clear", lambda *_, **__: False)
