"""`starhaul schema`."""

from __future__ import annotations

import json

import click

from starhaul.cli.invocation import Invocation, command


@command
def schema(invocation: Invocation) -> None:
    """Print the JSON Schema of job documents.

    For editors: it knows the parameters of every plugin that is installed.
    """
    from starhaul.job.schema import job_schema

    click.echo(json.dumps(job_schema(invocation.registry()), ensure_ascii=False, indent=2))
