"""The readers that come with Starhaul. Their names; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from starhaul import hookimpl


@hookimpl
def starhaul_readers() -> Mapping[str, str]:
    """DataX's names are canonical; the short ones are aliases."""
    return {
        "streamreader": "starhaul_readers.stream:StreamReader",
        "stream": "starhaul_readers.stream:StreamReader",
        "txtfilereader": "starhaul_readers.txtfile:TxtFileReader",
        "txtfile": "starhaul_readers.txtfile:TxtFileReader",
        "csv": "starhaul_readers.txtfile:TxtFileReader",
        "hivereader": "starhaul_readers.hive:HiveReader",
        "hive": "starhaul_readers.hive:HiveReader",
        "hdfsreader": "starhaul_readers.hdfs:HdfsReader",
        "hdfs": "starhaul_readers.hdfs:HdfsReader",
        "sqlitereader": "starhaul_readers.sqlite:SqliteReader",
        "sqlite": "starhaul_readers.sqlite:SqliteReader",
        "postgresqlreader": "starhaul_readers.postgresql:PostgresqlReader",
        "postgresql": "starhaul_readers.postgresql:PostgresqlReader",
        "postgres": "starhaul_readers.postgresql:PostgresqlReader",
        "pg": "starhaul_readers.postgresql:PostgresqlReader",
        "greenplum": "starhaul_readers.postgresql:PostgresqlReader",
        "mysqlreader": "starhaul_readers.mysql:MysqlReader",
        "mysql": "starhaul_readers.mysql:MysqlReader",
        "mariadb": "starhaul_readers.mysql:MysqlReader",
        "tidb": "starhaul_readers.mysql:MysqlReader",
        "rdbmsreader": "starhaul_readers.rdbms:RdbmsReader",
        "rdbms": "starhaul_readers.rdbms:RdbmsReader",
        "oraclereader": "starhaul_readers.oracle:OracleReader",
        "oracle": "starhaul_readers.oracle:OracleReader",
        "sqlserverreader": "starhaul_readers.sqlserver:SqlServerReader",
        "sqlserver": "starhaul_readers.sqlserver:SqlServerReader",
        "mssql": "starhaul_readers.sqlserver:SqlServerReader",
        "oceanbasev10reader": "starhaul_readers.oceanbase:OceanbaseV10Reader",
        "oceanbasev10": "starhaul_readers.oceanbase:OceanbaseV10Reader",
        "oceanbase": "starhaul_readers.oceanbase:OceanbaseV10Reader",
        "ftpreader": "starhaul_readers.ftp:FtpReader",
        "ftp": "starhaul_readers.ftp:FtpReader",
        "sftp": "starhaul_readers.ftp:FtpReader",
        "s3reader": "starhaul_readers.s3:S3Reader",
        "s3": "starhaul_readers.s3:S3Reader",
        "minio": "starhaul_readers.s3:S3Reader",
        "ossreader": "starhaul_readers.s3:OssReader",
        "oss": "starhaul_readers.s3:OssReader",
        "drdsreader": "starhaul_readers.drds:DrdsReader",
        "drds": "starhaul_readers.drds:DrdsReader",
        "gaussdbreader": "starhaul_readers.gaussdb:GaussDbReader",
        "gaussdb": "starhaul_readers.gaussdb:GaussDbReader",
        "opengauss": "starhaul_readers.gaussdb:GaussDbReader",
        "kingbaseesreader": "starhaul_readers.kingbasees:KingbaseEsReader",
        "kingbasees": "starhaul_readers.kingbasees:KingbaseEsReader",
        "kingbase": "starhaul_readers.kingbasees:KingbaseEsReader",
        "hbase11xreader": "starhaul_readers.hbase:Hbase11xReader",
        "hbase11x": "starhaul_readers.hbase:Hbase11xReader",
        "hbase094xreader": "starhaul_readers.hbase:Hbase11xReader",
        "hbase094x": "starhaul_readers.hbase:Hbase11xReader",
        "hbase20xreader": "starhaul_readers.hbase:Hbase11xReader",
        "hbase20x": "starhaul_readers.hbase:Hbase11xReader",
        "hbase": "starhaul_readers.hbase:Hbase11xReader",
    }


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
