"""Options that several commands have."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    from starhaul.engine.library import Options
    from starhaul.job.job import Job
    from starhaul.registry import Registry

    _Address = click.ParamType[Path | str]
else:
    _Address = click.ParamType  # generic since click 8.4

PATH = click.Path(path_type=Path)


class JobAddress(_Address):
    """A job file: its path, `file://…`, or `http(s)://…`, which stays a text."""

    name = "job"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        if isinstance(value, Path):
            return value
        text = str(value)
        return text if text.lower().startswith(("http://", "https://")) else Path(text.removeprefix("file://"))


JOB = JobAddress()


def variable_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: `-D`, `-p` and `--connections`. The function gets `variables`, a dict, and `connections`, a path or
    None."""

    @click.option(
        "-D", "given", metavar="NAME=VALUE", multiple=True, help="Set a variable of the job. Repeatable.",
    )  # fmt: skip
    @click.option(
        "-p", "--params", "datax_params", metavar="TEXT", multiple=True,
        help='Set variables as DataX does: -p "-DNAME=VALUE -DNAME=VALUE".',
    )  # fmt: skip
    @click.option(
        "--connections", metavar="FILE", type=PATH, help="Named connections, instead of the user's own file.",
    )  # fmt: skip
    @functools.wraps(function)
    def with_variables(*args: Any, given: tuple[str, ...], datax_params: tuple[str, ...], **rest: Any) -> Any:
        return function(*args, variables=_variables(given, datax_params), **rest)

    return with_variables


def state_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: `--state`."""
    return click.option(
        "--state", metavar="FOLDER", type=PATH,
        help="Where runs are remembered. [default: STARHAUL_STATE_DIR, else the user's state directory]",
    )(function)  # fmt: skip


def run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: what `run`, `resume` and `replay` share. The function gets `options`, those of the library function
    of the same name as far as they were given, `report_file`, a path or None, and `progress`, how to show it: see
    `attend`."""

    @click.option(
        "--report", "report_file", metavar="FILE", type=PATH, help="Write the report as JSON, too. Replaces FILE.",
    )  # fmt: skip
    @click.option(
        "--progress", type=click.Choice(["auto", "bar", "plain", "none"]), default="auto", show_default=True,
        help="How to show the progress on standard error: a live bar, or a plain line now and then.",
    )  # fmt: skip
    @click.option(
        "--log-format", type=click.Choice(["text", "datax"]), default="text", show_default=True,
        help="What to print: our own report, or DataX's progress lines and closing block on standard output.",
    )  # fmt: skip
    @click.option(
        "--conversion", type=click.Choice(["exact", "datax"]),
        help="How values change their type, whatever the job says: exactly or not at all, or as DataX does it.",
    )  # fmt: skip
    @variable_options
    @state_option
    @functools.wraps(function)
    def with_options(
        *args: Any,
        variables: dict[str, str],
        connections: Path | None,
        conversion: Literal["exact", "datax"] | None,
        log_format: str,
        progress: str,
        state: Path | None,
        **rest: Any,
    ) -> Any:
        options: Options = {"variables": variables}
        if conversion is not None:
            options["conversion"] = conversion
        if connections is not None:
            options["connections"] = connections
        if state is not None:
            options["state"] = state
        return function(*args, options=options, progress="datax" if log_format == "datax" else progress, **rest)

    return with_options


def load(job: Path | str, registry: Registry, variables: dict[str, str], connections: Path | None) -> Job:
    """The job of a file; tells its warnings. Raises `ConfigError` or `PluginError`."""
    from starhaul.cli.failure import tell
    from starhaul.job.load import load_job

    loaded = load_job(job, registry, variables=variables, connections=connections)
    for warning in loaded.warnings:
        tell("warning", str(warning))
    return loaded


def _variables(given: tuple[str, ...], datax_params: tuple[str, ...]) -> dict[str, str]:
    if not given and not datax_params:
        return {}
    from starhaul.job.variables import parse_datax_params, parse_variable

    variables: dict[str, str] = {}
    for text in datax_params:
        variables |= parse_datax_params(text)
    return variables | dict(map(parse_variable, given))
