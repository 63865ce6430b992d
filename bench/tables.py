"""The generated block of `docs/benchmarks.md`."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_BLOCK = re.compile(r"(<!-- begin generated: benchmarks -->\n).*?(<!-- end generated: benchmarks -->)", re.DOTALL)
ORDER = (
    *("one_record", "help", "stream"),
    *("csv_sqlite", "csv_csv", "csv_csv_typed"),
    *("memory_csv_csv", "memory_csv_sqlite", "memory_csv_postgresql", "memory_postgresql_csv"),
    *("csv_postgresql", "postgresql_csv", "postgresql_postgresql", "upsert_postgresql", "channels_csv_postgresql"),
    *("csv_mysql", "mysql_csv", "channels_csv_mysql"),
    *("mysql_postgresql", "mysql_postgresql_overwrite", "postgresql_mysql", "many_tables"),
    *("sling_mysql_postgresql", "dlt_mysql_postgresql"),
    *("parquet_csv", "hdfs_bytes", "csv_hdfs", "csv_hdfs_curl", "hdfs_postgresql"),
    *("postgresql_hdfs_parquet", "postgresql_hdfs_orc", "s3_up", "s3_down", "csv_s3", "s3_csv"),
    *("hbase_write", "channels_hbase_write", "hbase_read", "channels_hbase_read"),
)


def write_page(page: Path, results: Sequence[Path]) -> None:
    """Renew the block from the kept results."""
    kept = {path.stem: json.loads(path.read_text()) for path in results}
    ordered = [kept[name] for name in sorted(kept, key=lambda name: (ORDER.index(name) if name in ORDER else 99, name))]
    text = page.read_text(encoding="utf-8")
    page.write_text(_BLOCK.sub(lambda match: f"{match[1]}\n{block(ordered)}\n{match[2]}", text), encoding="utf-8")


def block(results: Sequence[dict[str, Any]]) -> str:
    """The tables: figures, then the machines that they were taken on."""
    lines = ["| what | Starhaul | compared with | | ratio | must be |", "|---|---|---|---|---|---|"]
    lines += [_row(result) for result in results]
    machines: dict[str, list[str]] = {}
    for result in results:
        told = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
        machines.setdefault(told, []).append(result["name"])
    lines += ["", *(f"{', '.join(names)}: {told}." for told, names in machines.items()), ""]
    return "\n".join(lines)


def _row(result: dict[str, Any]) -> str:
    ours, theirs = result["ours"], result["theirs"]
    limit = "at least" if result["figure"] == "speed" else "at most"
    mark = "" if not result["failures"] else " **missed**"
    bound = "for the record" if result["bound"] is None else f"{limit} {result['bound']:g}{mark}"
    cells = [
        result["what"],
        _figures(ours, result["rows"]),
        theirs["label"],
        _figures(theirs, None),
        f"{result['ratio']:.2f}",
        bound,
    ]
    return f"| {' | '.join(cells)} |"


def _figures(side: dict[str, Any], rows: int | None) -> str:
    seconds, peak = statistics.median(side["seconds"]), statistics.median(side["peak_bytes"])
    told = f"{seconds:.2f} s, {peak / 1e6:.0f} MB"
    if any(side.get("server_cpu_seconds", ())):
        spent = " + ".join(f"{statistics.median(side[name]):.1f}" for name in ("cpu_seconds", "server_cpu_seconds"))
        told += f", CPU {spent} s"
    return told + (f", {rows / seconds / 1e6:.2f} M rows/s" if rows else "")
