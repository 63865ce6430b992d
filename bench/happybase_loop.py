"""What one would write by hand with happybase: `python happybase_loop.py write|read PORT TABLE PARQUET BATCH`.

The column `key` of the Parquet file is the row key, the others are cells of the family `cf`.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import Any

import happybase
import pyarrow as pa
import pyarrow.parquet as parquet

_FORMATS = {pa.int64(): ">q", pa.int32(): ">i", pa.float64(): ">d"}


def write(table: Any, path: str, batch_size: int) -> None:
    """The file into the table."""
    with parquet.ParquetFile(path) as file, table.batch(batch_size=batch_size) as batch:
        cells = [field for field in file.schema_arrow if field.name != "key"]
        packs: list[tuple[bytes, Callable[[Any], bytes]]] = [
            (f"cf:{f.name}".encode(), struct.Struct(_FORMATS[f.type]).pack if f.type in _FORMATS else str.encode)
            for f in cells
        ]
        for chunk in file.iter_batches(4096):
            for key, *values in zip(*(column.to_pylist() for column in chunk.columns), strict=True):
                batch.put(key.encode(), {name: pack(value) for (name, pack), value in zip(packs, values, strict=True)})


def read(table: Any, path: str, batch_size: int) -> None:
    """The table as rows of Python values."""
    kinds = [field for field in parquet.read_schema(path) if field.name != "key"]
    unpacks: list[tuple[bytes, Callable[[bytes], Any]]] = [
        (f"cf:{f.name}".encode(), struct.Struct(_FORMATS[f.type]).unpack if f.type in _FORMATS else bytes.decode)
        for f in kinds
    ]
    rows = 0
    for key, cells in table.scan(batch_size=batch_size):
        row = [key.decode(), *(unpack(cells[name]) for name, unpack in unpacks)]
        rows += len(row) > 1
    print(rows)


def main(what: str, port: str, table: str, path: str, batch_size: str) -> None:
    """One of the two."""
    connection = happybase.Connection("127.0.0.1", int(port), timeout=600_000)
    {"write": write, "read": read}[what](connection.table(table), path, int(batch_size))
    connection.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
