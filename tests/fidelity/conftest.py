"""The journeys of all values, made once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.fidelity.databases import Database, databases
from tests.fidelity.journeys import TYPES, Journeys
from tests.fidelity.values import Store
from tests.servers.mariadb import MariadbServer
from tests.servers.postgresql import PostgresqlServer


@pytest.fixture(scope="session")
def bases(
    mariadb_server: MariadbServer, postgresql_server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Store, Database]]:
    """The three databases."""
    with databases(mariadb_server, postgresql_server, tmp_path_factory.mktemp("bases")) as found:
        yield {each.store: each for each in found}


@pytest.fixture(scope="session")
def journeys(bases: Mapping[Store, Database], tmp_path_factory: pytest.TempPathFactory) -> Mapping[Store, Journeys]:
    """What became of every value on every route, by the store that it comes from."""
    folder: Path = tmp_path_factory.mktemp("fidelity")
    return {store: Journeys(list(bases.values()), store, folder) for store in TYPES}
