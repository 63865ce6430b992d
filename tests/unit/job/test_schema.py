"""The schema for editors, and that schemas, models and loading agree on what a valid document is."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from starhaul import ConfigError, Params, PluginError, StarhaulError
from starhaul.job.coerce import coerce
from starhaul.job.datax_form import DataxDocument, DataxSetting
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.job.native_form import ManyStreams, OneStream
from starhaul.job.schema import job_schema
from starhaul.job.settings import Settings
from starhaul.job.validate import parse_parameters
from starhaul.registry import Registry


@pytest.fixture(scope="session")
def editor(registry: Registry) -> Draft202012Validator:
    return Draft202012Validator(job_schema(registry))


def entry(name: str = "fruit", **parameters: Any) -> dict[str, Any]:
    return {"name": name, **parameters}


def job(reader: Any = None, writer: Any = None, **rest: Any) -> dict[str, Any]:
    return {"reader": reader or entry(path="a"), "writer": writer or entry(path="b"), **rest}


def datax(reader: Any, **setting: Any) -> dict[str, Any]:
    content = {"reader": reader, "writer": entry(parameter={"path": "b"})}
    return {"job": {"setting": setting, "content": [content]}}


def test_it_is_a_schema_and_refers_only_to_itself(registry: Registry) -> None:
    schema = job_schema(registry)
    Draft202012Validator.check_schema(schema)
    text = json.dumps(schema)
    assert text == json.dumps(job_schema(registry)), "the same every time"
    for reference in {part.split('"')[0] for part in text.split('"$ref": "')[1:]}:
        target: Any = schema
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    assert "no_such_module" not in text


def test_every_field_of_the_settings_is_documented() -> None:
    for model in (Settings, OneStream, ManyStreams, DataxDocument):
        schema = model.json_schema()
        for definition in [schema, *schema.get("$defs", {}).values()]:
            assert definition["description"]
            for name, field in definition["properties"].items():
                assert field.get("description"), f"{definition.get('title')}.{name}"


@pytest.mark.parametrize(
    "document",
    [
        job(),
        job(entry("fruitreader", parameter={"path": ["a"], "connection": "x"})),
        job(entry("FRUIT", whatever=1)),
        job(entry("${R}", whatever=1)),
        job(entry(connection="warehouse")),
        job(entry(connection=[{"a": "b"}], path="a")),
        job(entry(path="${P}", fetchSize="${N}", skipHeader="true", compress="${C}", password=5, limits={"rows": "5"})),
        job(transformers=[entry("dx_cut", columnIndex="0", paras=[0, "1"])], columns="name", name="n"),
        job(settings={"channel": "2", "retry": {"pause": "0.5"}}, **{"$schema": "x"}),
        {"streams": [job(), job(name="b")], "settings": {"channel": 2}},
        datax(entry(parameter={"path": "a"}), speed={"channel": "3"}, anything=1),
        {**datax(entry(parameter={"path": "a"}, comment="x")), "core": {}},
    ],
)
def test_documents_that_an_editor_accepts(editor: Draft202012Validator, document: dict[str, Any]) -> None:
    assert [error.message for error in editor.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("document", "at"),
    [
        ({}, []),
        (job(entry(pth="a")), ["reader"]),
        (job(entry("nope")), ["reader", "name"]),
        (job(entry(path="a", fetchSize="x")), ["reader", "fetchSize"]),
        (job(entry(path="a", compress="zip")), ["reader", "compress"]),
        (job(entry(parameter={"path": "a"}, path="b")), ["reader"]),
        (job(settings={"chanel": 2}), ["settings"]),
        (job(transformers=[entry("dx_cut")]), ["transformers", 0]),
        ({"streams": []}, ["streams"]),
        (datax(entry(path="a")), ["job", "content", 0, "reader"]),
        (datax(entry(parameter={"path": "a", "b": 1})), ["job", "content", 0, "reader", "parameter"]),
        (datax(entry(parameter={"path": "a"}), speed={"channel": 0}), ["job", "setting", "speed", "channel"]),
    ],
)
def test_documents_that_an_editor_marks(editor: Draft202012Validator, document: dict[str, Any], at: list[Any]) -> None:
    places = [list(error.absolute_path) for error in editor.iter_errors(document)]
    assert at in places


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 1200)
    | st.floats(-2, 2, allow_nan=False)
    | st.sampled_from(["", "*", "a", "1", "0.5", "true", "gzip", "long", "insert", "-1", "1e3", "TRUE", "${X}"])
)
KEYS = st.sampled_from(["path", "column", "index", "value", "rows", "channel", "speed", "name", "x"])
WILD = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=6
)


def near(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema more often than not."""
    return st.integers(0, 30).flatmap(lambda dice: WILD if dice == 0 else fitting(schema, root))


