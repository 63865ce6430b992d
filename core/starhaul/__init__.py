"""Starhaul moves data in batches between any two stores, exactly.

Every name here is public; everything else is not. Names are imported on first use, so that `import starhaul` and
`starhaul --help` stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starhaul.api.address import Address, Creation, Found, ReadRequest, WriteRequest
    from starhaul.api.capability import Capability
    from starhaul.api.encoding import Block
    from starhaul.api.errors import (
        Cancelled,
        ConfigError,
        PermanentError,
        PluginError,
        Problem,
        RejectLimitExceeded,
        StarhaulError,
        TasksLost,
        TransientError,
    )
    from starhaul.api.events import (
        Event,
        RunFinished,
        RunStarted,
        StreamCommitted,
        TaskFailed,
        TaskFinished,
    )
    from starhaul.api.formats import Formats
    from starhaul.api.hookspecs import hookimpl, hookspec
    from starhaul.api.lending import Lendable, lent
    from starhaul.api.params import Params
    from starhaul.api.reader import Reader
    from starhaul.api.rows import Row, RowReader, RowWriter, reject_row
    from starhaul.api.table import (
        ColumnFacts,
        Default,
        IndexFacts,
        TableFacts,
        column_facts,
        renamed_columns,
        retyped,
        source_names,
        table_facts,
        with_column_facts,
        with_table_facts,
    )
    from starhaul.api.task import Receipt, Split, Task, reject_rows
    from starhaul.api.transformer import Transformer
    from starhaul.api.types import (
        EmptyAsNull,
        native_type,
        parse_type,
        with_empty_as_null,
        with_native_type,
        with_text_pattern,
    )
    from starhaul.api.writer import Writer
    from starhaul.convert.cast import Cast, cast
    from starhaul.convert.checked import checked_text, legible
    from starhaul.engine.library import replay, resume, run
    from starhaul.report.report import Report

_HOME = {
    "Block": "api.encoding",
    "Address": "api.address",
    "Found": "api.address",
    "ReadRequest": "api.address",
    "WriteRequest": "api.address",
    "Creation": "api.address",
    "ColumnFacts": "api.table",
    "Default": "api.table",
    "IndexFacts": "api.table",
    "TableFacts": "api.table",
    "column_facts": "api.table",
    "renamed_columns": "api.table",
    "retyped": "api.table",
    "source_names": "api.table",
    "table_facts": "api.table",
    "with_column_facts": "api.table",
    "with_table_facts": "api.table",
    "Capability": "api.capability",
    "Cancelled": "api.errors",
    "ConfigError": "api.errors",
    "PermanentError": "api.errors",
    "PluginError": "api.errors",
    "Problem": "api.errors",
    "RejectLimitExceeded": "api.errors",
    "StarhaulError": "api.errors",
    "TasksLost": "api.errors",
    "TransientError": "api.errors",
    "Event": "api.events",
    "RunFinished": "api.events",
    "RunStarted": "api.events",
    "StreamCommitted": "api.events",
    "TaskFailed": "api.events",
    "TaskFinished": "api.events",
    "hookimpl": "api.hookspecs",
    "hookspec": "api.hookspecs",
    "Lendable": "api.lending",
    "lent": "api.lending",
    "Params": "api.params",
    "Reader": "api.reader",
    "Row": "api.rows",
    "RowReader": "api.rows",
    "RowWriter": "api.rows",
    "reject_row": "api.rows",
    "Receipt": "api.task",
    "Split": "api.task",
    "Task": "api.task",
    "reject_rows": "api.task",
    "Transformer": "api.transformer",
    "EmptyAsNull": "api.types",
    "native_type": "api.types",
    "parse_type": "api.types",
    "with_empty_as_null": "api.types",
    "with_native_type": "api.types",
    "with_text_pattern": "api.types",
    "Writer": "api.writer",
    "Cast": "convert.cast",
    "Formats": "api.formats",
    "cast": "convert.cast",
    "checked_text": "convert.checked",
    "legible": "convert.checked",
    "replay": "engine.library",
    "resume": "engine.library",
    "run": "engine.library",
    "Report": "report.report",
}

__version__ = "0.1.0"

__all__ = [
    "Address",
    "Block",
    "Cancelled",
    "Capability",
    "Cast",
    "ColumnFacts",
    "ConfigError",
    "Creation",
    "Default",
    "EmptyAsNull",
    "Event",
    "Formats",
    "Found",
    "IndexFacts",
    "Lendable",
    "Params",
    "PermanentError",
    "PluginError",
    "Problem",
    "ReadRequest",
    "Reader",
    "Receipt",
    "RejectLimitExceeded",
    "Report",
    "Row",
    "RowReader",
    "RowWriter",
    "RunFinished",
    "RunStarted",
    "Split",
    "StarhaulError",
    "StreamCommitted",
    "TableFacts",
    "Task",
    "TaskFailed",
    "TaskFinished",
    "TasksLost",
    "Transformer",
    "TransientError",
    "WriteRequest",
    "Writer",
    "cast",
    "checked_text",
    "column_facts",
    "hookimpl",
    "hookspec",
    "legible",
    "lent",
    "native_type",
    "parse_type",
    "reject_row",
    "reject_rows",
    "renamed_columns",
    "replay",
    "resume",
    "retyped",
    "run",
    "source_names",
    "table_facts",
    "with_column_facts",
    "with_empty_as_null",
    "with_native_type",
    "with_table_facts",
    "with_text_pattern",
]


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'starhaul' has no attribute {name!r}")
    value = getattr(import_module(f"starhaul.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
