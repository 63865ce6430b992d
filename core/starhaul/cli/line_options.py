"""What `copy` and `discover` share: how a URL on the command line is understood, and where its password comes from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from starhaul.job.one_line import OneLine, Side
    from starhaul.registry import Registry

PASSWORD_VARIABLES = {"source": "STARHAUL_SOURCE_PASSWORD", "target": "STARHAUL_TARGET_PASSWORD"}


def one_line(
    registry: Registry, variables: dict[str, str], connections: Path | None, ask: tuple[str, ...] = ()
) -> OneLine:
    """What makes sense of URLs. `ask` are the sides whose password is asked for at the terminal; the others' comes from
    `PASSWORD_VARIABLES`, if it is there. Warns of a file of connections that others can read."""
    from starhaul.cli.failure import tell
    from starhaul.job.connections import Connections
    from starhaul.job.one_line import OneLine
    from starhaul.job.variables import Variables

    known = Connections(connections)
    for warning in known.warnings():
        tell("warning", str(warning))
    return OneLine(registry, known, Variables(variables, os.environ), _password(variables, ask))


def _password(variables: dict[str, str], ask: tuple[str, ...]) -> Callable[[Side], str | None]:
    def password(side: Side) -> str | None:
        if side in ask:
            answer: str = click.prompt(f"Password of the {side}", hide_input=True, err=True)
            return answer
        name = PASSWORD_VARIABLES[side]
        return variables.get(name, os.environ.get(name))

    return password


def comma_list(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    """`a,b` as a tuple; a name that holds a comma or blanks stands in quotes: `a,"b,c"`."""
    import shlex

    lexer = shlex.shlex(value or "", posix=True)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters, lexer.escape = ",", True, "", ""
    try:
        return tuple(part.strip() for part in lexer if part.strip())
    except ValueError:
        raise click.BadParameter("a quote is not closed") from None
