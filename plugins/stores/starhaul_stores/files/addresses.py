"""Files of delimited text in one line: `orders.csv`, `file:///data/orders.csv.gz`, `orders.csv?delimiter=;`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from starhaul import Address, ConfigError, ReadRequest, WriteRequest
from starhaul_stores.files.inference import chosen
from starhaul_stores.relational.names import suggestion

ENDINGS = tuple(f".{kind}{packed}" for kind in ("csv", "tsv") for packed in ("", ".gz", ".bz2", ".zst"))
"""How the names of files end that are delimited text."""

_OPTIONS = re.compile(r"\?(?=(delimiter|header|encoding|null)=)")
_PACKED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_WILD = re.compile(r"[*?]")


def file_address(url: str) -> Address:
    """Take a file's URL apart. Its path becomes absolute, so that a run can be resumed from anywhere. Options are
    `delimiter`, `header` (`true` or `false`), `encoding`, and `null` (the text that stands for no value)."""
    if url.startswith("#"):
        raise ConfigError("", "a file holds one table", "leave out what follows the '#'")
    found = _OPTIONS.search(url)
    text, options = (url[: found.start()], url[found.end() :]) if found else (url, "")
    path = unquote(text.removeprefix("file:").removeprefix("//")) if text.lower().startswith("file:") else text
    told = dict(parse_qsl(options, keep_blank_values=True, strict_parsing=bool(options)))
    unknown = sorted(told.keys() - {"delimiter", "header", "encoding", "null"})
    if unknown or told.get("header", "true") not in ("true", "false"):
        raise ConfigError("", f"wrong option {(unknown or ['header'])[0]!r} of a file", "known are delimiter=…, "
                          "header=true or false, encoding=…, null=…")  # fmt: skip
    name = Path(path).name
    ending = max((each for each in ENDINGS if name.lower().endswith(each)), key=len, default="")
    parameters: dict[str, Any] = {"path": str(Path(path).absolute()), "fileFormat": "csv"}
    if ".tsv" in ending or "delimiter" in told:
        parameters["fieldDelimiter"] = told.get("delimiter", "\t")
    if "encoding" in told:
        parameters["encoding"] = told["encoding"]
    parameters["header"] = told.get("header", "true") == "true"
    parameters["null"] = told.get("null", "")
    stem = name[: len(name) - len(ending)] if ending else name
    return Address(parameters, () if _WILD.search(path) else (stem,))


def to_read(address: Address, request: ReadRequest, look: Callable[[Mapping[str, Any]], dict[str, str]]) -> Address:
    """The address completed for a reader of delimited text. `look` gives the columns that parameters read, each with
    the type that its first values have."""
    for option, value in (("--where", request.where), ("--query", request.query)):
        if value:
            raise ConfigError(option, "a file answers no queries", "copy it into a database first")
    told = dict(address.parameters)
    header, null = told.pop("header"), told.pop("null")
    told |= {"emptyAsNull": True} if null == "" else {"nullFormat": null}
    told["skipHeader"] = header
    found = look({**told, "column": ["*"]})
    types = chosen(found, [*found], request.types)
    for name in request.columns:
        if name not in found:
            raise ConfigError("--columns", f"there is no column {name!r}", suggestion(name, found))
    names = [*found]
    told["column"] = [
        {"index": names.index(name), "name": name, "type": types[name], **({} if name in request.types else _EXACT)}
        for name in request.columns or names
    ]
    guessed = [f"{name} {types[name]}" for name in request.columns or names if name not in request.types]
    more = f" and {len(guessed) - _TOLD} more" if len(guessed) > _TOLD else ""
    remark = (
        (f"{Path(told['path']).name}: the first values tell {', '.join(guessed[:_TOLD])}{more}",) if guessed else ()
    )
    return replace(address, parameters=told, remarks=remark)


_EXACT = {"exact": True}
_TOLD = 30
"""So many guesses are told at most: a file may have thousands of columns."""


def to_write(address: Address, request: WriteRequest) -> Address:
    """The address completed for a writer of delimited text: one file, in mode `insert` a new one."""
    modes = {"": "nonConflict", "insert": "nonConflict", "overwrite": "truncate"}
    if request.mode not in modes:
        raise ConfigError("--mode", f"a file has no mode {request.mode}", "insert (a new file) or overwrite")
    if request.keys:
        raise ConfigError("--keys", "a file has no keys")
    told = dict(address.parameters)
    header, null = told.pop("header"), told.pop("null")
    path = Path(told.pop("path"))
    name = address.name[-1] if address.name else ""
    ending = max((each for each in ENDINGS if path.name.lower().endswith(each)), key=len, default="")
    if not name or _WILD.search(path.parent.as_posix()):
        raise ConfigError("target", "names no file", "write PATH/NAME.csv, or PATH/*.csv for several")
    told |= {"path": str(path.parent), "fileName": name, "writeMode": modes[request.mode], "singleFile": True}
    packed = next((each for each in _PACKED if ending.endswith(each)), "")
    told["suffix"] = path.name[len(path.name) - len(ending) :] if ending else ""
    if packed:
        told["compress"] = _PACKED[packed]
    return replace(address, parameters={**told, "header": header, "nullFormat": null})
