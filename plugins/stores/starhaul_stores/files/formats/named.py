"""Formats by the names that jobs give them."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType

from starhaul import ConfigError
from starhaul_stores.files.formats.input import InputFormat
from starhaul_stores.files.formats.output import OutputFormat
from starhaul_stores.files.read_params import FileReaderParams
from starhaul_stores.files.write_params import FileWriterParams

_HERE = "starhaul_stores.files.formats"

INPUT = MappingProxyType(
    {
        "csv": "delimited_input:DelimitedInput",
        "text": "delimited_input:DelimitedInput",
        "parquet": "parquet_input:ParquetInput",
        "orc": "orc_input:OrcInput",
        "json": "json_input:JsonInput",
        "avro": "avro_input:AvroInput",
        "sql": "sql_input:SqlInput",
        "seq": "sequence_input:SequenceInput",
        "rc": "rc_input:RcInput",
    }
)
OUTPUT = MappingProxyType(
    {
        "csv": "delimited_output:DelimitedOutput",
        "text": "delimited_output:DelimitedOutput",
        "parquet": "parquet_output:ParquetOutput",
        "orc": "orc_output:OrcOutput",
        "json": "json_output:JsonOutput",
        "avro": "avro_output:AvroOutput",
        "sql": "sql_output:SqlOutput",
    }
)
"""Name → module and class. Nothing is imported before a job uses it."""


def input_format(params: FileReaderParams) -> InputFormat:
    """The format that the parameters name, for reading. `ConfigError` if it cannot be read."""
    found: InputFormat = _class(INPUT, params.format_name(), "read")(params)
    return found


def output_format(params: FileWriterParams) -> OutputFormat:
    """The format that the parameters name, for writing. `ConfigError` if it cannot be written."""
    found: OutputFormat = _class(OUTPUT, params.format_name(), "written")(params)
    return found


def _class(formats: MappingProxyType[str, str], name: str, done: str) -> type:
    home = formats.get(name)
    if home is None:
        raise ConfigError("fileFormat", f"{name!r} cannot be {done}", f"{', '.join(sorted(formats))} can")
    module, _, attribute = home.partition(":")
    found: type = getattr(import_module(f"{_HERE}.{module}"), attribute)
    return found
