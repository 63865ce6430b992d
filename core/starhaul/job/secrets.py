"""Which values of a document are secret: those whose place in a plugin's model is a `SecretStr` or `SecretBytes`."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import unquote, unquote_plus

from pydantic import AliasChoices, BaseModel, Secret, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from starhaul.api.params import Params
from starhaul.job.document import At

HIDDEN = "***"


def secret_places(params_type: type[Params], parameters: Mapping[str, Any]) -> set[At]:
    """Places in a `parameter` object whose values are secret, whether or not the object is valid. Where a model
    allows several types, a place that is secret in one of them counts."""
    return set(_walk(params_type, parameters, ()))


def redacted(params_type: type[Params], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a `parameter` object with `***` for each secret value; fit to be shown and stored."""
    secret = secret_places(params_type, parameters)
    return {key: _without(value, (key,), secret) for key, value in parameters.items()}


def secret_texts(value: Any) -> Iterator[str]:
    """Every text of a secret value that could turn up in a message."""
    if isinstance(value, Mapping):
        for child in value.values():
            yield from secret_texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from secret_texts(child)
    elif isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
        yield str(value)


def texts_in(value: Any, at: At = ()) -> Iterator[tuple[At, str]]:
    """Every text in a value, and its place."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping | list):
        for step, child in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from texts_in(child, (*at, step))


def decodings(text: str) -> set[str]:
    """What a text may stand for: itself, or as a part of a URL."""
    return {text, unquote(text), unquote_plus(text)}


def _without(value: Any, at: At, secret: set[At]) -> Any:
    if at in secret:
        return HIDDEN
    if isinstance(value, Mapping):
        return {key: _without(child, (*at, key), secret) for key, child in value.items()}
    if isinstance(value, list):
        return [_without(child, (*at, index), secret) for index, child in enumerate(value)]
    return value


def _walk(annotation: Any, value: Any, at: At) -> Iterator[At]:
    annotation = getattr(annotation, "__value__", annotation)  # what a `type` alias stands for
    if isinstance(annotation, types.GenericAlias) or get_origin(annotation) is not None:
        yield from _walk_generic(annotation, value, at)
    elif not isinstance(annotation, type):
        return
    elif issubclass(annotation, SecretStr | SecretBytes | Secret):
        yield at
    elif issubclass(annotation, BaseModel) and isinstance(value, Mapping):
        for name, field in annotation.model_fields.items():
            for key in _keys(name, field):
                if key in value:
                    yield from _walk(field.annotation, value[key], (*at, key))


def _walk_generic(annotation: Any, value: Any, at: At) -> Iterator[At]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(origin, type) and issubclass(origin, Secret):
        yield at
    elif origin is Annotated:
        yield from _walk(arguments[0], value, at)
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _walk(argument, value, at)
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _walk(arguments[-1], child, (*at, key))
    else:
        # A scalar where an array belongs becomes an array of one, so its place is the array's.
        items = (
            [((*at, index), child) for index, child in enumerate(value)] if isinstance(value, list) else [(at, value)]
        )
        for place, child in items:
            for argument in arguments:
                yield from _walk(argument, child, place)


def _keys(name: str, field: FieldInfo) -> list[str]:
    alias = field.validation_alias or field.alias or name
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [choice for choice in choices if isinstance(choice, str)]
