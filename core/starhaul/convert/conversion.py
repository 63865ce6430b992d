"""The conversion of whole batches from a reader's schema to a writer's. See `plan_conversion`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyarrow as pa

from starhaul.api.errors import ConfigError, PluginError, Problem
from starhaul.api.formats import Formats
from starhaul.api.types import empty_as_null, text_pattern
from starhaul.convert.cast import Cast, cast
from starhaul.convert.classify import Fit, describe

_ISO: Final = Formats()


@dataclass(frozen=True)
class BadRow:
    """A row that could not be converted."""

    row: int
    """Its index in the batch that was to be converted."""
    reason: str
    """Column, value and what is wrong with it; several columns are separated by `; `."""


@dataclass(frozen=True)
class Converted:
    """What became of a batch."""

    batch: pa.RecordBatch
    """The rows that fitted, in order, with exactly the target's schema."""
    bad: Sequence[BadRow] = ()
    """The others, by row."""


@dataclass(frozen=True)
class ColumnConversion:
    """What happens to one column, as `starhaul plan` prints it."""

    source_name: str
    source_type: pa.DataType
    target_name: str
    target_type: pa.DataType
    fit: Fit
    note: str
    """What values must be like to fit; empty if all do."""
    formats: Formats = _ISO
    """How values of this column appear as text."""


@dataclass(frozen=True)
class Conversion:
    """Converts batches of one schema to another. Made by `plan_conversion`; immutable, picklable, and safe to use from
    several threads at once."""

    source: pa.Schema
    target: pa.Schema
    columns: tuple[ColumnConversion, ...]
    """One for each field of the target, in its order."""
    order: tuple[int, ...]
    """For each field of the target, the index of the source's column that goes there."""

    @property
    def identity(self) -> bool:
        """Whether batches pass as they are but for names and metadata: same types, same order, no new rule on nulls.
        `apply` then costs nothing, and may be left out where names do not matter."""
        return self._keeps_places and all(column.fit is Fit.SAME for column in self.columns)

    @property
    def spells(self) -> bool:
        """Whether every column becomes text, in the same order and with no new rule on nulls, as the hub spells it
        without any word of the job's."""
        return self._keeps_places and all(map(_is_spelled_by_default, self.columns))

    @property
    def _keeps_places(self) -> bool:
        """Whether each column stays where it is, and may be null where it might be."""
        return self.order == tuple(range(len(self.source))) and all(
            target.nullable or not source.nullable for source, target in zip(self.source, self.target, strict=True)
        )

    def apply(self, batch: pa.RecordBatch) -> Converted:
        """Convert one batch. Raises `PluginError` if it has not the types that were planned for. Columns that stay
        what they are share their memory with the batch."""
        if batch.schema.types != self.source.types:
            problem = f"a batch has the types {_listed(batch.schema)}, announced were {_listed(self.source)}"
            raise PluginError("batch", problem, "the reader or transformer before must yield the schema it declared")
        casts = [
            cast(batch.column(index), column.target_type, column.formats)
            for index, column in zip(self.order, self.columns, strict=True)
        ]
        bad = self._bad_rows(casts)
        if not bad:
            return Converted(_batch([one.values for one in casts], self.target, batch.num_rows))
        from starhaul.convert.attempt import keep

        reasons = {one.row for one in bad}
        rows = [row for row in range(batch.num_rows) if row not in reasons]
        return Converted(_batch([keep(one.values, rows) for one in casts], self.target, len(rows)), bad)

    def _bad_rows(self, casts: list[Cast]) -> list[BadRow]:
        reasons: dict[int, list[str]] = {}
        for column, target, result in zip(self.columns, self.target, casts, strict=True):
            misfits = _true_rows(result.bad)
            for row in misfits:
                reasons.setdefault(row, []).append(f"column {column.source_name!r}: {result.explain(row)}")
            if not target.nullable and result.values.null_count:
                for row in sorted(set(_true_rows(result.values.is_null())) - set(misfits)):
                    why = f"column {column.source_name!r}: null does not fit {target.name!r}, which is not nullable"
                    reasons.setdefault(row, []).append(why)
        return [BadRow(row, "; ".join(reasons[row])) for row in sorted(reasons)]


