from __future__ import annotations

import hashlib
from decimal import Decimal

import pyarrow as pa
import pytest

from starhaul.testing import TransformerConformance
from starhaul_transformers.columns import CastColumns, CastParams, Rename, RenameParams, Select, SelectParams
from starhaul_transformers.digest import Digest
from starhaul_transformers.filter import Filter, FilterParams
from starhaul_transformers.pad import Pad
from starhaul_transformers.replace import Replace
from starhaul_transformers.substr import Substr
from starhaul_transformers.target import ColumnParams


class OnNames(TransformerConformance):
    """Works on the second of two columns."""

    @pytest.fixture
    def source(self) -> pa.Table:
        return pa.table({"id": [1, 2, 3, 4, 5], "name": ["abcdef", None, "", "ü😀x", "ab"]})

    @pytest.fixture
    def unacceptable(self) -> pa.Schema:
        return pa.schema([("id", pa.int64())])


class TestSubstr(OnNames):
    @pytest.fixture
    def transformer(self) -> Substr:
        return Substr(ColumnParams(column_index=1, paras=["1", "2"]))

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": [1, 2, 4, 5], "name": ["bc", None, "😀x", "b"]})


class TestPad(OnNames):
    @pytest.fixture
    def transformer(self) -> Pad:
        return Pad(ColumnParams(column_index=1, paras=["l", "4", "*-"]))

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": [1, 2, 3, 4, 5], "name": ["abcd", "*-*-", "*-*-", "*ü😀x", "*-ab"]})


class TestReplace(OnNames):
    @pytest.fixture
    def transformer(self) -> Replace:
        return Replace(ColumnParams(column="name", paras=[1, 2, "**"]))

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": [1, 2, 4, 5], "name": ["a**def", None, "ü**", "a**"]})


class TestDigest(OnNames):
    @pytest.fixture
    def transformer(self) -> Digest:
        return Digest(ColumnParams(column="name", paras=["md5", "toLowerCase"]))

    @pytest.fixture
    def expected(self) -> pa.Table:
        texts = ["abcdef", "", "", "ü😀x", "ab"]
        return pa.table({"id": [1, 2, 3, 4, 5], "name": [hashlib.md5(text.encode()).hexdigest() for text in texts]})


class TestFilter(OnNames):
    @pytest.fixture
    def transformer(self) -> Filter:
        return Filter(FilterParams(column="name", paras=["like", "ab.*"]))

    @pytest.fixture
    def expected(self) -> pa.Table:
        return pa.table({"id": [2, 3, 4], "name": [None, "", "ü😀x"]})


class TestSelect(OnNames):
    @pytest.fixture
    def transformer(self) -> Select:
        return Select(SelectParams(columns=[1, "id"]))

    @pytest.fixture
    def expected(self, source: pa.Table) -> pa.Table:
        return source.select(["name", "id"])


class TestRename(OnNames):
    @pytest.fixture
    def transformer(self) -> Rename:
        return Rename(RenameParams(columns={"id": "name", "name": "id"}))

    @pytest.fixture
    def expected(self, source: pa.Table) -> pa.Table:
        return source.rename_columns(["name", "id"])


class TestCast(TransformerConformance):
    @pytest.fixture
    def source(self) -> pa.Table:
        return pa.table({"id": [1, 2, 3, 4, 300], "price": ["1.50", None, "x", "-0.01", "2"]})

    @pytest.fixture
    def transformer(self) -> CastColumns:
        return CastColumns(CastParams(columns={"price": "decimal(5,2)", "id": "uint8"}))

    @pytest.fixture
    def expected(self) -> pa.Table:
        prices = pa.array([Decimal("1.50"), None, Decimal("-0.01")], pa.decimal128(5, 2))
        return pa.table({"id": pa.array([1, 2, 4], pa.uint8()), "price": prices})

    @pytest.fixture
    def unacceptable(self) -> pa.Schema:
        return pa.schema([("id", pa.int64())])
