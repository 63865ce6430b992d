"""A plugin class with a mistake in its declaration fails when it is made, with a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from pydantic import SecretStr, ValidationError

from starhaul import Params, PluginError, Reader, Receipt, Split, Task, Transformer, Writer


class GoodParams(Params):
    skip_header: bool = False
    """Whether the first line is left out."""
    password: SecretStr = SecretStr("")
    """Password of the user."""


BASES = [Reader, Writer, Transformer]


def _declare(base: type, **attributes: Any) -> type:
    attributes = {"__doc__": "Does.", "__module__": __name__, "name": "good", "params_type": GoodParams} | attributes
    return type("Plugin", (base,), attributes)


@pytest.mark.parametrize("base", BASES)
def test_a_good_declaration(base: type) -> None:
    assert vars(_declare(base))["name"] == "good"


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["", "Upper", "1st", "with blank", "naïve", None, 7])
def test_bad_name(base: type, name: object) -> None:
    with pytest.raises(PluginError, match=r"name is .*a name is lower case"):
        _declare(base, name=name)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("params_type", [None, dict, GoodParams()])
def test_bad_params_type(base: type, params_type: object) -> None:
    with pytest.raises(PluginError, match=r"no params_type .*subclass of starhaul\.Params"):
        _declare(base, params_type=params_type)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("doc", [None, "", "  \n "])
def test_no_docstring(base: type, doc: str | None) -> None:
    with pytest.raises(PluginError, match="has no docstring"):
        _declare(base, __doc__=doc)


@pytest.mark.parametrize("base", BASES)
def test_a_base_without_a_name_is_left_alone(base: type) -> None:
    class Shared(base):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Shared(GoodParams())


def test_a_subclass_keeps_its_parents_name() -> None:
    class Parent(Reader[GoodParams]):
        """Reads."""

        name = "parent"
        params_type = GoodParams

        def schema(self) -> pa.Schema:
            return pa.schema([])

        def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
            yield from ()

    class Child(Parent):
        pass

    child = Child(GoodParams())
    assert child.name == "parent"
    assert [split.id for split in child.split(4)] == ["all"]
    assert list(child.describe()) == []


def test_defaults_of_a_writer_promise_nothing() -> None:
    class Sink(Writer[GoodParams]):
        """Writes."""

        name = "sink"
        params_type = GoodParams

        def accept(self, source: pa.Schema) -> pa.Schema:
            return source

        def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
            return Receipt(task.id, 0)

    sink = Sink(GoodParams())
    assert sink.promises() == frozenset()
    assert list(sink.describe()) == []


def test_parameters_go_by_camel_case_in_a_job() -> None:
    assert GoodParams.parse({"skipHeader": True}) == GoodParams(skip_header=True)
    assert set(GoodParams.json_schema()["properties"]) == {"skipHeader", "password"}
    assert GoodParams.json_schema()["additionalProperties"] is False


@pytest.mark.parametrize("key", ["skip_header", "skipheader", "more"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(ValidationError, match=key):
        GoodParams.parse({key: True})


def test_parameters_are_frozen_and_hide_what_they_are_given() -> None:
    params = GoodParams(password=SecretStr("hush"))
    with pytest.raises(ValidationError):
        params.skip_header = True  # type: ignore[misc]
    assert "hush" not in repr(params)
    with pytest.raises(ValidationError) as caught:
        GoodParams.parse({"password": {"a": "hush"}})
    assert "hush" not in str(caught.value)


def test_the_string_under_a_field_is_its_documentation() -> None:
    assert GoodParams.json_schema()["properties"]["skipHeader"]["description"] == "Whether the first line is left out."
