"""Facts of tables: they survive the way through metadata and transformers, or are refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from starhaul import (
    ColumnFacts,
    Default,
    IndexFacts,
    TableFacts,
    column_facts,
    native_type,
    renamed_columns,
    retyped,
    source_names,
    table_facts,
    with_column_facts,
    with_native_type,
    with_table_facts,
)
from starhaul_transformers.columns import CastColumns, CastParams, Rename, RenameParams, Select, SelectParams

ID = ColumnFacts("id", "x", identity="always", comment='the "number" é😀')
NAME = ColumnFacts("na me", "x", "t", Default("'a'::t", "a"), collation='"C"')
FACTS = TableFacts(
    "x", ("id", "na me"), IndexFacts(("id",), "pk", True), (IndexFacts((), "i", native="(lower(a))", plain=False),),
    "orders", "(id int)", ("foreign key f",),
)  # fmt: skip


@pytest.fixture
def schema() -> pa.Schema:
    fields = [
        with_column_facts(with_native_type(pa.field("id", pa.int64(), nullable=False), "INT8"), ID),
        with_column_facts(pa.field("na me", pa.string()), NAME),
    ]
    return with_table_facts(pa.schema(fields), FACTS)


def test_facts_come_back(schema: pa.Schema) -> None:
    assert column_facts(schema.field(0)) == ID
    assert column_facts(schema.field(1)) == NAME
    assert table_facts(schema) == FACTS
    assert native_type(schema.field(0)) == "INT8"
    assert FACTS.whole(schema)


def test_no_facts() -> None:
    plain = pa.schema([("a", pa.int64())])
    assert column_facts(plain.field(0)) is None
    assert table_facts(plain) is None
    assert source_names(plain) == ["a"]


def test_a_renamed_column_is_still_the_key(schema: pa.Schema) -> None:
    renamed = Rename(RenameParams(columns={"id": "number"})).accept(schema)
    assert table_facts(renamed) == FACTS
    assert not FACTS.whole(renamed)
    assert renamed_columns(("na me", "id"), renamed, renamed.names) == ["na me", "number"]


def test_swapped_names_are_not_whole(schema: pa.Schema) -> None:
    swapped = Rename(RenameParams(columns={"id": "na me", "na me": "id"})).accept(schema)
    assert not FACTS.whole(Select(SelectParams(columns=["id", "na me"])).accept(swapped))


def test_a_key_without_its_column_is_none(schema: pa.Schema) -> None:
    selected = Select(SelectParams(columns=["na me"])).accept(schema)
    assert renamed_columns(FACTS.key.columns if FACTS.key else (), selected, selected.names) is None
    assert renamed_columns(("na me",), selected, ["other"]) == ["other"]


def test_a_cast_keeps_name_and_comment(schema: pa.Schema) -> None:
    cast = CastColumns(CastParams(columns={"id": "string"})).accept(schema)
    assert column_facts(cast.field("id")) == ColumnFacts("id", comment=ID.comment)
    assert native_type(cast.field("id")) is None
    assert not cast.field("id").nullable
    assert retyped(pa.field("a", pa.int8()), pa.int16()) == pa.field("a", pa.int16())


@pytest.mark.parametrize(
    "text", [b"[]", b"{", b'{"name":1}', b'{"name":"a","default":3}', b'{"dialect":"x"}', b'{"name":"a","comment":[]}']
)
def test_malformed_facts_are_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"ColumnFacts|JSON|Expecting|Default"):
        column_facts(pa.field("a", pa.int64(), metadata={b"column_facts": text}))


def test_later_keys_are_passed_over() -> None:
    field = pa.field("a", pa.int64(), metadata={b"column_facts": b'{"name":"a","colour":"red"}'})
    assert column_facts(field) == ColumnFacts("a")
