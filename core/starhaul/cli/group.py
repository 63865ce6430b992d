"""The command `starhaul` itself: finds the command that is meant, and explains whatever goes wrong in it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from starhaul import __version__
from starhaul.cli.invocation import general_options

SHORT_HELP = {
    "run": "Run a job.",
    "check": "Validate a job and connect to its stores; change nothing.",
    "plan": "Show what a job is going to do.",
    "preview": "Show the first rows that a job would write.",
    "copy": "Copy tables or files: a job in one line.",
    "discover": "List what there is to read: tables, keys, columns.",
    "init": "Write a job template for a reader and a writer.",
    "convert": "Turn a DataX job into a native one.",
    "plugins": "List the plugins, or describe one.",
    "connections": "List or test named connections.",
    "runs": "List the newest runs, or forget old ones.",
    "resume": "Take up a run that was stopped, failed or was killed.",
    "replay": "Send the rejected rows of a run through again.",
    "schema": "Print the JSON Schema of job documents.",
}
"""Every command in the order of `--help`, with the first sentence of its help: known without importing it."""

_JOB_SUFFIXES = (".json", ".yaml", ".yml")
_JOB_SCHEMES = ("file://", "http://", "https://")


class LazyGroup(click.Group):
    """Imports a command's module when the command is used. `starhaul JOB` is `starhaul run JOB`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SHORT_HELP)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SHORT_HELP:
            return None
        command: click.Command = getattr(import_module(f"starhaul.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SHORT_HELP.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        place = self._implied_run(args)
        if place is not None:
            args = [*args[:place], "run", *args[place:]]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise click.UsageError(f"There is no command and no job file named '{name}'.{_meant(name)}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BaseException as error:
            from starhaul.cli.failure import explain

            ctx.exit(explain(error, debug=ctx.obj.debug))

    def _implied_run(self, args: Sequence[str]) -> int | None:
        """Where `run` belongs in arguments that name a job file and no command; None if they do not."""
        flags = {name: each.is_flag for each in self.params if isinstance(each, click.Option) for name in each.opts}
        place = 0
        while place < len(args) and args[place].startswith("-"):
            name, equals, _ = args[place].partition("=")
            if name not in flags:  # an option of `run`, written before the job as datax.py allows it
                return place if any(map(_is_job, args[place:])) else None
            place += 1 if flags[name] or equals else 2
        return place if place < len(args) and args[place] not in SHORT_HELP and _is_job(args[place]) else None


def _is_job(argument: str) -> bool:
    lower = argument.lower()
    return lower.endswith(_JOB_SUFFIXES) or lower.startswith(_JOB_SCHEMES) or Path(argument).is_file()


def _meant(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name, SHORT_HELP, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="starhaul %(version)s")
@general_options
def starhaul() -> None:
    """Move data in batches between any two stores, exactly.

    `starhaul JOB` runs a job file, as `starhaul run JOB` does.

    Exit codes: 0 done, 1 failed, 2 the job or the command line is wrong, 3 a plugin is missing or broken, 4 too many
    rows were rejected, 143 stopped.
    """
