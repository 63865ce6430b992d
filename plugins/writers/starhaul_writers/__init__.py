"""The writers that come with Starhaul. Their names; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starhaul import hookimpl

_PLUGINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "stream:StreamWriter": ("streamwriter", "stream"),
        "txtfile:TxtFileWriter": ("txtfilewriter", "txtfile", "csv"),
        "hive:HiveWriter": ("hivewriter", "hive"),
        "hdfs:HdfsWriter": ("hdfswriter", "hdfs"),
        "sqlite:SqliteWriter": ("sqlitewriter", "sqlite"),
        "postgresql:PostgresqlWriter": ("postgresqlwriter", "postgresql", "postgres", "pg", "greenplum"),
        "mysql:MysqlWriter": ("mysqlwriter", "mysql", "mariadb", "tidb"),
        "rdbms:RdbmsWriter": ("rdbmswriter", "rdbms"),
        "oracle:OracleWriter": ("oraclewriter", "oracle"),
        "sqlserver:SqlServerWriter": ("sqlserverwriter", "sqlserver", "mssql"),
        "oceanbase:OceanbaseV10Writer": ("oceanbasev10writer", "oceanbasev10", "oceanbase"),
        "ftp:FtpWriter": ("ftpwriter", "ftp", "sftp"),
        "s3:S3Writer": ("s3writer", "s3", "minio"),
        "s3:OssWriter": ("osswriter", "oss"),
        "drds:DrdsWriter": ("drdswriter", "drds"),
        "adbmysql:AdbMysqlWriter": ("adbmysqlwriter", "adbmysql"),
        "adbpg:AdbpgWriter": ("adbpgwriter", "adbpg"),
        "gaussdb:GaussDbWriter": ("gaussdbwriter", "gaussdb", "opengauss"),
        "kingbasees:KingbaseEsWriter": ("kingbaseeswriter", "kingbasees", "kingbase"),
        "hologres:HologresJdbcWriter": ("hologresjdbcwriter", "hologresjdbc", "hologres"),
        "hbase:Hbase11xWriter": (
            "hbase11xwriter",
            "hbase11x",
            "hbase094xwriter",
            "hbase094x",
            "hbase20xwriter",
            "hbase20x",
            "hbase",
        ),
    }
)
"""Module and class → the plugin's names, DataX's first."""


@hookimpl
def starhaul_writers() -> Mapping[str, str]:
    """DataX's names are canonical; the short ones are aliases."""
    return {name: f"starhaul_writers.{place}" for place, names in _PLUGINS.items() for name in names}


@hookimpl
def starhaul_writer_urls() -> Mapping[str, str]:
    """Kinds of URLs → names."""
    return {
        **dict.fromkeys(
            (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.bz2", ".tsv.bz2", ".csv.zst", ".tsv.zst"), "txtfilewriter"
        ),
        **dict.fromkeys(("sqlite", ".sqlite", ".sqlite3", ".db"), "sqlitewriter"),
        **dict.fromkeys(("postgresql", "postgres"), "postgresqlwriter"),
        **dict.fromkeys(("mysql", "mariadb", "tidb"), "mysqlwriter"),
        "oceanbase": "oceanbasev10writer",
        "oracle": "oraclewriter",
        **dict.fromkeys(("mssql", "sqlserver"), "sqlserverwriter"),
        **dict.fromkeys(
            ("db2", "dm", "duckdb", "firebird", "hana", "redshift", "snowflake", "teradatasql", "trino", "vertica"),
            "rdbmswriter",
        ),
    }
