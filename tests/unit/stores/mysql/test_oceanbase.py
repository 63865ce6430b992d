"""OceanBase's parameters: DataX's names, and its URLs with cluster and tenant."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from starhaul import Capability
from starhaul_readers.oceanbase import OceanbaseReaderParams
from starhaul_writers.oceanbase import OceanbaseV10Writer, OceanbaseWriterParams

OWN = "jdbc:mysql://proxy:2883/shop"
DATAX = f"||_dsc_ob10_dsc_||obc:shop||_dsc_ob10_dsc_||{OWN}"


def writing(**more: Any) -> OceanbaseWriterParams:
    return OceanbaseWriterParams.model_validate({"url": OWN, "table": "t", **more})


@pytest.mark.parametrize(
    ("url", "user", "full"),
    [
        (DATAX, "etl", "etl@shop#obc"),
        (DATAX.replace("obc:", ":"), "etl", "etl@shop"),
        (DATAX, "etl@dw#other", "etl@dw#other"),
        (OWN, "etl@shop#obc", "etl@shop#obc"),
        ("jdbc:oceanbase://etl%40shop%23obc@proxy:2883/shop", None, "etl@shop#obc"),
    ],
)
def test_users_of_a_tenant(url: str, user: str | None, full: str) -> None:
    params = OceanbaseReaderParams.model_validate({"url": url, "table": "t", "username": user})
    address = params.addresses(params.places[0])[0]
    assert (address.user, address.hosts, address.database) == (full, (("proxy", 2883),), "shop")


@pytest.mark.parametrize("url", ["||_dsc_ob10_dsc_||obc||_dsc_ob10_dsc_||jdbc:mysql://h/d", "||_dsc_ob10_dsc_||a:b"])
def test_half_a_url_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="is not the URL of a database"):
        OceanbaseReaderParams.model_validate({"url": url, "table": "t"})


@pytest.mark.parametrize(
    ("given", "mode", "columns"),
    [
        ({}, "update", ()),
        ({"obWriteMode": "insert"}, "insert", ()),
        ({"obWriteMode": "UPDATE", "obUpdateColumns": "a, b"}, "update", ("a", "b")),
        ({"obUpdateColumns": ["a"]}, "update", ("a",)),
        ({"obWriteMode": "insert", "obUpdateColumns": "a"}, "insert", ()),
        ({"writeMode": "overwrite"}, "overwrite", ()),
        ({"writeMode": "insert ignore", "obWriteMode": "ignore"}, "ignore", ()),
    ],
)
def test_write_modes(given: dict[str, Any], mode: str, columns: tuple[str, ...]) -> None:
    params = writing(**given)
    assert (params.write_mode, params.update_columns) == (mode, columns)


def test_two_write_modes_are_refused() -> None:
    with pytest.raises(ValidationError, match="obWriteMode and writeMode differ"):
        writing(writeMode="insert", obWriteMode="update")


def test_oracle_mode_is_refused() -> None:
    with pytest.raises(ValidationError, match="MYSQL"):
        writing(obCompatibilityMode="ORACLE")


def test_an_update_need_not_be_idempotent() -> None:
    """Into a table without a key it inserts."""
    assert OceanbaseV10Writer(writing()).promises() == {Capability.EXACTLY_ONCE}
    assert OceanbaseV10Writer(writing(exactlyOnce=False)).promises() == {Capability.IDEMPOTENT}
