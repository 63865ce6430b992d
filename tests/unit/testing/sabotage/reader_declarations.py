"""Readers that are good but for one thing that they declare, or a secret that they tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ConfigDict

from starhaul import PermanentError, Split
from starhaul.testing.memory import MemoryReader, MemoryReaderParams
from tests.unit.testing.sabotage.spoiled_reader import PasswordParams, tests_of


class UndocumentedParams(MemoryReaderParams):
    more: int = 0


class HasUndocumentedParameter(MemoryReader):
    params_type = UndocumentedParams


class OpenParams(MemoryReaderParams):
    model_config = ConfigDict(extra="ignore")


class TakesAnyParameter(MemoryReader):
    params_type = OpenParams


class PlainPasswordParams(MemoryReaderParams):
    password: str = ""
    """Password of the store."""


class ShowsPassword(MemoryReader):
    params_type = PlainPasswordParams


class TellsPasswordInError(MemoryReader):
    params_type = PasswordParams

    def check(self) -> None:
        params: Any = self.params
        if params.password.get_secret_value():
            raise PermanentError("store", f"cannot log in as root:{params.password.get_secret_value()}")


class TellsPasswordInRepr(MemoryReader):
    params_type = PasswordParams

    def __repr__(self) -> str:
        params: Any = self.params
        return f"TellsPasswordInRepr({params.password.get_secret_value()})"


class SplitsHoldPassword(MemoryReader):
    params_type = PasswordParams

    def split(self, target: int) -> Sequence[Split]:
        params: Any = self.params
        login = {"login": f"root:{params.password.get_secret_value()}"}
        return [replace(each, args={**each.args, **login}) for each in super().split(target)]


class TellsPasswordInPlan(MemoryReader):
    params_type = PasswordParams

    def describe(self) -> Sequence[str]:
        params: Any = self.params
        return (f"Logs in as root:{params.password.get_secret_value()}.",)


class ImportsItsDriver(MemoryReader):
    __module__ = "pyarrow.csv"  # stands for a plugin module that imports what is heavy


CAUGHT_BY: Mapping[type[MemoryReader], str] = {
    HasUndocumentedParameter: "test_parameters_are_documented",
    TakesAnyParameter: "test_unknown_parameters_are_refused",
    ShowsPassword: "test_secrets_are_declared",
    TellsPasswordInError: "test_secrets_are_never_shown",
    TellsPasswordInRepr: "test_secrets_are_never_shown",
    SplitsHoldPassword: "test_splits_keep_secrets",
    TellsPasswordInPlan: "test_splits_keep_secrets",
    ImportsItsDriver: "test_import_is_light",
}

globals().update(tests_of(CAUGHT_BY))
