"""Connections that wait between two calls of plugins."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from starhaul.api import lending
from starhaul.api.errors import ConfigError, TransientError
from starhaul.api.lending import lent


class Connection:
    """Remembers what became of it."""

    def __init__(self, told: list[str], number: int, *, clears: bool = True) -> None:
        self._told = told
        self._clears = clears
        self.number = number
        self.lost = False
        self.open = True

    def cleared(self) -> bool:
        self._told.append(f"clear {self.number}")
        return self._clears

    def close(self) -> None:
        self.open = False
        self._told.append(f"close {self.number}")


class Store:
    """Where they are opened."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.opened: list[Connection] = []
        self.clears = True
        self.refuses: Exception | None = None

    def connect(self) -> Connection:
        self.opened.append(Connection(self.told, len(self.opened), clears=self.clears))
        return self.opened[-1]

    def settle(self, connection: Connection) -> None:
        if self.refuses is not None:
            raise self.refuses
        if connection.lost:
            raise TransientError("store", "the connection was lost")

    def use(self, key: object = "key") -> int:
        """Which connection one call gets."""
        with lent(key, self.connect, self.settle) as connection:
            assert connection.open
            return connection.number


@pytest.fixture
def store() -> Store:
    return Store()


def test_without_a_plan_every_call_connects(store: Store) -> None:
    assert [store.use(), store.use()] == [0, 1]
    assert store.told == ["close 0", "close 1"]


def test_during_a_plan_one_call_takes_the_other_s(store: Store) -> None:
    with lending.lending():
        assert [store.use(), store.use()] == [0, 0]
        assert store.told == ["clear 0", "clear 0"]
    assert store.told[2:] == ["close 0"]


def test_two_calls_at_once_have_two(store: Store) -> None:
    with lending.lending():
        with lent("key", store.connect, store.settle) as first:
            assert store.use() != first.number
        assert {store.use(), store.use()} == {first.number}  # the one that came back last


def test_another_key_is_another_connection(store: Store) -> None:
    with lending.lending():
        assert [store.use("one"), store.use("other"), store.use("one")] == [0, 1, 0]


def test_it_waits_until_the_last_plan_is_over(store: Store) -> None:
    with lending.lending():
        with lending.lending():
            store.use()
        assert store.use() == 0
        assert store.opened[0].open
    assert not store.opened[0].open


def test_what_a_call_leaves_in_a_bad_state_is_not_lent_again(store: Store) -> None:
    with lending.lending():
        with pytest.raises(ValueError, match="mine"), lent("key", store.connect, store.settle):
            raise ValueError("mine")
        store.clears = False
        assert [store.use(), store.use()] == [1, 2]
    assert not any(each.open for each in store.opened)


def test_a_call_that_went_well_does_not_fail_by_the_clearing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> bool:
        raise RuntimeError("mine")

    monkeypatch.setattr(Connection, "cleared", broken)
    with lending.lending():
        assert [store.use(), store.use()] == [0, 1]
    assert not any(each.open for each in store.opened)


def test_one_that_was_lost_meanwhile_is_replaced(store: Store) -> None:
    with lending.lending():
        store.use()
        store.opened[0].lost = True
        assert store.use() == 1
    assert not store.opened[0].open


@pytest.mark.parametrize("error", [TransientError("store", "is down"), ConfigError("session", "is no SQL")])
def test_an_error_of_a_new_one_is_the_caller_s(store: Store, error: Exception) -> None:
    with lending.lending():
        store.use()
        store.opened[0].lost = isinstance(error, TransientError)
        store.refuses = error
        with pytest.raises(type(error)):
            store.use()
    assert not any(each.open for each in store.opened)


def test_one_that_waited_too_long_is_closed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with lending.lending():
        store.use()
        monkeypatch.setattr(lending, "MOST_SECONDS", -1.0)
        assert store.use() == 1
        assert not store.opened[0].open


def test_a_connection_that_cannot_be_closed_harms_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> None:
        raise OSError("gone")

    with lending.lending():
        store.use()
        monkeypatch.setattr(Connection, "close", broken)


def test_many_threads_never_share_one(store: Store) -> None:
    used: set[int] = set()

    def call(_: int) -> None:
        with lent("key", store.connect, store.settle) as connection:
            assert connection.number not in used
            used.add(connection.number)
            used.remove(connection.number)

    with lending.lending(), ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(2000)))
    assert len(store.opened) <= 8
    assert not any(each.open for each in store.opened)