def fitting(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return fitting(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema:
        return st.one_of([near(each, root) for each in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    if schema.get("type") == "object" and "properties" in schema:
        required = set(schema.get("required", ()))
        fields = {key: near(each, root) for key, each in schema["properties"].items()}
        return st.fixed_dictionaries(
            {key: each for key, each in fields.items() if key in required},
            optional={key: each for key, each in fields.items() if key not in required},
        )
    if schema.get("type") == "object":
        others = schema.get("additionalProperties")
        return st.dictionaries(KEYS, near(others if isinstance(others, dict) else {}, root), max_size=3)
    if schema.get("type") == "array":
        return st.lists(near(schema.get("items", {}), root), min_size=schema.get("minItems", 0), max_size=3)
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", low + 5)
    return {
        "integer": st.integers(low, high) | st.integers(low, high).map(str),
        "number": st.floats(low, high, exclude_min="exclusiveMinimum" in schema) | st.just(str(high)),
        "boolean": st.booleans() | st.just("true"),
        "string": st.text(st.characters(codec="ascii"), min_size=1, max_size=3) | st.integers(0, 9),
        "null": st.none(),
    }.get(schema.get("type", ""), WILD)


def passes(model: type[Params], value: Any) -> bool:
    try:
        parse_parameters(model, value)
    except ValidationError:
        return False
    return True


MODELS = [*((kind, "fruit") for kind in ("reader", "writer")), ("transformer", "dx_cut"), ("settings", "")]


@pytest.mark.parametrize(("kind", "name"), MODELS)
def test_schemas_and_models_agree(registry: Registry, kind: Any, name: str) -> None:
    model = Settings if kind == "settings" else registry.plugin(kind, name).params_type
    schema = model.json_schema()
    seen: Counter[bool] = Counter()

    @given(value=near(schema, schema).filter(lambda each: isinstance(each, dict)))
    @settings(deadline=None, max_examples=80, derandomize=True, suppress_health_check=[*HealthCheck])
    def agree(value: dict[str, Any]) -> None:
        coerced = coerce(json.loads(json.dumps(value)), schema, schema)
        if isinstance(coerced.get("factor"), str):
            del coerced["factor"]  # no schema tells which texts are decimals
        by_schema = Draft202012Validator(schema).is_valid(coerced)
        if by_schema and kind == "writer":
            # the rule between two parameters, which no schema tells
            by_schema = (coerced.get("username") is None) == (coerced.get("password") is None)
        assert passes(model, coerced) == by_schema
        assert coerce(json.loads(json.dumps(coerced)), schema, schema) == coerced, "once is enough"
        seen[by_schema] += 1

    agree()
    assert min(seen[True], seen[False]) > 5, "the values must not all be of one kind"


def refusal(registry: Registry, document: dict[str, Any] | Path) -> StarhaulError | None:
    try:
        load_job(document, registry, environment={"X": "1"})
    except (ConfigError, PluginError) as error:
        return error
    return None


@pytest.mark.parametrize("form", ["native", "datax"])
def test_what_loads_is_right_in_an_editor(registry: Registry, editor: Draft202012Validator, form: str) -> None:
    """But for what is overlooked in a DataX job with a warning: an editor marks that."""
    parameters = registry.reader("fruit").params_type.json_schema()
    how = Settings.json_schema() if form == "native" else DataxSetting.json_schema()
    seen: Counter[bool] = Counter()

    @given(reader=near(parameters, parameters).filter(lambda each: isinstance(each, dict)), how=near(how, how))
    @settings(deadline=None, max_examples=80, derandomize=True, suppress_health_check=[*HealthCheck])
    def right(reader: dict[str, Any], how: Any) -> None:
        if form == "native":
            document = job({**reader, "name": "fruit"}, settings=how)
        else:
            document = datax(entry(parameter=reader))
            document["job"]["setting"] = how
        loaded = refusal(registry, document) is None
        if loaded and (form == "native" or not load_job(document, registry, environment={"X": "1"}).warnings):
            assert [error.message for error in editor.iter_errors(document)] == []
        seen[loaded] += 1

    right()
    assert min(seen[True], seen[False]) > 5, "the documents must not all be of one kind"


TOKENS = st.sampled_from(
    ["reader:", "writer:",
     "name: fruit", "path: a", "- ", "  ", "\n", "{", "}", "[", "]", ":", ",", '"', "'", "#", "&a ",
     "*a", "<<: *a", "!!str ", "${X}", "${", "$", "null", "true", "1e9", "\t", "\\", "job", "content", "\x00", "é",
     "---", "? ", "| ", "> ", "%", "@", "0x1F", "\ufeff", "streams:", "settings:", '"reader"', '"job": {"content": [']
)  # fmt: skip


@given(
    text=st.lists(TOKENS, max_size=40).map("".join) | st.text(max_size=60) | st.binary(max_size=60),
    suffix=st.sampled_from([".yaml", ".json", ""]),
)
@settings(deadline=10_000, max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_loads_or_is_refused_with_its_place(
    registry: Registry, tmp_path: Path, text: str | bytes, suffix: str
) -> None:
    path = tmp_path / f"job{suffix}"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    error = refusal(registry, path)
    assert error is None or str(path) in str(error)


@given(document=st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    KEYS | st.sampled_from(["job", "content", "reader", "writer", "transformer", "name", "parameter", "connection",
                            "streams", "transformers", "settings", "setting", "columns"]), inner, max_size=5),
    max_leaves=25).filter(lambda each: isinstance(each, dict)))  # fmt: skip
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_any_mapping_loads_or_is_refused(registry: Registry, document: dict[str, Any]) -> None:
    error = refusal(registry, document)
    assert error is None or str(error)


def test_loading_is_quick(load: Callable[..., Job], registry: Registry) -> None:
    assert load(job())
    start = time.perf_counter()
    for _ in range(20):
        load(job(entry(path=["a"])))
    assert (time.perf_counter() - start) / 20 < 0.03
