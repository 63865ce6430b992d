"""`starhaul copy`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from starhaul.cli.invocation import Invocation, command
from starhaul.cli.line_options import comma_list, one_line
from starhaul.cli.new_file import write_new
from starhaul.cli.options import PATH, run_options

if TYPE_CHECKING:
    from starhaul.engine.library import Options
    from starhaul.job.one_line import Composed

MOST_CHANNELS = 4


@command
@click.argument("source")
@click.argument("target")
@click.option(
    "--mode", type=click.Choice(["insert", "ignore", "replace", "update", "overwrite"]),
    help="What becomes of rows that are there already. [default: insert]",
)  # fmt: skip
@click.option("--create", is_flag=True, help="Create what is not there, from what the source tells of itself.")
@click.option("--columns", metavar="A,B", callback=comma_list, help="Read these columns only.")
@click.option("--where", metavar="SQL", default="", help="Read rows that meet this condition only.")
@click.option("--query", metavar="SQL", default="", help="Read what this query gives, in place of a table.")
@click.option("--types", metavar="A=TYPE,B=TYPE", callback=comma_list, help="Types of a file's columns.")
@click.option("--keys", metavar="A,B", callback=comma_list, help="The columns that tell whether a row is there.")
@click.option("--channel", type=click.IntRange(1, 1024), help="Tasks that run at once. [default: 4, or fewer CPUs]")
@click.option("--save", metavar="FILE", type=PATH, help="Write the job to a new file, secrets as variables.")
@click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")
@click.option(
    "--ask-password", "ask", type=click.Choice(["source", "target"]), multiple=True,
    help="Ask for the password of this side. Repeatable.",
)  # fmt: skip
@run_options
def copy(
    invocation: Invocation,
    source: str,
    target: str,
    save: Path | None,
    dry_run: bool,
    ask: tuple[str, ...],
    options: Options,
    report_file: Path | None,
    progress: str,
    **asked: Any,
) -> None:
    """Copy tables or files: a job in one line.

    SOURCE and TARGET are URLs (mysql://me@host/shop.orders), files (orders.csv), or connections and tables
    (warehouse#orders). A '*' in the source's table makes one job of several tables; in the target it stands for the
    source's name. Passwords come from the URL, from STARHAUL_SOURCE_PASSWORD and STARHAUL_TARGET_PASSWORD, or from
    --ask-password. The run is a run like any other: `starhaul resume`, `replay` and `runs` know it.
    """
    from starhaul.cli.attend import attend
    from starhaul.cli.plan import show_plan
    from starhaul.engine.library import run as run_job

    registry = invocation.registry()
    given = dict(options.get("variables", {}))
    composed = one_line(registry, given, options.get("connections"), ask).compose(_line(source, target, **asked))
    for remark in composed.remarks:
        click.echo(remark, err=True)
    options["variables"] = {**given, **composed.secrets}
    if dry_run:
        from starhaul.job.load import load_job
        from starhaul.plan.build import make_plan

        if save is not None:
            _save(composed, save)
        loaded = load_job(
            composed.document, registry, variables=options["variables"], connections=options.get("connections")
        )
        with make_plan(loaded, registry) as plan:
            show_plan(plan.as_dict())
        return
    job = _save(composed, save) if save is not None else _remember(composed, options.get("state"))
    attend(invocation, lambda options: run_job(job, **options), options, report_file=report_file, progress=progress)


def _line(
    source: str,
    target: str,
    *,
    mode: Any,
    create: bool,
    columns: tuple[str, ...],
    where: str,
    query: str,
    types: tuple[str, ...],
    keys: tuple[str, ...],
    channel: int | None,
) -> Any:
    from starhaul.api.address import ReadRequest, WriteRequest
    from starhaul.api.errors import ConfigError
    from starhaul.job.one_line import Line

    pairs = {name: kind for name, equals, kind in (text.partition("=") for text in types) if equals}
    if len(pairs) != len(types):
        raise ConfigError("--types", "is not NAME=TYPE,NAME=TYPE")
    reading = ReadRequest(columns, where, query, pairs)
    channels = channel or min(MOST_CHANNELS, os.cpu_count() or 1)
    return Line(source, target, reading, WriteRequest(mode or "", create, keys), channels)


def _save(composed: Composed, path: Path) -> Path:
    names = ", ".join(composed.secrets)
    head = f"# Needs the variables {names}: set them in the environment, or give them with -D.\n" if names else ""
    if composed.in_urls:
        head += f"# Percent-encoded, as they stand in a URL: {', '.join(composed.in_urls)}.\n"
    write_new(path, head + _text(composed), "--save")
    return path


def _remember(composed: Composed, state: Path | str | None) -> Path:
    """The job in the state directory, where `resume` and `replay` find it. The same line is the same file."""
    from starhaul.api.errors import PermanentError
    from starhaul.runs.store import state_folder

    text = _text(composed)
    folder = Path(state or state_folder()) / "copies"
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise PermanentError(str(path), f"cannot be written: {error.strerror}", "check --state") from error
    return path


def _text(composed: Composed) -> str:
    from starhaul.job.yaml_output import yaml_text

    return yaml_text(composed.document)
