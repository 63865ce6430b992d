"""Parameters of the readers and writers of MySQL's wire."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from starhaul_stores.relational.names import names_in
from starhaul_stores.relational.read_params import RelationalReaderParams, is_utf8
from starhaul_stores.relational.write_params import RelationalWriterParams

_ZERO_DATES = "zeroDateTimeBehavior"
"""Of MySQL's JDBC driver."""


class MysqlWireReaderParams(RelationalReaderParams):
    """Parameters of all readers of MySQL's wire."""

    zero_date: Literal["reject", "null"] = "reject"
    """What becomes of MySQL's zero date `0000-00-00`, which is no date: `reject` its row, or read it as NULL, counted
    in the report. To a table of MySQL that takes rows as they are, and zero dates, `reject` lets it pass. Unless it
    is given, `zeroDateTimeBehavior` in the URL stands for it (`convertToNull`, `exception`), and without that too it is
    `null` with `conversion: datax`."""
    fetch_size: int | None = None
    """Most rows in a batch. By default as many as make about 2 MiB, and so where it is less than 1, as in DataX's jobs
    (`-2147483648`); DataX itself does not look at it."""
    check_slave: bool = False
    """Pass over a URL whose server is a replica that does not replicate."""
    read_by_partition: bool = False
    """Cut a table by its partitions, one slice for each, and not by a key. A table without a key to cut by is cut so
    in any case."""
    partition_name: tuple[str, ...] = ()
    """Partitions or subpartitions to read, in place of the whole table. One text may hold several, separated by
    commas."""

    mandatory_encoding: str = ""
    """What the bytes of texts are, whatever the tables declare (`gbk` in a column of latin1, `UTF-8` too): they are
    read as the server stores them. A row with a text that is nothing in this encoding is rejected."""

    @field_validator("mandatory_encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            if not is_utf8(value):
                b"x".decode(value.strip())
        except LookupError:
            raise ValueError(f"no encoding is called {value!r}") from None
        return value.strip()

    @field_validator("fetch_size")
    @classmethod
    def _rows_or_the_default(cls, value: int | None) -> int | None:
        return value if value is None or value > 0 else None

    @field_validator("partition_name", mode="before")
    @classmethod
    def _names_with_commas(cls, value: object) -> object:
        return names_in(value)

    @classmethod
    def as_datax(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """To DataX zero dates are NULL: it adds that to every URL."""
        params = cls.parse(parameters)
        if "zeroDate" in parameters or any(address.option(_ZERO_DATES) for address in params.every_address):
            return dict(parameters)
        return {**parameters, "zeroDate": "null"}

    @model_validator(mode="after")
    def _zero_date_of_the_url(self) -> Self:
        if "zero_date" in self.model_fields_set:
            return self
        told = {address.option(_ZERO_DATES).lower().replace("_", "") for address in self.every_address} - {""}
        if told <= {"exception"}:
            return self
        if told != {"converttonull"}:
            raise ValueError(
                f"{_ZERO_DATES} in the URL is neither convertToNull nor exception; give zeroDate in its place"
            )
        return self.model_copy(update={"zero_date": "null"})


class MysqlWireWriterParams(RelationalWriterParams):
    """Parameters of all writers of MySQL's wire."""

    batch_byte_size: int = Field(default=4 << 20, ge=1)
    """Most bytes to send at once. They are held in memory, as values and as texts, until the server has taken them."""
    exactly_once: bool = True
    """Write each task in one transaction with a row of the ledger. Set to false for a table whose engine has no
    transactions (MyISAM, Aria): rows then go one by one, and those of an attempt that failed stay."""

    @model_validator(mode="after")
    def _transactions_where_needed(self) -> Self:
        if self.write_mode == "overwrite" and not self.exactly_once:
            raise ValueError("writeMode overwrite needs exactlyOnce")
        return self
