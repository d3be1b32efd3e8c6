"""Settings from the environment: bad values are one line that names the variable."""

from __future__ import annotations

import pytest

from crm import env


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch):
    def put(value: str) -> str:
        monkeypatch.setenv("SOME_VALUE", value)
        return "SOME_VALUE"

    return put


def test_a_required_value_that_is_missing_is_named(variable):
    with pytest.raises(env.BadValue, match=r"^SOME_VALUE: is required"):
        env.text(variable("  "))


@pytest.mark.parametrize("value", ["ten", "0", "99", "1.5", ""])
def test_integers_are_checked(variable, value):
    name = variable(value)
    if value == "":
        assert env.integer(name, 3, low=1, high=9) == 3
    else:
        with pytest.raises(env.BadValue, match="SOME_VALUE"):
            env.integer(name, 3, low=1, high=9)


def test_flags(variable):
    assert env.flag(variable("yes"), False) is True
    assert env.flag(variable("0"), True) is False
    with pytest.raises(env.BadValue, match="SOME_VALUE"):
        env.flag(variable("perhaps"), True)


def test_database_address_with_a_socket():
    import os

    os.environ["SOME_VALUE"] = "postgres://crm@/crm?host=/run/pg"
    try:
        settings = env.database("SOME_VALUE")
    finally:
        del os.environ["SOME_VALUE"]
    assert (settings["HOST"], settings["USER"], settings["NAME"], settings["OPTIONS"]) == ("/run/pg", "crm", "crm", {})


def test_database_address_over_the_network(variable):
    settings = env.database(variable("postgres://us%40er:p%2Fw@db.example:5433/crm?sslmode=require"))
    assert (settings["HOST"], settings["PORT"], settings["USER"], settings["PASSWORD"]) == (
        "db.example",
        "5433",
        "us@er",
        "p/w",
    )
    assert settings["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("value", ["mysql://x/y", "postgres://host/", "postgres://host:port/x", "nonsense"])
def test_bad_database_addresses_do_not_repeat_the_password(variable, value):
    with pytest.raises(env.BadValue, match=r"^SOME_VALUE: ") as caught:
        env.database(variable(value.replace("://", "://user:geheim@")))
    assert "geheim" not in str(caught.value)


def test_redis_sockets_in_both_spellings(variable):
    assert env.redis(variable("redis+socket:///run/redis.sock")) == "unix:///run/redis.sock"
    assert env.celery_broker("unix:///run/redis.sock?db=2") == ("redis+socket:///run/redis.sock?virtual_host=2", {})
    assert env.celery_broker("redis://h:6379/1") == ("redis://h:6379/1", {})


def test_redis_with_sentinels(variable):
    url = env.redis(variable("redis+sentinel://:p%40w@one:26379,[::1]:26380,three/main/2"))
    assert env.Sentinels.of(url) == env.Sentinels((("one", 26379), ("::1", 26380), ("three", 26379)), "main", 2, "", "p@w")
    broker, options = env.celery_broker(url)
    assert broker == "sentinel://:p%40w@one:26379/2;sentinel://:p%40w@[::1]:26380/2;sentinel://:p%40w@three:26379/2"
    assert options == {"master_name": "main"}


@pytest.mark.parametrize("value", ["redis+sentinel://one:26379", "redis+sentinel:///main", "redis+sentinel://one:x/main", "redis+sentinel://one/main/x"])
def test_sentinels_that_make_no_sense(variable, value):
    with pytest.raises(env.BadValue, match="SOME_VALUE: must look like"):
        env.redis(variable(value))


def test_mail_transports(variable):
    assert env.mail("NOT_SET", "/data/mail") == {"kind": "file", "directory": "/data/mail"}
    smtp = env.mail(variable("smtp+tls://us%40er:p%40w@mail.example"), "/data/mail")
    assert (smtp["host"], smtp["port"], smtp["username"], smtp["password"], smtp["starttls"]) == (
        "mail.example",
        587,
        "us@er",
        "p@w",
        True,
    )
    with pytest.raises(env.BadValue, match="SOME_VALUE"):
        env.mail(variable("imap://mail.example"), "/data/mail")
