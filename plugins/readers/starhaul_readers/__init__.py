"""The readers that come with Starhaul. Their names; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Mapping

from starhaul import hookimpl


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    """DataX's names are canonical; the short ones are aliases."""
    return {
        "streamreader": "starhaul_readers.stream:StreamReader",
        "stream": "starhaul_readers.stream:StreamReader",
        "txtfilereader": "starhaul_readers.txtfile:TxtFileReader",
        "txtfile": "starhaul_readers.txtfile:TxtFileReader",
        "csv": "starhaul_readers.txtfile:TxtFileReader",
        "sqlitereader": "starhaul_readers.sqlite:SqliteReader",
        "sqlite": "starhaul_readers.sqlite:SqliteReader",
    }
