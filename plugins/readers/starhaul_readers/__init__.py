"""The readers that come with Starhaul. Their names; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from starhaul import hookimpl

_PLUGINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stream:StreamReader": ("streamreader", "stream"),
        "txtfile:TxtFileReader": ("txtfilereader", "txtfile", "csv"),
        "hive:HiveReader": ("hivereader", "hive"),
        "hdfs:HdfsReader": ("hdfsreader", "hdfs"),
        "sqlite:SqliteReader": ("sqlitereader", "sqlite"),
        "postgresql:PostgresqlReader": ("postgresqlreader", "postgresql", "postgres", "pg", "greenplum"),
        "mysql:MysqlReader": ("mysqlreader", "mysql", "mariadb", "tidb"),
        "rdbms:RdbmsReader": ("rdbmsreader", "rdbms"),
        "oracle:OracleReader": ("oraclereader", "oracle"),
        "sqlserver:SqlServerReader": ("sqlserverreader", "sqlserver", "mssql"),
        "oceanbase:OceanbaseV10Reader": ("oceanbasev10reader", "oceanbasev10", "oceanbase"),
        "ftp:FtpReader": ("ftpreader", "ftp", "sftp"),
        "s3:S3Reader": ("s3reader", "s3", "minio"),
        "s3:OssReader": ("ossreader", "oss"),
        "drds:DrdsReader": ("drdsreader", "drds"),
        "gaussdb:GaussDbReader": ("gaussdbreader", "gaussdb", "opengauss"),
        "kingbasees:KingbaseEsReader": ("kingbaseesreader", "kingbasees", "kingbase"),
        "hbase:Hbase11xReader": (
            "hbase11xreader",
            "hbase11x",
            "hbase094xreader",
            "hbase094x",
            "hbase20xreader",
            "hbase20x",
            "hbase",
        ),
    }
)
"""Module and class → the plugin's names, DataX's first."""


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    """DataX's names are canonical; the short ones are aliases."""
    return {name: f"starhaul_readers.{place}" for place, names in _PLUGINS.items() for name in names}


@hookimpl
def starhaul_reader_urls() -> Mapping[str, str]:
    """Kinds of URLs → names."""
    return {
        **dict.fromkeys(
            (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.bz2", ".tsv.bz2", ".csv.zst", ".tsv.zst"), "txtfilereader"
        ),
        **dict.fromkeys(("sqlite", ".sqlite", ".sqlite3", ".db"), "sqlitereader"),
        **dict.fromkeys(("postgresql", "postgres"), "postgresqlreader"),
        **dict.fromkeys(("mysql", "mariadb", "tidb"), "mysqlreader"),
        "oceanbase": "oceanbasev10reader",
        "oracle": "oraclereader",
        **dict.fromkeys(("mssql", "sqlserver"), "sqlserverreader"),
        **dict.fromkeys(
            ("db2", "dm", "duckdb", "firebird", "hana", "redshift", "snowflake", "teradatasql", "trino", "vertica"),
            "rdbmsreader",
        ),
    }


@hookimpl
def starhaul_advice(kind: str, name: str, parameters: Mapping[str, Any], known: Collection[str]) -> str | None:
    """On the plugins of DataX that Starhaul has not, writers and transformers as well."""
    from starhaul_stores.datax_plugins import advise

    return advise(kind, name, parameters, known)
