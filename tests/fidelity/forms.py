"""SQL by which each store tells its values as texts that can be compared with those of another store.

Nothing of Starhaul is in between: the databases speak for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType

from tests.fidelity.values import Form, Store

_MYSQL: Mapping[Form, str] = MappingProxyType(
    {
        "float": "CAST({0} * 1e0 AS CHAR)",
        "text": "HEX(CONVERT({0} USING utf8mb4))",
        "bytes": "IF(LENGTH({0}) < 999999, HEX({0}), CONCAT(LENGTH({0}), ' bytes, MD5 ', MD5({0})))",
        "bool": "CAST({0} + 0 AS CHAR)",
        "bits": "CAST({0} + 0 AS CHAR)",
        "duration": "CAST(CAST(TRUNCATE(TIME_TO_SEC({0}), 0) * 1000000"  # OceanBase's TIME_TO_SEC counts whole seconds
        " + IF(LEFT({0}, 1) = '-', -1, 1) * MICROSECOND({0}) AS SIGNED) AS CHAR)",
    }
)
_POSTGRESQL: Mapping[Form, str] = MappingProxyType(
    {
        "float": "{0}::float8::text",
        "text": "upper(encode(convert_to(format('%s', {0}), 'UTF8'), 'hex'))",
        "own": "format('%s', {0})",
        "bytes": "CASE WHEN length({0}) < 999999 THEN upper(encode({0}, 'hex')) "
        "ELSE length({0}) || ' bytes, MD5 ' || md5({0}) END",
        "bool": "{0}::int::text",
        "bits": "(lpad({0}::text, 64, '0')::bit(64)::bigint::numeric"
        " + CASE WHEN {0}::text ~ '^1.{{63}}$' THEN 18446744073709551616 ELSE 0 END)::text",
        "duration": "(extract(epoch FROM {0}) * 1000000)::bigint::text",
    }
)
_SQLITE: Mapping[Form, str] = MappingProxyType(
    {
        "float": "{0}",
        "text": "hex(CAST({0} AS TEXT))",
        "bytes": "iif(length({0}) < 999999, hex({0}), length({0}) || ' bytes, MD5 ' || md5({0}))",
    }
)
_TICKS = {"DURATION_S": 1_000_000, "DURATION_MS": 1000, "DURATION_US": 1}


def told(store: Store, form: Form, column: str, kind: str) -> str:
    """The SQL that tells the values of a column of type `kind` (as the store's catalogue spells it)."""
    if form == "digits" and kind.startswith("bit("):
        return f"LPAD(BIN({column} + 0), {kind[4:-1]}, '0')" if store == "mysql" else f"{column}::text"
    if store == "mysql":
        return _MYSQL.get(form, "CAST({0} AS CHAR)").format(column)
    if store == "postgresql":
        if kind == "money":
            return f"{column}::numeric::text"
        return _POSTGRESQL.get(form, "{0}::text").format(column)
    if form == "duration":
        return f"CAST({column} * {_TICKS[kind]} AS TEXT)"
    return _SQLITE.get(form, "CAST({0} AS TEXT)").format(column)


def exactly(store: Store, form: Form, column: str, kind: str) -> str:
    """The same for values of the same type in the same kind of store, where nothing at all may differ."""
    if form == "bytes":
        return told(store, form, column, kind)
    if store == "mysql":
        return f"CONCAT({told(store, form, column, kind)}, ' ', HEX(CAST({column} AS BINARY)))"
    return f"{told(store, form, column, kind)} || ' ' || {column}::text"


def there_is(store: Store, column: str) -> str:
    """The condition that a column is not NULL. To PostgreSQL a row of nothing but NULLs is NULL by `IS NOT NULL`."""
    return f"{column} IS {'DISTINCT FROM' if store == 'postgresql' else 'NOT'} NULL"


def plain(form: Form, text: str) -> str:
    """A text as it stands for its value: stores write the same number and the same moment in more than one way."""
    return _PLAIN.get(form, str)(text)


def _number(text: str) -> str:
    """In plain digits, without zeros that say nothing."""
    if text in ("NaN", "Infinity", "-Infinity"):
        return text
    digits = format(Decimal(text), "f")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return "0" if digits == "-0" else digits


def _moment(text: str) -> str:
    """Without a zone, which is UTC everywhere, and without zeros at the end of a fraction."""
    text = re.sub(r"\+00(:00)?", "", text)
    return re.sub(r"(:\d\d)\.(\d*?)0*(?= |$)", lambda m: f"{m[1]}.{m[2]}" if m[2] else m[1], text)


_PLAIN: Mapping[Form, Callable[[str], str]] = MappingProxyType(
    {"number": _number, "float": lambda text: repr(float(text)), "moment": _moment}
)
