"""Values become the type that is asked for, exactly or not at all."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from starhaul import Params
from starhaul.job.coerce import coerce


class Whole(Params):
    kind: Literal["whole"]
    value: int


class Text(Params):
    kind: Literal["text"]
    value: str


class Model(Params):
    i: int = 0
    f: float = 0
    b: bool = False
    s: str = ""
    n: int | None = None
    either: int | str = 0
    flag_or_text: bool | str = False
    items: list[int] = []  # noqa: RUF012 - pydantic copies defaults
    pair: tuple[int, str] | None = None
    named: dict[str, int] = {}  # noqa: RUF012
    one: Whole | Text | None = None
    anything: Any = None


SCHEMA = Model.json_schema()


@pytest.mark.parametrize(
    ("given", "becomes"),
    [
        ({"i": "3"}, 3),
        ({"i": "-3"}, -3),
        ({"i": "+3"}, 3),
        ({"i": "03"}, "03"),
        ({"i": " 3"}, " 3"),
        ({"i": "3.0"}, "3.0"),
        ({"i": "٣"}, "٣"),
        ({"i": 3.0}, 3),
        ({"i": 3.5}, 3.5),
        ({"i": 1e300}, 1e300),
        ({"i": True}, True),
        ({"i": ""}, ""),
        ({"i": [3]}, [3]),
        ({"f": "0.5"}, 0.5),
        ({"f": ".5"}, 0.5),
        ({"f": "1e3"}, 1000.0),
        ({"f": "3"}, 3),
        ({"f": "nan"}, "nan"),
        ({"f": "1e999"}, "1e999"),
        ({"b": "true"}, True),
        ({"b": "FALSE"}, False),
        ({"b": "yes"}, "yes"),
        ({"b": 1}, 1),
        ({"s": 5}, "5"),
        ({"s": 5.0}, 5.0),
        ({"s": True}, True),
        ({"n": "5"}, 5),
        ({"n": "null"}, "null"),
        ({"either": "5"}, "5"),
        ({"flagOrText": "true"}, "true"),
        ({"items": 5}, [5]),
        ({"items": "5"}, [5]),
        ({"items": ["1", 2]}, [1, 2]),
        ({"items": None}, None),
        ({"pair": ["1", 2]}, [1, "2"]),
        ({"named": {"a": "1"}}, {"a": 1}),
        ({"one": {"kind": "whole", "value": "+1"}}, {"kind": "whole", "value": 1}),
        ({"one": {"kind": "text", "value": "+1"}}, {"kind": "text", "value": "+1"}),
        ({"one": {"value": "+1"}}, {"value": "+1"}),
        ({"anything": "5"}, "5"),
        ({"unknown": "5"}, "5"),
    ],
)
def test_coerce(given: dict[str, Any], becomes: Any) -> None:
    value = next(iter(coerce(given, SCHEMA, SCHEMA).values()))
    assert value == becomes
    assert type(value) is type(becomes)


def test_a_choice_that_is_wrong_keeps_nothing_else_from_its_type() -> None:
    schema = Whole.model_json_schema()
    assert coerce({"kind": "none", "value": "5"}, schema, schema) == {"kind": "none", "value": 5}
