"""What of a relational store's parameters is kept out of whatever is shown."""

from __future__ import annotations

import pytest

from starhaul import ConfigError
from starhaul.job.load import load_job
from starhaul.registry import Registry
from starhaul_readers.postgresql import PostgresqlReaderParams
from starhaul_writers.postgresql import PostgresqlWriterParams


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("postgresql://me:pw@host/db", {"pw"}),
        ("postgresql://me@host/db?password=pw", {"pw"}),
        ("postgresql://me:pw@host/db?sslkey=key.pem&sslpassword=of%20key", {"pw", "of key"}),
        ("jdbc:postgresql://host/db?sslPassword=ofkey&passfile=my.pgpass", {"ofkey"}),
        ("postgresql://me@host/db?sslpassword=", set()),
    ],
)
def test_passwords_in_a_url_are_secret(url: str, secrets: set[str]) -> None:
    for params in (PostgresqlReaderParams, PostgresqlWriterParams):
        assert params.parse({"url": url, "table": "t"}).secrets() == secrets
        listed = {"connection": [{"jdbcUrl": [url], "table": ["t"]}]}
        assert params.parse(listed).secrets() == secrets


def test_a_password_of_one_letter_spoils_no_message() -> None:
    writer = {"name": "postgresql", "url": "postgresql://h/d", "table": "t", "password": "p", "updateColumns": ["a"]}
    with pytest.raises(ConfigError, match="updateColumns belongs to writeMode update"):
        load_job({"reader": {"name": "stream"}, "writer": writer}, Registry())
