"""What the zones of a JDBC URL mean here: nothing.

To MySQL's JDBC driver they say in which zone the server prints times, so that it can make Java's instants of them, of
DATETIMEs too (https://dev.mysql.com/doc/connector-j/en/connector-j-time-instants.html). Here every session is in UTC:
a TIMESTAMP is an instant whatever the server's zone, and a DATETIME has none.
"""

from __future__ import annotations

from starhaul_stores.relational.params import RelationalParams

_ZONES = ("serverTimezone", "connectionTimeZone", "forceConnectionTimeZoneToSession")


def zone_facts(params: RelationalParams) -> tuple[str, ...]:
    """What a plan tells of them, where the job has one."""
    found = [name for name in _ZONES if any(address.option(name) for address in params.every_address)]
    if not found:
        return ()
    what = "TIMESTAMPs are instants, DATETIMEs are what they say, and SQL of the job runs in UTC"
    return (f"{', '.join(found)} in the URL has no effect: {what}.",)
