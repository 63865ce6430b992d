"""What DataX jobs hold that the models of the form do not: settled in a draft before it is checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starhaul.api.errors import ConfigError
from starhaul.job.datax_tables import pair_tables
from starhaul.job.document import At
from starhaul.job.uses import Draft

_HANDLER = "is Java code that DataX loads, and cannot run here"
_INSTEAD = "do it in a step before or after this job, or in the plugin's preSql and postSql"


def settle_quirks(draft: Draft, environment: Mapping[str, str]) -> None:
    """Change the value of a draft in DataX's form, in place, to what the models of the form say; what cannot be is
    among the draft's problems, what the user should know among its warnings."""
    for key in ("core", "common"):
        if key in draft.value and draft.value[key] is None:
            _take_for_nothing(draft, draft.value, (key,))
    job = draft.value.get("job")
    if not isinstance(job, dict):
        return
    if "setting" in job and job["setting"] is None:
        _take_for_nothing(draft, job, ("job", "setting"))
    _refuse_handlers(draft, job)
    setting = job.get("setting")
    if isinstance(setting, dict):
        _settle_speed(draft, setting)
        _settle_nulls(draft, setting, ("job", "setting"))
    _decrypt(draft, job, environment)
    pair_tables(draft)


def _refuse_handlers(draft: Draft, job: dict[str, Any]) -> None:
    for key in ("preHandler", "postHandler"):
        if job.pop(key, None):
            draft.problems.append(draft.document.problem(("job", key), f"a handler {_HANDLER}", _INSTEAD))


def _settle_speed(draft: Draft, setting: dict[str, Any]) -> None:
    """Some of DataX's examples write `"speed": 1048576`; DataX itself refuses it."""
    speed = setting.get("speed")
    if isinstance(speed, int | str) and not isinstance(speed, bool):
        setting["speed"] = {"byte": speed}
        problem = "is a mapping in DataX; taken as 'speed.byte', bytes per second"
        draft.warnings.append(draft.document.problem(("job", "setting", "speed"), problem))


def _settle_nulls(draft: Draft, setting: dict[str, Any], at: At) -> None:
    """To DataX null is the same as nothing."""
    for key, value in [*setting.items()]:
        if value is None:
            _take_for_nothing(draft, setting, (*at, key))
        elif isinstance(value, dict):
            _settle_nulls(draft, value, (*at, key))


def _take_for_nothing(draft: Draft, owner: dict[str, Any], at: At) -> None:
    draft.overlooked.append(draft.document.problem(at, "null is taken for nothing, as in DataX"))
    del owner[at[-1]]  # type: ignore[arg-type]  # the place is that of a key


def _decrypt(draft: Draft, job: dict[str, Any], environment: Mapping[str, str]) -> None:
    """Replace `*name` by `name` with its value in clear."""
    encrypted = list(_encrypted(job, ("job",)))
    if not encrypted:
        return
    setting = job.get("setting")
    version = setting.get("keyVersion") if isinstance(setting, dict) else None
    if not version:
        for _, key, at in encrypted:
            problem = f"'{key}' is encrypted, and 'job.setting.keyVersion' does not tell with which key"
            draft.problems.append(draft.document.problem((*at, key), problem))
        return
    from starhaul.job.datax_secrets import find_key, secret_properties_file

    try:
        secret_key = find_key(str(version), secret_properties_file(environment))
    except ConfigError as error:
        place = draft.document.problem(("job", "setting", "keyVersion"), str(error))
        draft.problems.append(place)
        for owner, key, at in encrypted:
            _unknown(draft, owner, key, at)
        return
    for owner, key, at in encrypted:
        try:
            owner[key[1:]] = secret_key.decrypt(str(owner.pop(key)))
        except ConfigError as error:
            draft.problems.append(draft.document.problem((*at, key), error.problem, error.hint))
            _unknown(draft, owner, key, at)


def _unknown(draft: Draft, owner: dict[str, Any], key: str, at: At) -> None:
    """Keep it from being reported as missing, too."""
    owner.pop(key, None)
    owner[key[1:]] = "***"
    draft.unknown.add((draft.document.source, (*at, key[1:])))


def _encrypted(value: Any, at: At) -> Iterator[tuple[dict[str, Any], str, At]]:
    """Every key with exactly one `*` before it: its mapping, itself, and the mapping's place."""
    if isinstance(value, dict):
        for key, child in value.items():
            if len(key) > 1 and key[0] == "*" and key[1] != "*" and not isinstance(child, dict | list):
                yield value, key, at
            yield from _encrypted(child, (*at, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _encrypted(child, (*at, index))
