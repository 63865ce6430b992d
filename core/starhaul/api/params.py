"""Parameters of a plugin: one declaration yields parsing, JSON Schema, documentation and templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SecretStr
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from starhaul.api.docstrings import attribute_docs


class Params(BaseModel):
    """The parameters of a plugin, as one frozen model. Subclass it, one annotated field per parameter.

    - A field `skip_header` is the parameter `skipHeader` of a job document.
    - The string under a field is its documentation; the fleet tests ask for one under every field.
    - Unknown keys are errors. Values that must not be shown are `pydantic.SecretStr`.
    - A field without a default is required. Rules between fields go into a pydantic `model_validator`, whose
      `ValueError` is shown to the user beside the other problems of the job.

    `Params` objects are immutable and may be shared by threads.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        protected_namespaces=(),
    )

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of these parameters under the names that a job document uses, with the strings
        under the fields as descriptions."""
        return cls.model_json_schema(by_alias=True, schema_generator=_DescribedSchema)

    @classmethod
    def parse(cls, parameters: Mapping[str, Any]) -> Self:
        """Build from the `parameter` object of a job document; `pydantic.ValidationError` if it is wrong."""
        return cls.model_validate(dict(parameters), by_alias=True, by_name=False)

    @classmethod
    def as_datax(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Valid parameters as a job with `conversion: datax` means them: what they leave out is as in DataX, where that
        is not the default here."""
        return dict(parameters)

    def secrets(self) -> frozenset[str]:
        """The secret values among these parameters, to be kept out of whatever is shown or stored."""
        return frozenset(_secrets_in(self))


class _DescribedSchema(GenerateJsonSchema):
    """Reads the strings under the fields when a schema is asked for.

    Pydantic's own `use_attribute_docstrings` parses the source of every model whenever its module is imported,
    which takes a tenth of the time that a small job takes.
    """

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        described = super().model_schema(schema)
        model = schema["cls"]
        for name, text in _strings_under_fields(model).items():
            field = model.model_fields.get(name)
            if field is not None:
                described["properties"][field.alias or name].setdefault("description", text)
        return described


def _strings_under_fields(model: type[BaseModel]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, BaseModel) and cls is not BaseModel:
            found |= attribute_docs(cls)
    return found


def _secrets_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for _, each in value:
            yield from _secrets_in(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _secrets_in(each)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _secrets_in(each)
