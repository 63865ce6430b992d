"""Which values are secret, from the models alone."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import AliasChoices, Field, Secret, SecretBytes, SecretStr

from starhaul import Params
from starhaul.job.load import load_job
from starhaul.job.secrets import redacted, secret_places
from starhaul.registry import Registry


class Login(Params):
    user: str
    pass_word: SecretStr


class Everything(Params):
    plain: str = ""
    optional: SecretStr | None = None
    raw: SecretBytes | None = None
    marked: Annotated[SecretStr, Field(min_length=1)] | None = None
    generic: Secret[dict[str, str]] | None = None
    several: list[SecretStr] = Field(default=[])
    pair: tuple[str, SecretStr] | None = None
    by_name: dict[str, SecretStr] = Field(default={})
    login: Login | None = None
    logins: list[str | Login] = Field(default=[])
    renamed: SecretStr | None = Field(None, validation_alias=AliasChoices("old", "new"))


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({"plain": "a"}, {"plain": "a"}),
        ({"optional": "s", "raw": "s", "marked": 5}, {"optional": "***", "raw": "***", "marked": "***"}),
        ({"optional": ["not", "valid"]}, {"optional": "***"}),
        ({"generic": {"a": "s"}}, {"generic": "***"}),
        ({"several": ["s", "s"]}, {"several": ["***", "***"]}),
        ({"several": "s"}, {"several": "***"}),
        ({"byName": {"a": "s"}}, {"byName": {"a": "***"}}),
        ({"login": {"user": "u", "passWord": "s"}}, {"login": {"user": "u", "passWord": "***"}}),
        ({"logins": ["x", {"user": "u", "passWord": "s"}]}, {"logins": ["x", {"user": "u", "passWord": "***"}]}),
        ({"old": "s", "new": "s"}, {"old": "***", "new": "***"}),
        ({"unknown": "s", "login": 5, "byName": 5}, {"unknown": "s", "login": 5, "byName": "***"}),
    ],
)
def test_redacted(parameters: dict[str, Any], shown: dict[str, Any]) -> None:
    assert redacted(Everything, parameters) == shown


def test_where_any_member_of_a_pair_may_be_secret_all_are() -> None:
    assert secret_places(Everything, {"pair": ["a", "s"]}) == {("pair", 0), ("pair", 1)}


@pytest.mark.parametrize(
    ("url", "variables", "secret"),
    [
        ("mysql://me:${PW}@${HOST}/d", {"PW": "t%40p", "HOST": "h"}, {"PW"}),
        ("mysql://me:${A}${B}@h/d", {"A": "left", "B": "right"}, {"A", "B"}),
        ("${URL}", {"URL": "mysql://me:t%40p@h/d"}, {"URL"}),
        ("postgresql://h/d?sslpassword=${PW}&application_name=${APP}", {"PW": "a+b", "APP": "c"}, {"PW"}),
        ("postgresql://${HOST}/d?user=${USER}&password=${PW}", {"HOST": "h", "USER": "me", "PW": "x"}, {"PW"}),
        ("mysql://me@${HOST}/d", {"HOST": "h"}, set()),
    ],
)
def test_variables_of_secrets_within_a_url(url: str, variables: dict[str, str], secret: set[str]) -> None:
    """They are not stored with the run."""
    name = "postgresql" if url.startswith("postgresql") else "mysql"
    job = {
        "reader": {"name": name, "url": url, "table": "${T}", "where": "day = ${DAY}"},
        "writer": {"name": "stream", "print": False},
    }
    loaded = load_job(job, Registry(), variables={**variables, "T": "t", "DAY": "1"})
    assert loaded.secret_variables == secret
    assert loaded.variables.keys() == variables.keys() - secret | {"T", "DAY"}
