"""The URLs of databases: SQLAlchemy's, and those of JDBC drivers, which DataX's jobs hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from starhaul import ConfigError
from starhaul_stores.relational.url import DatabaseUrl, parse_url


@dataclass(frozen=True, slots=True)
class Dialect:
    """A SQLAlchemy dialect for the databases of one JDBC driver."""

    name: str
    """With the driver, as in a URL of SQLAlchemy."""
    package: str
    """What `pip install` makes of it."""


_POSTGRESQL = Dialect("postgresql+psycopg", "'starhaul[rdbms,postgresql]'")
_MYSQL = Dialect("mysql+pymysql", "'starhaul[rdbms,mysql]'")
DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "oracle": Dialect("oracle+oracledb", "'starhaul[oracle]'"),
        "sqlserver": Dialect("mssql+pymssql", "'starhaul[sqlserver]'"),
        "mssql": Dialect("mssql+pymssql", "'starhaul[sqlserver]'"),
        "postgresql": _POSTGRESQL,
        "postgres": _POSTGRESQL,
        "edb": _POSTGRESQL,
        "mysql": _MYSQL,
        "mariadb": Dialect("mariadb+pymysql", "'starhaul[rdbms,mysql]'"),
        "sqlite": Dialect("sqlite", "'starhaul[rdbms]'"),
        "duckdb": Dialect("duckdb", "duckdb-engine"),
        "db2": Dialect("db2+ibm_db", "ibm_db_sa"),
        "dm": Dialect("dm+dmPython", "dmSQLAlchemy dmPython"),
        "sybase": Dialect("sybase+pyodbc", "sqlalchemy-sybase pyodbc"),
        "jtds": Dialect("mssql+pymssql", "'starhaul[sqlserver]'"),
        "firebirdsql": Dialect("firebird+firebird", "sqlalchemy-firebird"),
        "firebird": Dialect("firebird+firebird", "sqlalchemy-firebird"),
        "sap": Dialect("hana+hdbcli", "sqlalchemy-hana"),
        "clickhouse": Dialect("clickhousedb+connect", "clickhouse-connect"),
        "snowflake": Dialect("snowflake", "snowflake-sqlalchemy"),
        "redshift": Dialect("redshift+redshift_connector", "sqlalchemy-redshift redshift_connector"),
        "vertica": Dialect("vertica+vertica_python", "vertica-sqlalchemy-dialect"),
        "teradata": Dialect("teradatasql", "teradatasqlalchemy"),
        "trino": Dialect("trino", "trino"),
    }
)
"""Kind in a JDBC URL → the dialect for it."""

_THIN = re.compile(
    r"(?:(?P<user>[^/@]*)/(?P<password>[^@]*))?@(?P<place>.+)", re.IGNORECASE | re.DOTALL
)  # jdbc:oracle:thin:[user/password]@place
_SERVICE = re.compile(r"(?://)?(?P<host>[^:/]+)(?::(?P<port>\d+))?/(?P<service>[\w.$#-]+)(?::\w+)?")
_SID = re.compile(r"(?://)?(?P<host>[^:/]+):(?P<port>\d+):(?P<sid>[\w$#]+)")
_SERVER = re.compile(
    r"(?P<host>[^:\\;]*)(?:\\(?P<instance>[^:;]+))?(?::(?P<port>\d+))?(?P<properties>(?:;.*)?)", re.DOTALL
)
_ORACLE_FORM = "write jdbc:oracle:thin:@//HOST:PORT/SERVICE, or oracle+oracledb://HOST:PORT/?service_name=SERVICE"
_SQLSERVER_FORM = "write jdbc:sqlserver://HOST:PORT;databaseName=DATABASE, or mssql+pymssql://HOST:PORT/DATABASE"


def parse_address(text: str) -> DatabaseUrl:
    """A URL taken apart, whoever's it is; its `scheme` is SQLAlchemy's dialect and driver. Raises `ConfigError`,
    without the text itself, which may hold a password."""
    text = text.strip()
    if not text.lower().startswith("jdbc:"):
        url = parse_url(text)
        dialect = DIALECTS.get(url.kind)
        return url if "+" in url.scheme or dialect is None else replace(url, scheme=dialect.name)
    kind, _, rest = text[5:].partition(":")
    kind = kind.lower()
    if kind == "jtds":
        kind, _, rest = rest.partition(":")
    if kind == "oracle":
        return _oracle(rest)
    if kind in ("sqlserver", "microsoft"):
        return _sqlserver(rest.removeprefix("sqlserver:").removeprefix("//"))
    dialect = DIALECTS.get(kind)
    if dialect is None:
        hint = "install the SQLAlchemy dialect of this database, and give its own URL as `url`"
        raise ConfigError("jdbcUrl", f"no SQLAlchemy dialect is known for jdbc:{kind}", hint)
    if kind in ("sqlite", "duckdb"):
        return DatabaseUrl(kind, (("", None),), rest, scheme=dialect.name)
    text, _, properties = text.partition(";") if kind in ("db2", "sybase") else (text, "", "")
    url = parse_url(re.sub(r"^jdbc:sybase:tds:", "jdbc:sybase://", text, flags=re.IGNORECASE))
    if kind == "db2":  # jdbc:db2://host:port/database:user=…;password=…;
        database, _, first = url.database.partition(":")
        url = replace(url, database=database, options={**url.options, **_properties(f"{first};{properties}")})
    return replace(url, scheme=dialect.name)


def package_for(scheme: str) -> str:
    """What to install for a dialect and driver, as arguments of `pip install`; empty if that is not known."""
    known = {dialect.name: dialect.package for dialect in DIALECTS.values()}
    names = {dialect.name.partition("+")[0]: dialect.package for dialect in DIALECTS.values()}
    return known.get(scheme) or ("" if "+" in scheme else names.get(scheme, ""))


def _oracle(rest: str) -> DatabaseUrl:
    scheme = DIALECTS["oracle"].name
    matched = _THIN.fullmatch(rest.partition(":")[2] if rest.lower().startswith(("thin:", "oci:")) else rest)
    if matched is None:
        raise ConfigError("jdbcUrl", "is not the URL of an Oracle database", _ORACLE_FORM)
    user, password, place = matched["user"] or None, matched["password"] or None, matched["place"].strip()
    if service := _SERVICE.fullmatch(place):
        hosts = ((service["host"], int(service["port"] or 1521)),)
        options = {"service_name": service["service"]}
        return DatabaseUrl("oracle", hosts, "", user, password, options, scheme)
    if sid := _SID.fullmatch(place):
        return DatabaseUrl("oracle", ((sid["host"], int(sid["port"])),), sid["sid"], user, password, {}, scheme)
    if place.startswith("(") or re.fullmatch(r"[\w.-]+", place):  # a description, or a name of tnsnames.ora
        return DatabaseUrl("oracle", ((place, None),), "", user, password, {}, scheme)
    raise ConfigError("jdbcUrl", "is not the URL of an Oracle database", _ORACLE_FORM)


_IGNORED = frozenset(
    {
        "applicationname", "selectmethod", "sendstringparametersasunicode", "responsebuffering", "packetsize",
        "sockettimeout", "logintimeout", "locktimeout", "querytimeout", "multisubnetfailover", "applicationintent",
        "hostnameincertificate", "usebulkcopyforbatchinsert", "sslprotocol", "columnencryptionsetting",
        "disablestatementpooling", "sendtimeasdatetime",
    }
)  # fmt: skip


def _sqlserver(rest: str) -> DatabaseUrl:
    """https://learn.microsoft.com/sql/connect/jdbc/building-the-connection-url"""
    host_part, slash, jtds_database = rest.partition("/")  # jTDS has the database after the host
    jtds_database, _, properties = jtds_database.partition(";")
    matched = _SERVER.fullmatch(f"{host_part};{properties}" if slash else rest)
    if matched is None:
        raise ConfigError("jdbcUrl", "is not the URL of a SQL Server", _SQLSERVER_FORM)
    given = _properties(matched["properties"])
    host = matched["host"] or given.pop("servername", "") or given.pop("server", "localhost")
    instance = matched["instance"] or given.pop("instancename", "") or given.pop("instance", "")
    port = matched["port"] or given.pop("portnumber", "") or given.pop("port", "")
    database = given.pop("databasename", "") or given.pop("database", jtds_database)
    user, password = given.pop("user", None) or given.pop("username", None), given.pop("password", None)
    encrypt = given.pop("encrypt", "").lower()
    trusted = given.pop("trustservercertificate", "").lower()
    if given.pop("integratedsecurity", "false").lower() == "true":
        hint = "give username and password, or the URL of another driver (mssql+pyodbc://…) as url"
        raise ConfigError("jdbcUrl", "integratedSecurity works on Windows with Microsoft's driver only", hint)
    unknown = sorted(set(given) - _IGNORED)
    if unknown:
        raise ConfigError("jdbcUrl", f"unknown property {unknown[0]!r}", "leave it out, or give SQLAlchemy's url")
    options = {}
    if encrypt in ("true", "mandatory", "strict"):
        options["encryption"] = "require"
    elif encrypt in ("false", "optional", "no"):
        options["encryption"] = "off"
    del trusted  # FreeTDS does not look at who signed the certificate unless freetds.conf says so
    name = f"{host}\\{instance}" if instance and not port else host
    number = int(port) if port else None if instance else 1433
    return DatabaseUrl("mssql", ((name, number),), database, user, password, options, DIALECTS["mssql"].name)


def _properties(text: str) -> dict[str, str]:
    """`;name=value;…`, names in lower case; a value in braces may hold semicolons."""
    found = re.findall(r"([^;={}]+)=(\{[^}]*\}|[^;]*)", text)
    return {name.strip().lower(): value[1:-1] if value.startswith("{") else value.strip() for name, value in found}
