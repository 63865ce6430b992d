"""What a plugin that can be named by a URL must pass. Parts of the classes for readers and writers."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from starhaul.api.address import Address, Creation, ReadRequest, WriteRequest
from starhaul.api.errors import ConfigError
from starhaul.api.reader import Reader
from starhaul.api.table import column_facts, source_names, table_facts
from starhaul.api.writer import Writer
from starhaul.testing.compare import assert_same_rows
from starhaul.testing.delivery import Delivery
from starhaul.testing.plugin import MARKER
from starhaul.testing.task import RecordingTask


class ReaderAddresses:
    """Facts of tables, URLs and discovery. Part of `ReaderConformance`."""

    @pytest.fixture
    def url(self) -> str | None:
        """A URL that names what `reader` reads, for `starhaul copy`; None if this reader takes none."""
        return None

    def test_facts_are_well_formed(self, reader: Reader[Any]) -> None:
        assert_well_formed(reader.schema())

    def test_a_url_reads_the_source(self, reader: Reader[Any], url: str | None, expected: pa.Table) -> None:
        address = _address(type(reader), url, ReadRequest())
        other = type(reader)(reader.params_type.parse(json.loads(json.dumps(dict(address.parameters)))))
        other.check()
        task = RecordingTask(other.schema())
        batches = [batch for split in other.split(2) for batch in other.read(split, task)]
        rows = pa.Table.from_batches(batches, schema=task.schema)
        if rows.schema.types == expected.schema.types:  # a source of text may have been asked for other types
            assert_same_rows(rows, expected, "the URL reads other rows than the reader under test")
        assert rows.num_rows == expected.num_rows, "the URL reads other rows than the reader under test"

    def test_finds_what_a_url_names(self, reader: Reader[Any], url: str | None) -> None:
        if url is None:
            pytest.skip("this reader takes no URL; override `url` if it does")
        address = type(reader).from_url(url)
        found = list(type(reader).discover(address))
        assert found, "discover() does not find what the URL names"
        for each in found:
            assert all(isinstance(part, str) for part in each.name), f"{each.name!r} is no tuple of names"
            again = type(reader).complete(address.called(*each.name), ReadRequest())
            other = type(reader)(reader.params_type.parse(json.loads(json.dumps(dict(again.parameters)))))
            if each.schema is not None:
                assert each.schema.equals(other.schema()), f"discover() and schema() differ on {each.name}"
                assert_well_formed(each.schema)

    def test_urls_keep_secrets(self, reader: Reader[Any], url: str | None) -> None:
        _keeps_secrets(type(reader), url)


class WriterAddresses:
    """Creation and URLs. Part of `WriterConformance`."""

    @pytest.fixture
    def url(self) -> str | None:
        """A URL that names the target of `writer`, for `starhaul copy`; None if this writer takes none."""
        return None

    def test_a_url_names_the_target(self, writer: Writer[Any], url: str | None, sample: pa.Table) -> None:
        address = _address(type(writer), url, WriteRequest(create=True))
        other = type(writer)(writer.params_type.parse(json.loads(json.dumps(dict(address.parameters)))))
        accepted = other.accept(sample.schema)
        other.check(accepted or sample.schema)

    def test_urls_keep_secrets(self, writer: Writer[Any], url: str | None) -> None:
        _keeps_secrets(type(writer), url)

    def test_tells_how_it_creates(self, writer: Writer[Any], sample: pa.Table) -> None:
        delivery = Delivery(writer, sample.schema)
        creation = writer.creation(sample.schema if delivery.accepted is None else delivery.accepted)
        if creation is None:
            return
        assert isinstance(creation, Creation), f"creation() gives {type(creation).__name__}"
        assert all(isinstance(each, str) and each.strip() for each in creation.statements + creation.left_out)
        delivery.prepare()
        left = writer.creation(delivery.schema)
        assert left is None, f"creation() wants to create what prepare() has created: {left}"
        delivery.commit(delivery.write(delivery.task(), delivery.converted(sample)))


def assert_well_formed(schema: pa.Schema) -> None:
    """The facts of a schema can be read, and speak of its columns."""
    columns = [column_facts(field) for field in schema]
    for field, column in zip(schema, columns, strict=True):
        if column is not None:
            assert column.name, f"the facts of {field.name!r} name no column"
            native = column.default is not None or column.generated or column.collation
            assert column.dialect or not native, f"the facts of {field.name!r} do not say whose SQL they hold"
            assert column.default is None or column.default.native, f"the default of {field.name!r} has no expression"
    facts = table_facts(schema)
    if facts is None:
        return
    assert facts.dialect, "the facts of the table do not say whose SQL they hold"
    assert facts.columns == tuple(source_names(schema)), "the facts of the table name other columns than the schema has"
    assert facts.key is None or facts.key.columns, "a primary key has columns"
    for index in (facts.key, *facts.indexes):
        assert index is None or index.columns or not index.plain, f"index {index.name!r} is plain, and on no column"


def _address(plugin: Any, url: str | None, request: Any) -> Address:
    if url is None:
        pytest.skip("this plugin takes no URL; override `url` if it does")
    address = plugin.from_url(url)
    assert isinstance(address, Address), f"from_url() gives {type(address).__name__}"
    complete: Address = plugin.complete(address, request)
    return complete


def _keeps_secrets(plugin: Any, url: str | None) -> None:
    """Neither the address nor an error shows a password that stands in the URL."""
    if url is None or "://" not in url:
        pytest.skip("no URL with a host")
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.rpartition("@")[2].partition("/")
    for broken in (f"{scheme}://user:{MARKER}@{host}{slash}{path}", f"{scheme}://user:{MARKER}@{host}:x/{path}"):
        try:
            told = repr(plugin.from_url(broken))
        except ConfigError as error:
            told = str(error)
        assert MARKER not in told, f"the password of the URL is shown: {told}"
