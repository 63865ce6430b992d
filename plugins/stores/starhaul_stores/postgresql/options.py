"""What a job's URL asks of a connection, in libpq's words."""

from __future__ import annotations

from typing import Any

from starhaul_stores.postgresql.patience import patience
from starhaul_stores.relational.url import DatabaseUrl, options_of

_OPTIONS = {
    **dict.fromkeys(
        (
            "applicationname", "currentschema", "ssl", "connecttimeout", "logintimeout", "sockettimeout",
            "tcpkeepalive", "targetservertype", "sslfactory", "options",
        ),
        "",
    ),
    **{
        name: name
        for name in (
            "application_name", "channel_binding", "connect_timeout", "fallback_application_name", "gssencmode",
            "hostaddr", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
            "load_balance_hosts", "passfile", "require_auth", "service", "sslcert", "sslcrl", "sslkey", "sslmode",
            "sslnegotiation", "sslpassword", "sslrootcert", "target_session_attrs", "tcp_user_timeout",
        )
    },
    # What drivers of Java do on their side of the wire.
    **dict.fromkeys(
        (
            "charset", "stringtype", "preparethreshold", "rewritebatchedinserts", "defaultrowfetchsize",
            "binarytransfer", "loglevel", "loggerlevel", "useunicode", "characterencoding", "readonly", "autosave",
        ),
        "",
    ),
}  # fmt: skip
_TARGETS = {"any": "any", "primary": "primary", "master": "primary", "secondary": "standby", "slave": "standby",
            "preferSecondary": "prefer-standby", "preferSlave": "prefer-standby", "preferPrimary": "any"}  # fmt: skip


def options_for(address: DatabaseUrl, timeout: float) -> dict[str, Any]:
    """libpq's options (https://www.postgresql.org/docs/current/libpq-connect.html), but for who connects to which
    database. `timeout` in seconds is for connecting, unless the URL has its own. Raises `ConfigError` for an option
    that nobody knows."""
    options = {
        "connect_timeout": str(max(2, round(timeout))),
        "host": ",".join(host for host, _ in address.hosts),
        "port": ",".join(str(port or 5432) for _, port in address.hosts),
        **_from_java(address),
        **options_of(address, _OPTIONS),
    }
    return {name: value for name, value in options.items() if value}


def _from_java(address: DatabaseUrl) -> dict[str, str]:
    """Options of the JDBC driver under libpq's names and in its units."""
    options = {name.lower(): value for name, value in address.options.items()}
    found = {"application_name": options.get("applicationname", "starhaul")}
    if options.get("ssl", "false").lower() in ("", "true"):
        lenient = "nonvalidating" in options.get("sslfactory", "").lower()
        found["sslmode"] = "require" if lenient else "verify-full"
    for name in ("connecttimeout", "logintimeout"):
        if options.get(name, "0") != "0":
            found["connect_timeout"] = options[name]
    if seconds := patience(address):
        found["tcp_user_timeout"] = str(round(seconds * 1000))
    if options.get("tcpkeepalive"):
        found["keepalives"] = str(int(options["tcpkeepalive"].lower() == "true"))
    if options.get("targetservertype"):
        found["target_session_attrs"] = _TARGETS.get(options["targetservertype"], "any")
    if options.get("options"):
        found["options"] = options["options"]
    return found
