"""Whether a URL leads to the database that a plugin is for."""

from __future__ import annotations

from starhaul import ConfigError
from starhaul_stores.rdbms.addresses import parse_address
from starhaul_stores.relational.url import DatabaseUrl


def address_of(url: str, kinds: tuple[str, ...], product: str, form: str) -> DatabaseUrl:
    """`parse_address` of a URL of one of these kinds. Raises `ConfigError` for others, which tells the `form`."""
    address = parse_address(url)
    if address.kind not in kinds:
        raise ConfigError("url", f"{address.kind!r} is not {product}", f"write {form}")
    return address
