"""How a job names a database file."""

from __future__ import annotations

from pydantic import field_validator

from starhaul import ConfigError, Params

_SCHEMES = ("jdbc:sqlite:", "sqlite:///")


class Place(Params):
    """One element of DataX's `connection` list."""

    jdbc_url: str | tuple[str, ...] = ()
    """`jdbc:sqlite:PATH`; of a list the first is taken. `path` says the same."""
    path: str | None = None
    """The database file."""
    table: tuple[str, ...] = ()
    """Names of tables."""
    query_sql: tuple[str, ...] = ()
    """SELECT statements to read in place of tables."""

    @field_validator("table", "query_sql", mode="before")
    @classmethod
    def _one_is_a_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value

    @property
    def file(self) -> str:
        """The database file of this element. Raises `ConfigError` if it names none."""
        urls = [self.jdbc_url] if isinstance(self.jdbc_url, str) else self.jdbc_url
        return database_file(self.path or (urls[0] if urls else ""))


def database_file(text: str) -> str:
    """The path that a `path` or `jdbcUrl` means. Raises `ConfigError` if that is no file."""
    for scheme in _SCHEMES:
        if text.lower().startswith(scheme):
            text = text[len(scheme) :].partition("?")[0]
    if not text or text == ":memory:" or text.startswith(("file:", "jdbc:")) or "\0" in text:
        raise ConfigError("path", f"{text!r} is not the path of a database file", "give a path, or jdbc:sqlite:PATH")
    return text
