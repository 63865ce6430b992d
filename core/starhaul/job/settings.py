"""The settings of a job. The strings under the fields are the user's documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from starhaul.api.params import Params


class Speed(Params):
    """Limits on the speed of the whole job, whatever the number of its channels. Batches of rows pass in pieces of a
    second's worth."""

    byte: int | None = Field(None, ge=1)
    """Bytes per second, measured in memory on their way from readers to writers. None: no limit."""
    record: int | None = Field(None, ge=1)
    """Rows per second. None: no limit."""


class ErrorLimit(Params):
    """How many rows may be rejected before the run fails. If both limits are given, each of them holds."""

    record: int | None = Field(None, ge=0)
    """Rejected rows that are still tolerated. None: no such limit. If neither limit is written, it is 0."""
    percentage: float | None = Field(None, ge=0, le=1)
    """Rejected rows as a part of all rows read so far, between 0 and 1; judged from the thousandth row on, and when a
    stream is about to be published. None: no such limit."""

    @model_validator(mode="before")
    @classmethod
    def _no_limit_written_means_zero(cls, data: Any) -> Any:
        return {"record": 0} if data == {} else data


class Rejects(Params):
    """How much is kept of rejected rows."""

    max_bytes: int = Field(10 * 1024**3, ge=0)
    """Bytes of rejected rows that a run keeps, at most. Rows beyond them are rejected and counted all the same, but
    not kept; the report tells how many."""
    max_file_bytes: int = Field(1024**3, ge=1)
    """Bytes of a reject file, about; then it goes on in another one."""


class Retry(Params):
    """What happens to a task that fails for a reason that may pass, such as a lost connection."""

    attempts: int = Field(3, ge=1)
    """Attempts at a task, the first one included. 1: no retry."""
    pause: float = Field(1.0, ge=0, le=86_400)
    """Seconds before the second attempt; doubled before each further one."""
    max_pause: float = Field(60.0, ge=0, le=86_400)
    """The longest pause in seconds."""


class Conversion(Params):
    """How values change their type on the way from a reader's column to a writer's column."""

    rules: Literal["exact", "datax"] = "exact"
    """`exact`: a value arrives as it is, or its row is rejected. `datax`: values are cut, rounded and read as DataX
    does it (12.9 becomes 12, times are cut to milliseconds), with DataX's formats and its time zone, GMT+8, where
    none are given."""
    lossy: bool = False
    """Allow conversions that can lose information silently, such as a timestamp to a date. Otherwise a job that
    needs one is refused."""
    datetime_format: str | None = Field(None, min_length=1)
    """Pattern of date and time as text, as in Java: `yyyy-MM-dd HH:mm:ss`. None: ISO 8601."""
    date_format: str | None = Field(None, min_length=1)
    """Pattern of a date as text. None: ISO 8601, `2024-02-29`."""
    time_format: str | None = Field(None, min_length=1)
    """Pattern of a time of day as text. None: ISO 8601, `23:59:59.999`."""
    extra_formats: list[str] = Field(default=[])
    """Patterns that texts may follow, too, if they follow none of the others. Only for the rules `datax`."""
    time_zone: str | None = Field(None, min_length=1)
    """Zone of times without a zone where they meet times with one, as an IANA name: `Asia/Shanghai`. None: such
    columns are not converted into one another."""
    encoding: str = Field("utf-8", min_length=1)
    """Encoding of bytes that become text, or the other way round."""


def _by_rules(value: Any) -> Any:
    return {"rules": value} if isinstance(value, str) and value in ("exact", "datax") else value


ConversionSetting = Annotated[
    Conversion, BeforeValidator(_by_rules, json_schema_input_type=Conversion | Literal["exact", "datax"])
]
"""A `Conversion`, or the name of its rules alone."""


class Exchanger(Params):
    """What each channel holds between its reader and its writer, at most."""

    bytes: int = Field(8 * 1024 * 1024, ge=1)
    """Bytes in memory. A single larger batch still passes, alone."""
    rows: int = Field(1_000_000, ge=1)
    """Rows."""


class Settings(Params):
    """How a job runs: how fast, how tolerant, how stubborn."""

    channel: int = Field(1, ge=1, le=1024)
    """Tasks that run at the same time, each with its own connections, over all streams of the job."""
    speed: Speed = Speed()
    """Limits on the speed of the whole job."""
    error_limit: ErrorLimit = ErrorLimit(record=0)
    """How many rows may be rejected before the run fails. Left out: none."""
    rejects: Rejects = Rejects()
    """How much is kept of rejected rows."""
    retry: Retry = Retry()
    """What happens to a task that fails for a reason that may pass."""
    conversion: ConversionSetting = Conversion()
    """How values change their type on the way; `datax` stands for `{rules: datax}`."""
    exchanger: Exchanger = Exchanger()
    """How much each channel buffers."""
    verify: Literal["none", "count"] = "none"
    """With `count`, each target is asked for its number of rows when its stream is published, and the run fails unless
    they have grown by as many as were written. Nothing else may write to the target meanwhile."""
    when_running: Literal["refuse", "wait", "allow"] = "refuse"
    """What to do if another run of the same job (same plugins, same parameters) is under way with the same state
    directory. Either `refuse` to begin, or `wait` until it is over, or `allow` both at once."""
    progress_interval: float = Field(10.0, ge=0.1, le=86_400)
    """Seconds between two progress lines where the output is not a terminal."""
    rejects_logged: int = Field(9, ge=-1)
    """Rejected rows of each side of a task that `--log-format datax` tells one by one. -1: all."""
