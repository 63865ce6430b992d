"""What every plugin must pass, whatever its kind: its parameters, its secrets, the weight of its import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, TypeVar

import pytest
from pydantic import SecretBytes, SecretStr, ValidationError
from pydantic_core import to_jsonable_python

from starhaul.api.params import Params
from starhaul.api.reader import Reader
from starhaul.api.transformer import Transformer
from starhaul.api.writer import Writer

AnyPlugin: TypeAlias = Reader[Any] | Writer[Any] | Transformer[Any]
PluginT = TypeVar("PluginT", Reader[Any], Writer[Any], Transformer[Any])

MARKER = "s3cr3t-marker-of-the-kit"
_SOUNDS_SECRET = re.compile(r"password|passwd|secret|token|credential|privatekey|accesskey$", re.IGNORECASE)


def again(plugin: PluginT) -> PluginT:
    """An equal instance, as another thread or a resumed run would make it."""
    return type(plugin)(plugin.params)


def as_job_parameters(params: Params) -> dict[str, Any]:
    """The parameters as a job document would give them, secrets in plain text."""
    given = params.model_dump(by_alias=True, exclude_unset=True)
    document: dict[str, Any] = to_jsonable_python(_with_secrets(given, _reveal))
    return document


def assert_keeps_secrets(plugin: AnyPlugin, text: str, what: str) -> None:
    """Fail if the text holds the value of a secret parameter, unless another parameter has that value as well."""
    given = plugin.params.model_dump(by_alias=True)
    open_text = json.dumps(to_jsonable_python(_with_secrets(given, lambda secret: "")))
    shown = [each for each in plugin.params.secrets() if each and each not in open_text and each in text]
    assert not shown, f"{what} holds the value of a secret parameter"


class PluginConformance:
    """Tests of the declaration. The classes for readers, writers and transformers extend it."""

    heavy_modules: ClassVar[frozenset[str]] = frozenset(
        {
            "adbc_driver_manager",
            "adbc_driver_postgresql",
            "adbc_driver_sqlite",
            "boto3",
            "botocore",
            "connectorx",
            "cx_Oracle",
            "fsspec",
            "kafka",
            "oracledb",
            "pandas",
            "polars",
            "psycopg",
            "psycopg2",
            "pyarrow.compute",
            "pyarrow.csv",
            "pyarrow.dataset",
            "pyarrow.parquet",
            "pymongo",
            "pymysql",
            "pyodbc",
            "redis",
            "requests",
            "sqlalchemy",
        }
    )
    """What importing the plugin's module must not load: `starhaul plugins` imports every plugin there is. Add your
    own driver; take nothing away."""

    @pytest.fixture
    def plugin(self) -> AnyPlugin:
        """The instance under test; the subclasses of the kit tie it to `reader`, `writer` or `transformer`."""
        raise NotImplementedError

    def connect(self, plugin: AnyPlugin) -> None:
        """Make the plugin use its parameters, without changing anything."""

    def test_parameters_are_documented(self, plugin: AnyPlugin) -> None:
        schema = type(plugin).params_type.json_schema()
        bare = [name for name, field in _properties(schema) if not field.get("description")]
        assert not bare, f"parameters without a description: {bare}; put a string under each field of the Params"

    def test_unknown_parameters_are_refused(self, plugin: AnyPlugin) -> None:
        params_type = type(plugin).params_type
        with pytest.raises(ValidationError, match="noSuchParameter") as caught:
            params_type.parse({**as_job_parameters(plugin.params), "noSuchParameter": MARKER})
        assert MARKER not in str(caught.value), "the error shows the value; keep `hide_input_in_errors` of Params"

    def test_parameters_survive_a_job_document(self, plugin: AnyPlugin) -> None:
        document = json.loads(json.dumps(as_job_parameters(plugin.params)))
        parsed = type(plugin).params_type.parse(document)
        assert parsed == plugin.params, f"parsing the parameters again from {document} gives others"

    def test_secrets_are_declared(self, plugin: AnyPlugin) -> None:
        shown = [
            name
            for name, field in _properties(type(plugin).params_type.json_schema())
            if _SOUNDS_SECRET.search(name.replace("_", "")) and not _is_secret(field)
        ]
        assert not shown, f"{shown} sound secret and would be shown; declare them as pydantic.SecretStr"

    def test_secrets_are_never_shown(self, plugin: AnyPlugin, caplog: pytest.LogCaptureFixture) -> None:
        given = plugin.params.model_dump(by_alias=True, exclude_unset=True)
        marked = {**_unset_secrets(type(plugin).params_type), **given}
        document = to_jsonable_python(_with_secrets(marked, lambda secret: MARKER))
        try:
            other = type(plugin)(type(plugin).params_type.parse(document))
        except ValidationError as error:  # the rules of this plugin forbid the secret in this configuration
            if MARKER in str(error):
                pytest.fail("a validation error shows the value of a secret parameter")
            return
        shown = [repr(other), str(other), repr(other.params), str(other.params), other.params.model_dump_json()]
        assert not [text for text in shown if MARKER in text], f"a secret parameter is shown by repr or str: {shown}"
        with caplog.at_level("DEBUG"):
            told = _told_by(lambda: self.connect(other))
        assert MARKER not in told, f"an error shows the value of a secret parameter: {told}"
        assert MARKER not in caplog.text, f"the log shows the value of a secret parameter: {caplog.text}"

    def test_import_is_light(self, plugin: AnyPlugin) -> None:
        module = type(plugin).__module__
        code = f"import sys, importlib; importlib.import_module({module!r}); print(*sys.modules)"
        answer = subprocess.run(  # noqa: S603
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        if answer.returncode:
            pytest.skip(f"{module} is not importable by name, so it is a test's own")
        loaded = sorted(self.heavy_modules.intersection(answer.stdout.split()))
        assert not loaded, f"importing {module} loads {loaded}; import drivers inside the functions that use them"


def _properties(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every property of the schema and of the models that it refers to."""
    models = [schema, *schema.get("$defs", {}).values()]
    return [pair for model in models for pair in model.get("properties", {}).items()]


def _is_secret(field: dict[str, Any]) -> bool:
    return any(part.get("writeOnly") for part in (field, *field.get("anyOf", ()), *field.get("allOf", ())))


def _unset_secrets(params_type: type[Params]) -> dict[str, SecretStr]:
    return {
        name: SecretStr("")
        for name, field in params_type.json_schema().get("properties", {}).items()
        if _is_secret(field)
    }


def _reveal(secret: SecretStr | SecretBytes) -> str | bytes:
    return secret.get_secret_value()


def _with_secrets(value: Any, change: Callable[[SecretStr | SecretBytes], Any]) -> Any:
    """A copy of dumped parameters in which every secret, however deep, is replaced."""
    if isinstance(value, SecretStr | SecretBytes):
        return change(value)
    if isinstance(value, dict):
        return {key: _with_secrets(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_with_secrets(item, change) for item in value]
    return value


def _told_by(call: Callable[[], None]) -> str:
    """All that a user could read of the error which a call raises; empty if it raises none."""
    try:
        call()
    except Exception as error:
        link: BaseException | None = error
        told = []
        while link is not None:
            told.append(f"{link!r} {link}")
            link = link.__cause__ or link.__context__
        return "\n".join(told)
    return ""
