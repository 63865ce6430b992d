"""What is wrong with a value, all of it: from its JSON Schema, then from its model what a schema cannot say.

Imports `jsonschema`, so it is imported once something is known to be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from pydantic import ValidationError as ModelError

from starhaul.job.coerce import json_type, types_of
from starhaul.job.document import At
from starhaul.job.secrets import HIDDEN, secret_texts
from starhaul.job.spelling import did_you_mean
from starhaul.redactor import Redactor

_NOUNS = {
    "null": "null",
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "string": "a text",
    "array": "a list",
    "object": "a mapping",
}
_BOUNDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} keys",
    "maxProperties": "must have at most {} keys",
    "pattern": "must match the pattern {}",
    "format": "must be a {}",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, `at` a place relative to the value that was checked."""

    at: At
    problem: str
    hint: str = ""
    missing: bool = False
    """True if a required key is not there; `at` ends with that key."""
    unknown: bool = False
    """True if nobody asks for the key that `at` ends with."""
    meant: str | None = None
    """The option that was meant, if the value is one of them but for its case."""


def faults(value: Any, schema: Mapping[str, Any], error: ModelError | None, secret: Iterable[At] = ()) -> list[Fault]:
    """Everything that is wrong with `value`, in the order of the document as far as there is one.

    `error` is what the model of `schema` raised. Values at or inside the places in `secret` are not shown.
    """
    hidden = tuple(secret)
    found = [fault for each in Draft202012Validator(schema).iter_errors(value) for fault in _explain(each, hidden)]
    if error is not None:
        of_model = model_faults(value, error, hidden)
        found += [fault for fault in of_model if not any(_covers(known, fault) for known in found)]
    return list(dict.fromkeys(found))


def model_faults(value: Any, error: ModelError, secret: Iterable[At] = ()) -> list[Fault]:
    """What a model says is wrong with `value`, without the texts at the places in `secret`."""
    redacted = Redactor(frozenset(text for place in secret for text in secret_texts(_at(value, place))))
    found = []
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        message = each["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        missing = each["type"] == "missing"
        place = _place(value, each["loc"], missing)
        if each["type"] == "literal_error" and isinstance(_at(value, place), dict | list):
            continue  # of an alternative that was not meant: the others tell what is wrong
        found.append(Fault(place, redacted(message), missing=missing))
    return found


def _explain(error: ValidationError, hidden: tuple[At, ...]) -> Iterator[Fault]:
    at = tuple(error.absolute_path)
    keyword, wanted, value = error.validator, error.validator_value, error.instance
    if keyword == "required":
        yield from _missing(error, at)
    elif keyword in {"additionalProperties", "unevaluatedProperties"}:
        known = list(error.schema.get("properties", ()))
        for key in value:
            if key not in known:
                yield Fault((*at, key), f"unknown key '{key}'", did_you_mean(key, known), unknown=True)
    elif keyword in {"anyOf", "oneOf"} and error.context:
        yield from _alternatives(error, at, hidden)
    elif keyword == "type":
        yield _type_fault(at, [wanted] if isinstance(wanted, str) else wanted, value, hidden)
    elif keyword in {"enum", "const"}:
        options = wanted if keyword == "enum" else [wanted]
        allowed = f"must be {_options(options)}"
        hint = error.schema.get("description", "")
        meant = None
        if isinstance(value, str) and not _is_hidden(at, hidden):
            texts = [each for each in options if isinstance(each, str)]
            meant = next((each for each in texts if each.lower() == value.lower()), None)
            if keyword == "enum":
                hint = did_you_mean(value, texts, listed=False)
        yield Fault(at, f"{allowed}, found {_found(value, at, hidden)}", hint, meant=meant)
    elif keyword in _BOUNDS:
        yield Fault(at, f"{_BOUNDS[keyword].format(wanted)}, found {_found(value, at, hidden)}")
    else:
        yield Fault(at, f"does not fit: {keyword} {wanted}")


def _missing(error: ValidationError, at: At) -> Iterator[Fault]:
    # jsonschema reports each missing key on its own, and names it in the message alone.
    for key in error.validator_value:
        if error.message.startswith(f"{key!r} is"):
            description = error.schema.get("properties", {}).get(key, {}).get("description", "")
            yield Fault((*at, key), f"'{key}' is required and missing", _first_sentence(description), missing=True)


def _alternatives(error: ValidationError, at: At, hidden: tuple[At, ...]) -> Iterator[Fault]:
    """The faults of the one alternative that was meant, if the value's type tells; else what all of them want."""
    branches: dict[Any, list[ValidationError]] = {}
    for each in error.context:
        branches.setdefault(each.relative_schema_path[0], []).append(each)
    meant = [
        errors
        for errors in branches.values()
        if not any(each.validator == "type" and not each.relative_path for each in errors)
    ]
    if meant:
        for each in min(meant, key=len):
            yield from _explain(each, hidden)
        return
    names = [name for errors in branches.values() for each in errors if not each.relative_path for name in _names(each)]
    yield _type_fault(at, list(dict.fromkeys(names)), error.instance, hidden)


def _names(error: ValidationError) -> list[str]:
    wanted = error.validator_value
    return [wanted] if isinstance(wanted, str) else [each for each in wanted if isinstance(each, str)]


def _type_fault(at: At, names: list[str], value: Any, hidden: tuple[At, ...]) -> Fault:
    wanted = " or ".join(_NOUNS.get(name, name) for name in names)
    hint = ""
    if "string" in types_of({"type": names}) and isinstance(value, float | bool):
        hint = "put it in quotes"
    return Fault(at, f"must be {wanted}, found {_found(value, at, hidden)}", hint)


def _found(value: Any, at: At, hidden: tuple[At, ...]) -> str:
    noun = {"boolean": "", "null": "", "integer": "the number ", "number": "the number ", "string": "the text "}
    kind = json_type(value)
    if kind not in noun:
        return _NOUNS[kind]
    if _is_hidden(at, hidden):
        return HIDDEN
    text = {True: "true", False: "false", None: "null"}[value] if not noun[kind] else repr(value)
    return noun[kind] + (text if len(text) <= 60 else text[:57] + "…")


def _options(options: Iterable[Any]) -> str:
    shown = [{True: "true", False: "false"}[each] if isinstance(each, bool) else repr(each) for each in options]
    return shown[0] if len(shown) == 1 else "one of " + ", ".join(shown)


def _is_hidden(at: At, hidden: tuple[At, ...]) -> bool:
    return any(at[: len(place)] == place for place in hidden)


def _first_sentence(text: str) -> str:
    return text.partition("\n")[0].partition(". ")[0].rstrip(".")


def _at(value: Any, at: At) -> Any:
    for step in at:
        value = value[step]
    return value


def _place(value: Any, steps: tuple[int | str, ...], missing: bool) -> At:
    """A model's location without the names of unions' members and validators, which are no part of the document."""
    at: At = ()
    for step in steps:
        keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if step in keys:
            value = value[step]
            at = (*at, step)
    return (*at, steps[-1]) if missing else at


def _covers(known: Fault, fault: Fault) -> bool:
    """Whether a fault from the schema tells of what the model found as well."""
    inside = fault.at[: len(known.at)] == known.at
    around = bool(fault.at) and known.at[: len(fault.at)] == fault.at
    return inside or around
