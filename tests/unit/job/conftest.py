"""Plugins to load jobs with: every kind of parameter that a real plugin has, and nothing that runs."""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from pydantic import Field, SecretStr, model_validator

from starhaul import Params, Reader, Receipt, Split, Task, Transformer, Writer, hookimpl
from starhaul.job.job import Job
from starhaul.job.load import load_job
from starhaul.registry import Registry


class Column(Params):
    """One column."""

    type: Literal["long", "string"] = "string"
    """Type of the column."""
    index: int | None = Field(None, ge=0)
    """Index in the file."""
    value: str | int | float | bool | None = None
    """A constant."""


class Limits(Params):
    """A nested model."""

    rows: int = Field(10, ge=1, le=1000)
    """Rows."""
    ratio: float | None = Field(None, gt=0, le=1)
    """Ratio."""


class FruitReaderParams(Params):
    path: list[str] = Field(min_length=1)
    """Files to read. Globs are allowed."""
    column: list[Literal["*"] | Column] = Field(default=["*"])
    """Columns."""
    field_delimiter: str = Field(",", min_length=1)
    """What stands between fields."""
    compress: Literal["gzip", "bz2"] | None = None
    """Compression."""
    skip_header: bool = False
    """Skip the first line."""
    fetch_size: int = Field(1000, ge=1)
    """Rows at a time."""
    limits: Limits = Limits()
    """Limits."""
    options: dict[str, str] = Field(default={})
    """Options."""
    factor: decimal.Decimal | None = None
    """A factor."""
    password: SecretStr | None = None
    """Password."""
    connection: list[dict[str, str]] = Field(default=[])
    """As the rdbms family has it."""


class FruitReader(Reader[FruitReaderParams]):
    """Reads fruit."""

    name = "fruitreader"
    params_type = FruitReaderParams

    def schema(self) -> pa.Schema:
        return pa.schema([])

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        yield from ()


class FruitWriterParams(Params):
    path: str
    """Target."""
    username: str | None = None
    """User."""
    password: SecretStr | None = None
    """Password of the user."""
    tokens: list[SecretStr] = Field(default=[])
    """More secrets."""
    mode: Literal["insert", "replace"] = "insert"
    """Write mode."""

    @model_validator(mode="after")
    def _user_and_password(self) -> FruitWriterParams:
        if self.username is not None and self.password is None:
            raise ValueError("username without password")
        if self.password is not None and self.username is None:
            raise ValueError(f"password {self.password.get_secret_value()} without username")
        return self


class FruitWriter(Writer[FruitWriterParams]):
    """Writes fruit."""

    name = "fruitwriter"
    params_type = FruitWriterParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        return source

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        return Receipt(task.id, 0)

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None: ...

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None: ...


class CutParams(Params):
    column_index: int = Field(ge=0)
    """Column."""
    paras: list[str] = Field(default=[])
    """Start and length."""


class Cut(Transformer[CutParams]):
    """Cuts."""

    name = "dx_cut"
    params_type = CutParams

    def accept(self, source: pa.Schema) -> pa.Schema:
        return source

    def apply(self, batch: pa.RecordBatch, task: Task) -> pa.RecordBatch:
        return batch


class Fruit:
    """Announces the plugins above."""

    @hookimpl
    def starhaul_readers(self) -> Mapping[str, str]:
        target = f"{__name__}:FruitReader"
        return {"fruitreader": target, "fruit": target, "rotten": "no_such_module_anywhere:Reader"}

    @hookimpl
    def starhaul_writers(self) -> Mapping[str, str]:
        return {"fruitwriter": f"{__name__}:FruitWriter", "fruit": f"{__name__}:FruitWriter"}

    @hookimpl
    def starhaul_transformers(self) -> Mapping[str, str]:
        return {"dx_cut": f"{__name__}:Cut"}


@pytest.fixture(scope="session")
def registry() -> Registry:
    """A registry that knows the plugins above."""
    registry = Registry()
    registry.register(Fruit(), "fruit")
    return registry


@pytest.fixture
def load(registry: Registry, tmp_path: Path) -> Callable[..., Job]:
    """Load a job from a mapping or from a text, which becomes a file of the given name; no environment."""

    def load(source: str | Mapping[str, Any], file: str = "job.yaml", **options: Any) -> Job:
        options = {"environment": {}, **options}
        if isinstance(source, Mapping):
            return load_job(source, registry, **options)
        path = tmp_path / file
        path.write_text(source, encoding="utf-8")
        return load_job(path, registry, **options)

    return load
