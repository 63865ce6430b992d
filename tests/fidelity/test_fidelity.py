"""Every type at its extremes, from each store into each: a value arrives equal, or becomes what the table says, or its
row is rejected with a reason. The databases compare, not Starhaul."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from tests.fidelity.journeys import TYPES, Journeys
from tests.fidelity.page import PAGE, page
from tests.fidelity.passage import TIMES, Outcome
from tests.fidelity.values import ROUTES, Route, Store


def wrong(outcomes: Sequence[Outcome]) -> list[str]:
    """What is not as it should be, in words."""
    return [
        f"{each.type.sql} {each.value.shown or each.value.literal} -> {each.target}: {each.seen}, not {each.expected}"
        for each in outcomes
        if not each.right
    ]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("store", TYPES)
def test_each_value_arrives_as_the_table_says(journeys: Mapping[Store, Journeys], store: Store, route: Route) -> None:
    outcomes = [each for each in journeys[store].few if each.route == route]
    assert wrong(outcomes) == []
    values = [value for kind in TYPES[store] for value in kind.values]
    assert Counter(id(each.value) for each in outcomes) == Counter(map(id, values)), "one outcome for each"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("store", TYPES)
def test_the_bulk_paths_give_the_same(journeys: Mapping[Store, Journeys], store: Store, route: Route) -> None:
    outcomes = [each for each in journeys[store].many if each.route == route]
    assert wrong(outcomes) == []
    arrived = [each for each in journeys[store].few if each.route == route and not each.seen.startswith("rejected")]
    assert len(outcomes) == TIMES * len([each for each in arrived if not each.value.alone])
    assert not any(each.seen.startswith("rejected") for each in outcomes)


OTHER_TYPES: Mapping[Store, Mapping[str, str]] = {
    "mysql": {},
    "postgresql": {"short_text": "character varying(3)", "positive": "integer"},  # domains
}
"""What a created column gets where it does not get the type of the source."""


@pytest.mark.parametrize("store", TYPES)
def test_a_created_table_holds_the_same(journeys: Mapping[Store, Journeys], store: Store) -> None:
    journey = journeys[store]
    assert wrong(journey.created) == []
    first = {id(each.type): each.target for each in journey.few if each.route == "same"}
    there = {first[id(each.type)]: each.target for each in journey.created}
    assert {kind: made for kind, made in there.items() if kind != made} == OTHER_TYPES[store]


def test_the_page_tells_what_was_seen(journeys: Mapping[Store, Journeys]) -> None:
    told = page({store: journey.few for store, journey in journeys.items()})
    assert PAGE.read_text(encoding="utf-8") == told, "run `make fidelity` and look at what changes"


@pytest.mark.parametrize("store", TYPES)
def test_nothing_changes_within_a_kind_of_store(store: Store) -> None:
    told = {value.expected("same", kind).partition(":")[0] for kind in TYPES[store] for value in kind.values}
    assert told <= {"equal", "rejected"}
