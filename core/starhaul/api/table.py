"""What a source knows of its table beyond names and types: key, defaults, comments, indexes.

It travels as metadata of the Arrow schema, so that a writer can create a faithful table:

- a field's `nullable` and `native_type` (see `starhaul.api.types`),
- `ColumnFacts` under the key `column_facts` of a field's metadata,
- `TableFacts` under the key `table_facts` of the schema's metadata,

both as JSON. Table facts call columns by their names in the source, and each field's facts keep that name: so they hold
after columns were renamed, reordered or left out. All of it is optional; whoever does not know it lets it pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import pyarrow as pa

from starhaul.api.types import NATIVE_TYPE

COLUMN_FACTS = b"column_facts"
TABLE_FACTS = b"table_facts"


@dataclass(frozen=True, slots=True)
class Default:
    """The value of a column that an INSERT leaves out."""

    native: str
    """The SQL expression, as the source's dialect writes it."""
    literal: str | None = None
    """Its value as text, where it is a constant: what a cast from text to the field's type takes (`0`, `12.50`, `true`,
    `2026-01-31`). NULL is no default at all."""
    now: bool = False
    """Whether it is the time of the INSERT: the current timestamp, date or time, as the field's type says."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What the source knows of a column."""

    name: str
    """Its name in the source, whatever the field is called by now."""
    dialect: str = ""
    """Whose SQL the native parts and `native_type` are (`postgresql`); stores with the same dialect share them."""
    type: str = ""
    """The source's own name of its type: what the reader gives as `native_type`, which a writer replaces by its own."""
    default: Default | None = None
    comment: str = ""
    identity: Literal["", "always", "default"] = ""
    """Whether the store numbers the rows: `always`, or by `default` where no number is given (AUTO_INCREMENT)."""
    generated: str = ""
    """The expression of a column that is computed from others, in the dialect."""
    collation: str = ""
    """The collation of its texts, as the dialect writes it, if it is not the table's own."""


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """A primary key, unique key or index of the source."""

    columns: tuple[str, ...]
    """The source's names of its columns, in order. Empty if it is on expressions."""
    name: str = ""
    unique: bool = False
    native: str = ""
    """Its definition in the dialect, without its name and the table's."""
    plain: bool = True
    """Whether `columns` and `unique` tell all that matters: no expression, no condition, no prefix, no special kind."""


@dataclass(frozen=True, slots=True)
class TableFacts:
    """What the source knows of a table."""

    dialect: str
    columns: tuple[str, ...]
    """The source's names of all fields of the reader's schema, in order."""
    key: IndexFacts | None = None
    """The primary key."""
    indexes: tuple[IndexFacts, ...] = ()
    comment: str = ""
    native: str = ""
    """What follows the table's name in the CREATE TABLE of the dialect that makes exactly these columns; empty if there
    is no such text, for example because the reader reads some of the columns only."""
    constraints: tuple[str, ...] = ()
    """Other constraints, in the dialect (`CHECK (price > 0)`), and whatever else only `native` can say."""
    left_out: tuple[str, ...] = ()
    """What the source's table has and no copy gets, in words (`foreign key orders_customer_fkey`)."""

    def whole(self, schema: pa.Schema) -> bool:
        """Whether a schema has exactly the fields that the reader gave it, under their own names: only then `native`
        means the same."""
        return tuple(schema.names) == self.columns == tuple(source_names(schema))


def column_facts(field: pa.Field) -> ColumnFacts | None:
    """The facts of a field, if its reader gave any. Raises `ValueError` if they are malformed."""
    value = _load(field.metadata, COLUMN_FACTS)
    if value is None:
        return None
    if isinstance(value.get("default"), dict):
        value["default"] = _make(Default, value["default"])
    return _make(ColumnFacts, value)


def with_column_facts(field: pa.Field, facts: ColumnFacts) -> pa.Field:
    """The field with these facts; other metadata stays."""
    return field.with_metadata({**(field.metadata or {}), COLUMN_FACTS: _dump(facts)})


def table_facts(schema: pa.Schema) -> TableFacts | None:
    """The facts of a schema, if its reader gave any. Raises `ValueError` if they are malformed."""
    value = _load(schema.metadata, TABLE_FACTS)
    if value is None:
        return None
    if isinstance(value.get("key"), dict):
        value["key"] = _make(IndexFacts, value["key"])
    value["indexes"] = tuple(_make(IndexFacts, each) for each in value.get("indexes", ()))
    return _make(TableFacts, value)


def with_table_facts(schema: pa.Schema, facts: TableFacts) -> pa.Schema:
    """The schema with these facts; other metadata stays."""
    return schema.with_metadata({**(schema.metadata or {}), TABLE_FACTS: _dump(facts)})


def source_names(schema: pa.Schema) -> list[str]:
    """What the source calls each field."""
    return [facts.name if (facts := column_facts(field)) else field.name for field in schema]


def renamed_columns(columns: Iterable[str], source: pa.Schema, names: Sequence[str]) -> list[str] | None:
    """The new names of columns that table facts call by the source's, where `names` are the new names of the fields of
    `source`; None if one of them is not there any more."""
    known = dict(zip(reversed(source_names(source)), reversed(names), strict=True))
    found = [known.get(column) for column in columns]
    return [name for name in found if name is not None] if None not in found else None


def retyped(field: pa.Field, kind: pa.DataType) -> pa.Field:
    """The field with another type, as a transformer gives it. What was true of the old type alone is left behind: the
    native type, the default, the collation; numbering and computing, too."""
    metadata = {key: value for key, value in (field.metadata or {}).items() if key not in (NATIVE_TYPE, COLUMN_FACTS)}
    changed = pa.field(field.name, kind, field.nullable, metadata or None)
    facts = column_facts(field)
    return with_column_facts(changed, ColumnFacts(facts.name, comment=facts.comment)) if facts else changed


def _dump(facts: ColumnFacts | TableFacts) -> bytes:
    told = {key: value for key, value in asdict(facts).items() if value not in ("", None, (), [])}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _load(metadata: Mapping[bytes, bytes] | None, key: bytes) -> dict[str, Any] | None:
    text = (metadata or {}).get(key)
    if text is None:
        return None
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{key.decode()} is no JSON object")
    return value


def _make(kind: type[Any], value: Any) -> Any:
    """An instance out of JSON. A key that a later version may have added is passed over; what is there has its type."""
    if not isinstance(value, dict):
        raise ValueError(f"{kind.__name__} is no JSON object")
    known = {field.name: field for field in fields(kind)}
    told = {key: tuple(each) if isinstance(each, list) else each for key, each in value.items() if key in known}
    for name, each in told.items():
        wanted = _KINDS[str(known[name].type).partition("[")[0].partition(" ")[0]]
        if each is not None and not isinstance(each, wanted):
            raise ValueError(f"{kind.__name__}.{name} is {each!r}")
    try:
        return kind(**told)
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}") from error


_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "str": str, "bool": bool, "tuple": tuple, "Literal": str, "Default": Default, "IndexFacts": IndexFacts,
}  # fmt: skip
