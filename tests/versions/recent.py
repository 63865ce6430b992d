"""MariaDB 11.4 and PostgreSQL 18 keep the contract as Debian's versions do."""

from tests.conformance.test_mysql import TestInsert as TestMysqlInsert
from tests.conformance.test_mysql import TestInsertByFiles as TestMysqlInsertByFiles
from tests.conformance.test_mysql import TestMysqlReader
from tests.conformance.test_mysql import TestOverwrite as TestMysqlOverwrite
from tests.conformance.test_mysql import TestUpdate as TestMysqlUpdate
from tests.conformance.test_postgresql import TestInsert as TestPostgresqlInsert
from tests.conformance.test_postgresql import TestOverwrite as TestPostgresqlOverwrite
from tests.conformance.test_postgresql import TestPostgresqlReader
from tests.conformance.test_postgresql import TestUpdate as TestPostgresqlUpdate

__all__ = [
    "TestMysqlInsert", "TestMysqlInsertByFiles", "TestMysqlOverwrite", "TestMysqlReader", "TestMysqlUpdate",
    "TestPostgresqlInsert", "TestPostgresqlOverwrite", "TestPostgresqlReader", "TestPostgresqlUpdate",
]  # fmt: skip
