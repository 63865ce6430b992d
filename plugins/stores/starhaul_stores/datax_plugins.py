"""The plugins of DataX by name, and what to do where Starhaul has none of that name.

Looked at only when a job names a plugin that is not there. Inventory: DataX at commit 60ea07b7 (2025-07).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

_EXPORT = "export to CSV with the store's own tool, and read that with txtfilereader"
_LOAD = "write CSV with txtfilewriter, and load that with the store's own tool"
_BULK = "write CSV with txtfilewriter, and send the files to the store's HTTP bulk load (stream load)"


@dataclass(frozen=True, slots=True)
class Instead:
    """What does the work of a plugin that is not there."""

    plugins: tuple[str, ...] = ()
    """The plugins that can do it, best first."""
    because: str = ""
    """Why they can."""
    otherwise: str = ""
    """What to do where none of them is installed either."""


def _reader(*plugins: str, because: str = "", otherwise: str = _EXPORT) -> Instead:
    return Instead(plugins, because, otherwise)


def _writer(*plugins: str, because: str = "", otherwise: str = _LOAD) -> Instead:
    return Instead(plugins, because, otherwise)


_MYSQL = "it speaks MySQL's protocol"
_POSTGRESQL = "it speaks PostgreSQL's protocol"
_DRIVER = "with a driver of the database"
_FILES = "copy the files here first, or mount the folder, and read them with txtfilereader"
_TO_FILES = "write the files with txtfilewriter, and copy them there afterwards"
_PHOENIX = (
    "the package phoenixdb is a driver of Phoenix' query server with a SQLAlchemy dialect (url: phoenix://host:8765); "
    "it was not run here"
)
_BELOW_PHOENIX = (
    "not through Phoenix, but into the HBase table below it, which Phoenix reads if its columns are VARCHAR or "
    "UNSIGNED_… (others have bytes of their own), COLUMN_ENCODED_BYTES is 0, the key is not salted, there are no "
    "indexes, and each row has a cell FAMILY:_0 too; it was not run here. Otherwise write CSV with txtfilewriter, and "
    "load that with Phoenix' psql.py"
)
_FROM_PHOENIX = "export to CSV with Phoenix' sqlline, and read that with txtfilereader"
_TO_PHOENIX = "write CSV with txtfilewriter, and load that with Phoenix' psql.py"

READERS: Mapping[str, Instead] = MappingProxyType(
    {
        "cassandrareader": _reader(),
        "clickhousereader": _reader("rdbmsreader", because=_DRIVER),
        "datahubreader": _reader(),
        "dorisreader": _reader("mysqlreader", "rdbmsreader", because=_MYSQL),
        "drdsreader": _reader("mysqlreader", "rdbmsreader", because=_MYSQL),
        "ftpreader": _reader("sftpreader", otherwise=_FILES),
        "gaussdbreader": _reader("postgresqlreader", "rdbmsreader", because=_POSTGRESQL),
        "gdbreader": _reader(),
        "hbase094xreader": _reader("hbase20xreader", "hbase11xreader"),
        "hbase11xreader": _reader("hbase20xreader"),
        "hbase11xsqlreader": _reader("rdbmsreader", because=_PHOENIX, otherwise=_FROM_PHOENIX),
        "hbase20xsqlreader": _reader("rdbmsreader", because=_PHOENIX, otherwise=_FROM_PHOENIX),
        "hdfsreader": _reader(),
        "kingbaseesreader": _reader("postgresqlreader", "rdbmsreader", because=_POSTGRESQL),
        "loghubreader": _reader(),
        "mongodbreader": _reader(),
        "mysqlreader": _reader("rdbmsreader", because=_DRIVER),
        "obhbasereader": _reader("oceanbasev10reader", "mysqlreader", because="its tables are OceanBase tables, too"),
        "oceanbasev10reader": _reader("mysqlreader", "oraclereader", because="for a tenant of that mode"),
        "odpsreader": _reader("maxcomputereader"),
        "opentsdbreader": _reader(),
        "oraclereader": _reader("rdbmsreader", because=_DRIVER),
        "ossreader": _reader("s3reader", because="OSS has an S3 endpoint", otherwise=_FILES),
        "otsreader": _reader(),
        "otsstreamreader": _reader(),
        "postgresqlreader": _reader("rdbmsreader", because=_DRIVER),
        "rdbmsreader": _reader(),
        "sqlserverreader": _reader("rdbmsreader", because=_DRIVER),
        "starrocksreader": _reader("mysqlreader", "rdbmsreader", because=_MYSQL),
        "streamreader": _reader(),
        "sybasereader": _reader("rdbmsreader", because=_DRIVER),
        "tdenginereader": _reader(),
        "tsdbreader": _reader("opentsdbreader"),
        "txtfilereader": _reader(),
    }
)
"""All 34 readers of DataX."""

WRITERS: Mapping[str, Instead] = MappingProxyType(
    {
        "adbmysqlwriter": _writer("mysqlwriter", "rdbmswriter", because=_MYSQL),
        "adbpgwriter": _writer("postgresqlwriter", "rdbmswriter", because=_POSTGRESQL),
        "adswriter": _writer("mysqlwriter", "rdbmswriter", because=_MYSQL),
        "cassandrawriter": _writer(),
        "clickhousewriter": _writer("rdbmswriter", because=_DRIVER),
        "databendwriter": _writer("mysqlwriter", "rdbmswriter", because=_MYSQL, otherwise=_BULK),
        "datahubwriter": _writer(),
        "doriswriter": _writer("starrockswriter", "mysqlwriter", because=_MYSQL, otherwise=_BULK),
        "drdswriter": _writer("mysqlwriter", "rdbmswriter", because=_MYSQL),
        "elasticsearchwriter": _writer("opensearchwriter", because="its bulk API is the same"),
        "ftpwriter": _writer("sftpwriter", otherwise=_TO_FILES),
        "gaussdbwriter": _writer("postgresqlwriter", "rdbmswriter", because=_POSTGRESQL),
        "gdbwriter": _writer(),
        "hbase094xwriter": _writer("hbase20xwriter", "hbase11xwriter"),
        "hbase11xsqlwriter": _writer("hbase11xwriter", because=_BELOW_PHOENIX, otherwise=_TO_PHOENIX),
        "hbase11xwriter": _writer("hbase20xwriter"),
        "hbase20xsqlwriter": _writer("hbase11xwriter", because=_BELOW_PHOENIX, otherwise=_TO_PHOENIX),
        "hdfswriter": _writer(),
        "hologresjdbcwriter": _writer("postgresqlwriter", "rdbmswriter", because=_POSTGRESQL),
        "kingbaseeswriter": _writer("postgresqlwriter", "rdbmswriter", because=_POSTGRESQL),
        "kuduwriter": _writer("impalawriter"),
        "loghubwriter": _writer(),
        "milvuswriter": _writer(),
        "mongodbwriter": _writer(),
        "mysqlwriter": _writer("rdbmswriter", because=_DRIVER),
        "neo4jwriter": _writer(),
        "obhbasewriter": _writer("oceanbasev10writer", "mysqlwriter", because="its tables are OceanBase tables, too"),
        "oceanbasev10writer": _writer("mysqlwriter", "oraclewriter", because="for a tenant of that mode"),
        "ocswriter": _writer(),
        "odpswriter": _writer("maxcomputewriter"),
        "oraclewriter": _writer("rdbmswriter", because=_DRIVER),
        "oscarwriter": _writer("rdbmswriter", because=_DRIVER),
        "osswriter": _writer("s3writer", because="OSS has an S3 endpoint", otherwise=_TO_FILES),
        "otswriter": _writer(),
        "postgresqlwriter": _writer("rdbmswriter", because=_DRIVER),
        "rdbmswriter": _writer(),
        "selectdbwriter": _writer("doriswriter", "mysqlwriter", because="it is Doris", otherwise=_BULK),
        "sqlserverwriter": _writer("rdbmswriter", because=_DRIVER),
        "starrockswriter": _writer("doriswriter", "mysqlwriter", because=_MYSQL, otherwise=_BULK),
        "streamwriter": _writer(),
        "sybasewriter": _writer("rdbmswriter", because=_DRIVER),
        "tdenginewriter": _writer(),
        "tsdbwriter": _writer("opentsdbwriter"),
        "txtfilewriter": _writer(),
    }
)
"""All 44 writers of DataX."""

SPELLINGS: Mapping[str, str] = MappingProxyType({"otsreader-internal": "otsreader"})
"""Names in DataX's documentation that differ from the plugin's in more than case."""


def advise(kind: str, name: str, parameters: Mapping[str, Any], known: Collection[str]) -> str | None:
    """What to do about a plugin of DataX that is not among the `known` names of its kind; None if DataX has none of
    that name."""
    name = SPELLINGS.get(name.lower(), name.lower())
    if kind == "transformer":
        return _about_groovy(str(parameters.get("code", ""))) if name == "dx_groovy" else None
    instead = (READERS if kind == "reader" else WRITERS).get(name)
    if instead is None:
        return None
    there = [f"'{plugin}'" for plugin in instead.plugins if plugin in known]
    if not there:
        return f"a plugin of DataX that is not here; {instead.otherwise}"
    because = f": {instead.because}" if instead.because else ""
    return f"a plugin of DataX that is not here; use {' or '.join(there)}{because}"


_NO_GROOVY = "Groovy cannot run here"
_SUBSTRING = re.compile(r"\.substring\(\s*(\d+)\s*,\s*(\d+)\s*\)")
_COLUMN = re.compile(r"getColumn\(\s*(\d+)\s*\)")
_ONLY_RETURNS = re.compile(r"\s*(return\s+)?record\s*;?\s*")
_DIGEST = re.compile(r"(md5|sha1)(?:Hex)?\(", re.IGNORECASE)
_DROPS = re.compile(r"return\s+null")


def _about_groovy(code: str) -> str:
    """What does the same as a Groovy script, if it is one of those that many jobs have."""
    column = _COLUMN.search(code)
    index = f'"columnIndex": {column[1]}, ' if column else ""
    substring, digest = _SUBSTRING.search(code), _DIGEST.search(code)
    if _ONLY_RETURNS.fullmatch(code):
        return f"{_NO_GROOVY}; this script changes nothing: leave the transformer out"
    if _DROPS.search(code):
        return f'{_NO_GROOVY}; dx_filter drops rows: {{{index}"paras": ["=", "value"]}}'
    if substring:
        start, end = int(substring[1]), int(substring[2])
        return f'{_NO_GROOVY}; dx_substr does the same: {{{index}"paras": ["{start}", "{end - start}"]}}'
    if digest:
        paras = f'["{digest[1].lower()}", "toLowerCase"]'
        return f'{_NO_GROOVY}; dx_digest does the same: {{{index}"paras": {paras}}}'
    return (
        f"{_NO_GROOVY}; use dx_substr, dx_pad, dx_replace, dx_filter, dx_digest, cast, select or rename, an expression "
        "in the source's query, or a transformer of your own in Python (--plugin FILE.py)"
    )
