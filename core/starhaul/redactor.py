"""Keeps the values of secret parameters out of whatever is shown or stored."""

from __future__ import annotations

from dataclasses import replace

from starhaul.api.errors import ConfigError, StarhaulError


class Redactor:
    """Takes the values of secret parameters out of texts that are shown or stored."""

    def __init__(self, secrets: frozenset[str]) -> None:
        # The longest first: one secret may be part of another.
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def touches(self, text: str) -> bool:
        """Whether the text holds a secret value."""
        return any(secret in text for secret in self._secrets)

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
