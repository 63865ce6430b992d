"""What the runs that are hit write into, by the names of routes."""

from __future__ import annotations

from collections.abc import Mapping

from tests.faults.file_targets import S3, Files, Ftp, Hdfs, Hive, Sftp
from tests.faults.table_targets import Hbase, Mysql, Oceanbase, Postgresql, Rdbms, Sqlite
from tests.faults.target import Target

TARGETS: Mapping[str, type[Target]] = {
    "SQLite": Sqlite, "MySQL": Mysql, "PostgreSQL": Postgresql, "OceanBase": Oceanbase, "HDFS": Hdfs,
    "S3": S3, "Hive": Hive, "HBase": Hbase, "files": Files, "PostgreSQL by SQLAlchemy": Rdbms, "SFTP": Sftp, "FTP": Ftp,
}  # fmt: skip