def plan_conversion(
    source: pa.Schema,
    target: pa.Schema,
    *,
    by: Literal["position", "name"] = "position",
    lossy: bool = False,
    formats: Formats = _ISO,
) -> Conversion:
    """Plan how batches of `source` become batches of `target`. Called when a job is planned; looks at types alone.

    Columns are matched by position, or by name: exactly, else ignoring case. Raises a `ConfigError` that carries all
    problems: columns without a counterpart, pairs of types that are impossible, and pairs that are lossy unless
    `lossy` allows that.
    """
    order = _by_position(source, target) if by == "position" else _by_name(source, target)
    problems: list[Problem] = []
    columns: list[ColumnConversion] = []
    for index, field_ in zip(order, target, strict=True):
        origin = source.field(index)
        try:
            formats_here = _formats_of(field_, formats)
            fit, note = describe(origin.type, field_.type, formats_here)
        except ConfigError as error:
            problems += [Problem(f"{origin.name}: {one.path}", one.problem, one.hint) for one in error.problems]
            continue
        columns.append(ColumnConversion(origin.name, origin.type, field_.name, field_.type, fit, note, formats_here))
        if fit is Fit.IMPOSSIBLE:
            text = f"{origin.type} cannot become {field_.type} of target column {field_.name!r}"
            problems.append(Problem(origin.name, text, note or "leave the column out, or convert it in the query"))
        elif fit is Fit.LOSSY and not lossy:
            text = f"{origin.type} loses something as {field_.type} of target column {field_.name!r}: {note}"
            problems.append(Problem(origin.name, text, "allow lossy conversions if that is meant"))
    if problems:
        raise ConfigError.of(problems)
    return Conversion(source, target, tuple(columns), order)


def _formats_of(target: pa.Field, formats: Formats) -> Formats:
    """The job's formats with what the writer told of one of its fields."""
    pattern, empty = text_pattern(target), empty_as_null(target)
    if pattern is not None:
        formats = replace(formats, datetime=pattern, date=pattern, time=pattern)
    if empty == "always" or (empty == "datax" and formats.datax):
        formats = replace(formats, empty_as_null=True)
    return formats


def _is_spelled_by_default(column: ColumnConversion) -> bool:
    kind, formats = column.source_type, column.formats
    if column.target_type != pa.string() or column.fit is Fit.LOSSY:
        return False
    if formats == _ISO:
        return True
    timeless = pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_string(kind)
    return timeless and not formats.datax and not formats.empty_as_null


def _by_position(source: pa.Schema, target: pa.Schema) -> tuple[int, ...]:
    if len(source) == len(target):
        return tuple(range(len(source)))
    problem = (
        f"the source has {len(source)} columns and the target {len(target)}: "
        f"source {', '.join(source.names)}; target {', '.join(target.names)}"
    )
    surplus = (source if len(source) > len(target) else target).names[min(len(source), len(target))]
    raise ConfigError(surplus, problem, "columns map by position: select the same number on both sides, or map by name")


def _by_name(source: pa.Schema, target: pa.Schema) -> tuple[int, ...]:
    problems: list[Problem] = []
    order: list[int] = []
    for name in target.names:
        candidates = _candidates(name, source.names)
        if len(candidates) == 1:
            order.append(candidates[0])
        elif candidates:
            listed = ", ".join(source.names[one] for one in candidates)
            problems.append(Problem(name, f"several source columns match: {listed}", "rename one of them"))
        else:
            hint = f"source columns are {', '.join(source.names)}"
            problems.append(Problem(name, "the source has no column for this target column", hint))
    uses = Counter(order)
    for index, name in enumerate(source.names):
        if uses[index] > 1:
            problems.append(Problem(name, "several target columns match this source column", "rename one of them"))
        elif not uses[index] and not any(_candidates(one, source.names).count(index) for one in target.names):
            hint = f"target columns are {', '.join(target.names)}"
            problems.append(Problem(name, "the target has no column for this source column", hint))
    if problems:
        raise ConfigError.of(problems)
    return tuple(order)


def _candidates(name: str, names: Sequence[str]) -> list[int]:
    """Indices of the names equal to `name`, or else of those equal but for case."""
    exact = [index for index, other in enumerate(names) if other == name]
    return exact or [index for index, other in enumerate(names) if other.casefold() == name.casefold()]


def _batch(columns: list[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    if columns:
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    # A batch without columns still has rows, which only a struct array can say.
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([]))).replace_schema_metadata(
        schema.metadata
    )


def _true_rows(mask: pa.BooleanArray | None) -> list[int]:
    return [] if mask is None else [row for row, wrong in enumerate(mask.to_pylist()) if wrong]


def _listed(schema: pa.Schema) -> str:
    return ", ".join(f"{one.name} {one.type}" for one in schema)
