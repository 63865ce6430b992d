"""URLs of JDBC drivers become SQLAlchemy's."""

from __future__ import annotations

import pytest

from starhaul import ConfigError
from starhaul_readers.oracle import OracleReader, OracleReaderParams
from starhaul_readers.rdbms import RdbmsReader
from starhaul_readers.sqlserver import SqlServerReader, SqlServerReaderParams
from starhaul_stores.rdbms.addresses import parse_address
from starhaul_stores.rdbms.engine import engine_for
from starhaul_stores.rdbms.writing import RdbmsWriterParams


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "database", "options"),
    [
        ("jdbc:oracle:thin:@h:1521:ORCL", "oracle+oracledb", "h", 1521, "ORCL", {}),
        ("jdbc:oracle:thin:@//h:1522/svc.example", "oracle+oracledb", "h", 1522, "", {"service_name": "svc.example"}),
        ("jdbc:oracle:thin:@h:1521/svc", "oracle+oracledb", "h", 1521, "", {"service_name": "svc"}),
        ("jdbc:oracle:thin:@(DESCRIPTION=(X=1))", "oracle+oracledb", "(DESCRIPTION=(X=1))", None, "", {}),
        ("jdbc:sqlserver://h:1433;DatabaseName=db", "mssql+pymssql", "h", 1433, "db", {}),
        ("jdbc:sqlserver://h;databaseName=db;encrypt=true;trustServerCertificate=true", "mssql+pymssql", "h", 1433,
         "db", {"encryption": "require"}),
        (r"jdbc:sqlserver://h\INST;databaseName=db", "mssql+pymssql", r"h\INST", None, "db", {}),
        ("jdbc:jtds:sqlserver://h:1433/db;instance=x", "mssql+pymssql", "h", 1433, "db", {}),
        ("jdbc:db2://h:50000/SHOP", "db2+ibm_db", "h", 50000, "SHOP", {}),
        ("jdbc:db2://h:50000/SHOP:currentSchema=X;", "db2+ibm_db", "h", 50000, "SHOP", {"currentschema": "X"}),
        ("jdbc:dm://h:5236/DB", "dm+dmPython", "h", 5236, "DB", {}),
        ("jdbc:sybase:tds:h:5000/db", "sybase+pyodbc", "h", 5000, "db", {}),
        ("jdbc:postgresql://h/db", "postgresql+psycopg", "h", None, "db", {}),
        ("jdbc:mysql://h:3306/db", "mysql+pymysql", "h", 3306, "db", {}),
        ("oracle+cx_oracle://h/sid", "oracle+cx_oracle", "h", None, "sid", {}),
        ("sqlite:////tmp/x.db", "sqlite", "", None, "/tmp/x.db", {}),
        ("jdbc:sqlite:/tmp/x.db", "sqlite", "", None, "/tmp/x.db", {}),
    ],
)  # fmt: skip
def test_urls(url: str, scheme: str, host: str, port: int | None, database: str, options: dict[str, str]) -> None:
    address = parse_address(url)
    assert (address.scheme, address.hosts[0], address.database, dict(address.options)) == (
        scheme, (host, port), database, options,
    )  # fmt: skip


def test_users_in_urls() -> None:
    oracle = parse_address("jdbc:oracle:thin:scott/tiger@h:1521:X")
    server = parse_address("jdbc:sqlserver://h;databaseName=db;user=sa;password={p;w}")
    assert (oracle.user, oracle.password, server.user, server.password) == ("scott", "tiger", "sa", "p;w")
    assert "tiger" not in repr(oracle)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("jdbc:nodb://h/x", "no SQLAlchemy dialect is known for jdbc:nodb.*`url`"),
        ("jdbc:oracle:thin:nonsense", "not the URL of an Oracle.*jdbc:oracle:thin:@//HOST"),
        ("jdbc:sqlserver://h;integratedSecurity=true", "integratedSecurity"),
        ("jdbc:sqlserver://h;noSuch=1", "unknown property 'nosuch'"),
        ("nonsense", "not the URL of a database"),
    ],
)
def test_what_cannot_be_understood(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_address(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("jdbc:dm://h:5236/DB", "pip install dmSQLAlchemy dmPython"),
        ("jdbc:db2://h:50000/DB", "pip install ibm_db_sa"),
        ("nosuchdialect://h/x", "no SQLAlchemy dialect 'nosuchdialect'.*install the SQLAlchemy dialect"),
    ],
)
def test_a_missing_dialect_is_named(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        engine_for(parse_address(url), 1)


def test_declarations_take_their_own_urls() -> None:
    assert OracleReaderParams.model_validate({"url": "jdbc:oracle:thin:@h:1:s", "table": "t"}).sources()
    assert SqlServerReaderParams.model_validate({"url": "jdbc:sqlserver://h", "table": "t"}).sources()
    with pytest.raises(ValueError, match="is not Oracle"):
        OracleReaderParams.model_validate({"url": "jdbc:mysql://h/x", "table": "t"})
    with pytest.raises(ValueError, match="is not SQL Server"):
        SqlServerReaderParams.model_validate({"url": "jdbc:oracle:thin:@h:1:s", "table": "t"})


def test_a_table_beside_the_connection_may_say_the_same() -> None:
    """DataX looks at `connection` only, and jobs have both."""
    connection = [{"jdbcUrl": "jdbc:dm://h:5236/DB", "table": ["t"]}]
    assert RdbmsWriterParams.model_validate({"connection": connection, "table": "t"}).target == "t"
    with pytest.raises(ValueError, match="either url and table, or connection"):
        RdbmsWriterParams.model_validate({"connection": connection, "table": "u"})


@pytest.mark.parametrize(
    ("reader", "url", "scheme", "name"),
    [
        (OracleReader, "oracle://u:p@h:1521/?service_name=s.x#HR.Orders", "oracle+oracledb", ("hr", "orders")),
        (OracleReader, 'jdbc:oracle:thin:u/p@//h:1521/s.x#"Orders"', "oracle+oracledb", ("Orders",)),
        (SqlServerReader, "mssql://u:p@h/db#dbo.[my orders]", "mssql+pymssql", ("dbo", "my orders")),
        (SqlServerReader, "jdbc:sqlserver://h;databaseName=db;user=u;password=p#t", "mssql+pymssql", ("t",)),
        (RdbmsReader, "jdbc:dm://u:p@h:5236/DB#t", "dm+dmPython", ("t",)),
        (RdbmsReader, "duckdb://u:p@/x.db#t", "duckdb+duckdb", ("t",)),
    ],
)
def test_urls_of_tables(
    reader: type[OracleReader | SqlServerReader | RdbmsReader], url: str, scheme: str, name: tuple[str, ...]
) -> None:
    address = reader.from_url(url)
    assert address.name == name
    assert (address.parameters["username"], address.parameters["password"]) == ("u", "p")
    again = reader.params_type.parse_address(address.parameters["url"])
    plain = parse_address(url.partition("#")[0]).for_user(None, None)
    assert again.scheme == plain.scheme
    assert again.scheme.startswith(scheme.partition("+")[0])
    assert (again.hosts, again.database, again.options) == (plain.hosts, plain.database, plain.options)
    assert "p@" not in address.parameters["url"]


def test_a_pattern_in_a_url() -> None:
    assert SqlServerReader.from_url("mssql://h/db#dbo.o*").pattern
    assert not SqlServerReader.from_url("mssql://h/db#dbo.[o*]").pattern
