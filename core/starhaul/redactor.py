"""Keeps the values of secret parameters out of whatever is shown or stored."""

from __future__ import annotations

import re
from dataclasses import replace

from starhaul.api.errors import ConfigError, StarhaulError

_SHORT = 4


class Redactor:
    """Takes the values of secret parameters out of texts that are shown or stored. Those of less than four characters
    count where they stand alone: elsewhere each of their letters would be gone, which tells what they are."""

    def __init__(self, secrets: frozenset[str]) -> None:
        # The longest first: one secret may be part of another.
        ordered = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self._secrets = [
            re.compile(re.escape(each) if len(each) >= _SHORT else rf"(?<!\w){re.escape(each)}(?!\w)")
            for each in ordered
        ]

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.sub("***", text)
        return text

    def touches(self, text: str) -> bool:
        """Whether the text holds a secret value."""
        return any(secret.search(text) for secret in self._secrets)

    def error(self, error: StarhaulError) -> StarhaulError:
        """The same error without secrets: stores and drivers put them into their messages."""
        error.where, error.problem, error.hint = self(error.where), self(error.problem), self(error.hint)
        error.args = (error.where, error.problem, error.hint)
        if isinstance(error, ConfigError):
            error.problems = tuple(
                replace(each, path=self(each.path), problem=self(each.problem), hint=self(each.hint))
                for each in error.problems
            )
        return error
