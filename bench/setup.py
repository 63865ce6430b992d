"""Where the cases find their programs, and the data, which is made on first use."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from bench.servers import Servers

LINEITEM_ROWS_PER_SCALE = 6_001_215
"""Rows of TPC-H's lineitem at scale factor 1; other factors vary by some rows in a thousand."""

LINEITEM_COLUMNS = [
    *({"name": name, "type": "int64"} for name in ("l_orderkey", "l_partkey", "l_suppkey")),
    {"name": "l_linenumber", "type": "int32"},
    *({"name": name, "type": "decimal(15,2)"} for name in ("l_quantity", "l_extendedprice", "l_discount", "l_tax")),
    *({"name": name} for name in ("l_returnflag", "l_linestatus")),
    *({"name": name, "type": "date32"} for name in ("l_shipdate", "l_commitdate", "l_receiptdate")),
    *({"name": name} for name in ("l_shipinstruct", "l_shipmode", "l_comment")),
]


_TO_PARQUET = """
import sys, pyarrow as pa, pyarrow.csv as csv, pyarrow.parquet as parquet
decimals = dict.fromkeys(["l_quantity", "l_extendedprice", "l_discount", "l_tax"], pa.decimal128(15, 2))
table = csv.read_csv(sys.argv[1], convert_options=csv.ConvertOptions(column_types=decimals))
parquet.write_table(table, sys.argv[2], row_group_size=250_000)
"""


@dataclass(frozen=True)
class Setup:
    """A folder to work in, and how much to do: `scale` multiplies the number of rows."""

    folder: Path
    scale: float
    servers: Servers = field(default_factory=Servers)

    def rows(self, full: int) -> int:
        """So many rows at this scale."""
        return max(1, int(full * self.scale))

    def python(self, *arguments: str) -> list[str]:
        """A command of the interpreter that runs this."""
        return [sys.executable, *arguments]

    def starhaul(self, *arguments: str) -> list[str]:
        """A command of Starhaul as users start it."""
        return [str(Path(sys.executable).with_name("starhaul")), *arguments]

    def run(self, name: str, job: Mapping[str, Any]) -> list[str]:
        """The command that runs a job, with a state directory of its own."""
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(job, indent=2))
        return self.starhaul("run", str(path), "--state", str(self.folder / "state"), "--progress", "none")

    def lineitem(self, rows: int) -> Path:
        """The first rows of TPC-H's lineitem as CSV with a header; the same bytes each time."""
        path = self.folder / f"lineitem-{rows}.csv"
        if not path.exists():
            print(f"making {path.name}", file=sys.stderr)
            factor = rows / LINEITEM_ROWS_PER_SCALE * 1.02 + 0.001
            command = [
                str(Path(sys.executable).with_name("tpchgen-cli")), "csv", "--scale-factor", f"{factor:.4f}",
                "--tables", "lineitem", "--output-dir", str(self.folder), "--overwrite",
            ]  # fmt: skip
            subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
            whole, partial = self.folder / "lineitem.csv", path.with_suffix(".partial")
            with whole.open("rb") as lines, partial.open("wb") as out:
                out.writelines(islice(lines, rows + 1))
            whole.unlink()
            partial.rename(path)
        return path

    def environment(self, name: str, packages: Sequence[str]) -> Path:
        """A Python environment with these packages, made on first use."""
        path = self.folder / f"environment-{name}"
        if not (path / "ready").exists():
            print(f"installing {name}", file=sys.stderr)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(path)], check=True)
            subprocess.run([str(path / "bin/pip"), "install", "--quiet", *packages], check=True)
            (path / "ready").touch()
        return path

    def lineitem_parquet(self, rows: int) -> Path:
        """The same rows as Parquet, in row groups of a quarter of a million, with decimals and dates."""
        path = self.folder / f"lineitem-{rows}.parquet"
        if not path.exists():
            partial = path.with_suffix(".partial")
            subprocess.run(self.python("-c", _TO_PARQUET, str(self.lineitem(rows)), str(partial)), check=True)
            partial.rename(path)
        return path

    def removed(self, name: str) -> Path:
        """A file or folder of this name, which is not there."""
        path = self.folder / name
        for each in (path, *path.parent.glob(f"{name}-*")):
            if each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)
        return path
