"""The writers that come with Starhaul. Their names; the modules are imported when a job uses them."""

from __future__ import annotations

from collections.abc import Mapping

from starhaul import hookimpl


@hookimpl
def starhaul_writers() -> Mapping[str, str]:
    """DataX's names are canonical; the short ones are aliases."""
    return {
        "streamwriter": "starhaul_writers.stream:StreamWriter",
        "stream": "starhaul_writers.stream:StreamWriter",
        "txtfilewriter": "starhaul_writers.txtfile:TxtFileWriter",
        "txtfile": "starhaul_writers.txtfile:TxtFileWriter",
        "csv": "starhaul_writers.txtfile:TxtFileWriter",
        "hivewriter": "starhaul_writers.hive:HiveWriter",
        "hive": "starhaul_writers.hive:HiveWriter",
        "hdfswriter": "starhaul_writers.hdfs:HdfsWriter",
        "hdfs": "starhaul_writers.hdfs:HdfsWriter",
        "sqlitewriter": "starhaul_writers.sqlite:SqliteWriter",
        "sqlite": "starhaul_writers.sqlite:SqliteWriter",
        "postgresqlwriter": "starhaul_writers.postgresql:PostgresqlWriter",
        "postgresql": "starhaul_writers.postgresql:PostgresqlWriter",
        "postgres": "starhaul_writers.postgresql:PostgresqlWriter",
        "pg": "starhaul_writers.postgresql:PostgresqlWriter",
        "greenplum": "starhaul_writers.postgresql:PostgresqlWriter",
        "mysqlwriter": "starhaul_writers.mysql:MysqlWriter",
        "mysql": "starhaul_writers.mysql:MysqlWriter",
        "mariadb": "starhaul_writers.mysql:MysqlWriter",
        "tidb": "starhaul_writers.mysql:MysqlWriter",
        "rdbmswriter": "starhaul_writers.rdbms:RdbmsWriter",
        "rdbms": "starhaul_writers.rdbms:RdbmsWriter",
        "oraclewriter": "starhaul_writers.oracle:OracleWriter",
        "oracle": "starhaul_writers.oracle:OracleWriter",
        "sqlserverwriter": "starhaul_writers.sqlserver:SqlServerWriter",
        "sqlserver": "starhaul_writers.sqlserver:SqlServerWriter",
        "mssql": "starhaul_writers.sqlserver:SqlServerWriter",
        "oceanbasev10writer": "starhaul_writers.oceanbase:OceanbaseV10Writer",
        "oceanbasev10": "starhaul_writers.oceanbase:OceanbaseV10Writer",
        "oceanbase": "starhaul_writers.oceanbase:OceanbaseV10Writer",
        "ftpwriter": "starhaul_writers.ftp:FtpWriter",
        "ftp": "starhaul_writers.ftp:FtpWriter",
        "sftp": "starhaul_writers.ftp:FtpWriter",
        "s3writer": "starhaul_writers.s3:S3Writer",
        "s3": "starhaul_writers.s3:S3Writer",
        "minio": "starhaul_writers.s3:S3Writer",
        "osswriter": "starhaul_writers.s3:OssWriter",
        "oss": "starhaul_writers.s3:OssWriter",
        "drdswriter": "starhaul_writers.drds:DrdsWriter",
        "drds": "starhaul_writers.drds:DrdsWriter",
        "adbmysqlwriter": "starhaul_writers.adbmysql:AdbMysqlWriter",
        "adbmysql": "starhaul_writers.adbmysql:AdbMysqlWriter",
        "adbpgwriter": "starhaul_writers.adbpg:AdbpgWriter",
        "adbpg": "starhaul_writers.adbpg:AdbpgWriter",
        "gaussdbwriter": "starhaul_writers.gaussdb:GaussDbWriter",
        "gaussdb": "starhaul_writers.gaussdb:GaussDbWriter",
        "opengauss": "starhaul_writers.gaussdb:GaussDbWriter",
        "kingbaseeswriter": "starhaul_writers.kingbasees:KingbaseEsWriter",
        "kingbasees": "starhaul_writers.kingbasees:KingbaseEsWriter",
        "kingbase": "starhaul_writers.kingbasees:KingbaseEsWriter",
        "hologresjdbcwriter": "starhaul_writers.hologres:HologresJdbcWriter",
        "hologresjdbc": "starhaul_writers.hologres:HologresJdbcWriter",
        "hologres": "starhaul_writers.hologres:HologresJdbcWriter",
        "hbase11xwriter": "starhaul_writers.hbase:Hbase11xWriter",
        "hbase11x": "starhaul_writers.hbase:Hbase11xWriter",
        "hbase094xwriter": "starhaul_writers.hbase:Hbase11xWriter",
        "hbase094x": "starhaul_writers.hbase:Hbase11xWriter",
        "hbase20xwriter": "starhaul_writers.hbase:Hbase11xWriter",
        "hbase20x": "starhaul_writers.hbase:Hbase11xWriter",
        "hbase": "starhaul_writers.hbase:Hbase11xWriter",
    }


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
