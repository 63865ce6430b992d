"""Which plugin a URL is for."""

from __future__ import annotations

import pytest

from starhaul import ConfigError, hookimpl
from starhaul.job.urls import plugin_for, shown_url
from starhaul.registry import Registry


class Stores:
    @hookimpl
    def starhaul_readers(self) -> dict[str, str]:
        return {"shelfreader": "tests.x:Shelf", "logreader": "tests.x:Log"}

    @hookimpl
    def starhaul_reader_urls(self) -> dict[str, str]:
        return {"shelf": "shelfreader", ".shelf": "shelfreader", ".old.shelf": "logreader", "nobody": "nobodyreader"}


class Another:
    @hookimpl
    def starhaul_readers(self) -> dict[str, str]:
        return {"otherreader": "tests.x:Other"}

    @hookimpl
    def starhaul_reader_urls(self) -> dict[str, str]:
        return {"SHELF": "otherreader"}


@pytest.fixture
def registry() -> Registry:
    registry = Registry()
    registry.register(Stores(), "stores")
    registry.register(Another(), "another")
    return registry


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("shelf://host/a.b", "shelfreader"),
        ("SHELF://host/a.b", "shelfreader"),
        ("jdbc:shelf://host/a.b", "shelfreader"),
        ("shelf+driver://host/a", "shelfreader"),
        ("a.shelf", "shelfreader"),
        ("/x/A.SHELF#part", "shelfreader"),
        ("/x/a.old.shelf", "logreader"),
        ("file:///x/a.shelf?x=y", "shelfreader"),
    ],
)
def test_the_kind_decides(registry: Registry, url: str, name: str) -> None:
    assert plugin_for(registry, "reader", url) == name


def test_a_kind_that_is_taken_or_is_for_nobody_is_told(registry: Registry) -> None:
    registry.urls("reader")
    assert registry.broken["another URL SHELF"] == "belongs to shelfreader already"
    assert registry.broken["stores URL 'nobody'"] == "there is no reader 'nobodyreader'"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("shelv://host/a", "no reader takes URLs that begin with shelv:.*did you mean 'shelf://'"),
        ("x.unknown", "neither the URL of a store nor a file.*shelf://"),
        ("other:secret@host.unknown", "begin with other:"),
    ],
)
def test_an_unknown_kind(registry: Registry, url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        plugin_for(registry, "reader", url)
    assert "secret" not in str(caught.value)


def test_a_writer_is_not_a_reader(registry: Registry) -> None:
    with pytest.raises(ConfigError, match="no writer takes URLs that begin with shelf:"):
        plugin_for(registry, "writer", "shelf://host/a")


def test_passwords_are_not_shown() -> None:
    assert shown_url("shelf://me:p:w@host/a") == "shelf://me:***@host/a"
    assert shown_url("shelf://me@host/a") == "shelf://me@host/a"
    assert shown_url("shelf://me:p@host/a?sslPassword=p%3Bw&x=y#t") == "shelf://me:***@host/a?sslPassword=***&x=y#t"
