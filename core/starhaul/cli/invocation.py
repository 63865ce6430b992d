"""What every command shares: the general options, and what they set."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from starhaul.registry import Registry

LOG_LEVELS = ("debug", "info", "warning", "error")
TRACEBACKS = "starhaul.tracebacks"
"""The logger of `starhaul.unexpected`, which a small command need not import."""
OUR_LOGGERS = ("starhaul", "starhaul_readers", "starhaul_writers", "starhaul_transformers", "starhaul_stores")


@dataclass
class Invocation:
    """The general options of one call of the program. They may stand before the command or after it."""

    plugin_files: tuple[Path, ...] = ()
    log_level: str = "warning"
    debug: bool = False

    def registry(self) -> Registry:
        """The plugins that are installed, and those of `--plugin`. Raises `PluginError` if one of the latter
        cannot be used."""
        from starhaul.registry import Registry

        return Registry(self.plugin_files)

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Within the block, log records of the wanted level go to standard error."""
        import logging

        class ToStandardError(logging.Handler):
            """Looks `sys.stderr` up for each record: the live display replaces it meanwhile."""

            def emit(self, record: logging.LogRecord) -> None:
                print(self.format(record), file=sys.stderr)

        handler = ToStandardError()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        # Drivers may log what they send, secrets included: the level is that of this program's own records.
        levels = dict.fromkeys(OUR_LOGGERS, self.log_level.upper()) | {TRACEBACKS: "DEBUG" if self.debug else "ERROR"}
        ours = [logging.getLogger(name) for name in levels]
        before = [logger.level for logger in ours]
        for logger, level in zip(ours, levels.values(), strict=True):
            logger.setLevel(level)
        logging.getLogger().addHandler(handler)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(handler)
            for logger, level_before in zip(ours, before, strict=True):
                logger.setLevel(level_before)


def general_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: adds the options that set the `Invocation`."""

    def setting(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
        def remember(ctx: click.Context, _: click.Parameter, value: Any) -> None:
            invocation = ctx.ensure_object(Invocation)
            if name == "plugin_files":
                invocation.plugin_files += value
            elif value:
                setattr(invocation, name, value)

        return remember

    options = [
        click.option(
            "--plugin", metavar="FILE", multiple=True, type=click.Path(path_type=Path), expose_value=False,
            callback=setting("plugin_files"), help="Load a plugin from a Python file. Repeatable.",
        ),
        click.option(
            "--log-level", "--loglevel", "log_level", expose_value=False, callback=setting("log_level"),
            type=click.Choice((*LOG_LEVELS, "warn"), case_sensitive=False),
            help="What to log on standard error. [default: warning]",
        ),
        click.option(
            "--debug", is_flag=True, expose_value=False, callback=setting("debug"),
            help="Show the traceback of an unexpected error.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def command(function: Callable[..., Any]) -> click.Command:
    """Decorator: a command with the general options. The function is called with the `Invocation` and, as keywords,
    what its own options say; its docstring is the help."""

    @functools.wraps(function)
    def start(**arguments: Any) -> Any:
        invocation = click.get_current_context().ensure_object(Invocation)
        with invocation.logging():
            return function(invocation, **arguments)

    return click.command(general_options(start))
