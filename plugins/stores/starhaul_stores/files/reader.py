"""Reads files of any format in any place."""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import pyarrow as pa

from starhaul import Capability, Cast, ConfigError, PermanentError, Reader, Split, Task, legible
from starhaul_stores.files.abreast import abreast
from starhaul_stores.files.bundling import bundled
from starhaul_stores.files.columns import TypedField, arrow_type, own_fields, resolved, typed
from starhaul_stores.files.formats.input import Block, Cut, InputFormat, Selection
from starhaul_stores.files.formats.named import input_format
from starhaul_stores.files.partitions import values_in
from starhaul_stores.files.places.listing import listed
from starhaul_stores.files.places.place import FileStatus, Place
from starhaul_stores.files.places.source import Link, Source
from starhaul_stores.files.read_params import FileReaderParams

P = TypeVar("P", bound=FileReaderParams)

_SMALLEST_CUT = 8 << 20


class FileReader(Reader[P]):
    """Reads files. A plugin says in which place, and which patterns its parameters name."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.SPLIT})
    where: ClassVar[str] = "path"
    """The parameter that names the files, for messages."""

    @property
    @abstractmethod
    def place(self) -> Place:
        """Where the files stand."""

    @property
    @abstractmethod
    def patterns(self) -> Sequence[str]:
        """Paths, directories and patterns."""

    @property
    def none(self) -> bool:
        """Whether there may be no file at all. Then the columns must be named."""
        return False

    def check(self) -> None:
        with Link(self.place) as link:
            files = self._listed(link)
            link.call(lambda session: session.expect_readable(files, self.where))
            self._expect_partitions(self._fields(self._own(link, files)), files)

    def schema(self) -> pa.Schema:
        with Link(self.place) as link:
            own = None if self._format.blind else self._own(link, self._listed(link))
        return _schema(self._fields(own))

    def split(self, target: int) -> Sequence[Split]:
        """One split for each file, several for a large one that can be cut, one for many that are small."""
        with Link(self.place) as link:
            files = [file for file in self._listed(link) if file.size]
            size = min(self.params.split_size, max(sum(file.size for file in files) // max(target, 1), _SMALLEST_CUT))
            fields = _to_text(self._own(link, files))
            cuts = abreast(link, files, lambda own, file: list(self._format.cuts(Source(own, file), size)))
            parts = [(file, cut) for file, some in zip(files, cuts, strict=True) for cut in some]
        return [self._split(group, fields) for group in bundled(parts, size, target)]

    def read(self, split: Split, task: Task) -> Iterator[pa.RecordBatch]:
        own = _from_text(split.args["fields"])
        fields = self._fields(own)
        schema = _schema(fields)
        selection = self._selection(fields, own)
        with Link(self.place, task.pause) as link:
            for part in split.args["parts"]:
                source = Source(link, FileStatus.of(part))
                source.expect_unchanged()
                here = self._in_folder(fields, source.file.path)
                for block in self._format.blocks(source, part["cut"], selection, task):
                    yield _batch(block, here, selection.used, schema, task)
                source.expect_unchanged()

    def describe(self) -> Sequence[str]:
        with Link(self.place) as link:
            files = self._listed(link)
        size = sum(file.size for file in files)
        return [
            f"reads {len(files)} files of {size} bytes, each as it was when the run was planned",
            "rows with too few or too many fields, with bytes that are no text, or with values that are not of their "
            "column's type are rejected with file and line",
        ]

    @property
    def _format(self) -> InputFormat:
        return input_format(self.params)

    def _listed(self, link: Link) -> list[FileStatus]:
        def meant(own: Link, pattern: str) -> list[FileStatus]:
            return own.call(lambda session: listed(session, [pattern], self.where, none=self.none))

        found = {file.path: file for files in abreast(link, self.patterns, meant) for file in files}
        return self.kept([found[path] for path in sorted(found)])

    def kept(self, files: list[FileStatus]) -> list[FileStatus]:
        """Those of the files that are read."""
        return files

    def _own(self, link: Link, files: Sequence[FileStatus]) -> pa.Schema | None:
        """The fields of the first file that tells; None if none does, or none was asked."""
        if self._format.blind:
            return None

        def told(own: Link, file: FileStatus) -> pa.Schema | None:
            return self._format.fields(Source(own, file))

        found = ((number, own) for number, file in enumerate(files, 1) if (own := told(link, file)) is not None)
        number, first = next(found, (len(files), None))
        anywhere = self.params.anywhere()
        if first is None or not anywhere:
            return first
        with closing(abreast(link, files[number:], told)) as others:
            return _completed(first, filter(None, others), anywhere)

    def _fields(self, own: pa.Schema | None) -> list[TypedField]:
        """The columns of the rows: those of the job, or those of the files, and those in names of folders."""
        columns = self.params.columns()
        if not columns and own is None:
            raise ConfigError("column", "the files are empty, so nothing tells how many columns there are", "name them")
        fields = resolved(columns, own) if columns else own_fields(own)
        for number, field in enumerate(fields):
            if field.index is not None and self.params.ignores(number):
                fields[number] = replace(field, index=None, constant=pa.nulls(1, field.type))
        for column in self.params.partition_columns:
            fields.append(TypedField(column.name, arrow_type(column.type), None, partition=column.name))
        return fields

    def _selection(self, fields: Sequence[TypedField], own: pa.Schema | None) -> Selection:
        asked = {field.index: field.type for field in fields if field.index is not None}
        used = tuple(sorted(asked))
        names = {index: own.field(index).name for index in used if index < len(own)} if own is not None else {}
        wanted = pa.schema([(names.get(index, f"column_{index}"), asked[index]) for index in used])
        if own is None:
            return Selection(used, None, None)
        some = self.params.columns() or self.params.parquet_nodes()
        return Selection(used, wanted, None if some else len(own))

    def _expect_partitions(self, fields: Sequence[TypedField], files: Sequence[FileStatus]) -> None:
        folders = {file.path.rpartition("/")[0]: file for file in files} if self.params.partition_columns else {}
        for file in folders.values():
            try:
                self._in_folder(fields, file.path)
            except PermanentError as error:
                raise ConfigError("partitionColumns", str(error), "check `path`") from error

    def _in_folder(self, fields: Sequence[TypedField], path: str) -> list[TypedField]:
        """The columns for one file: those in names of folders as constants."""
        values = values_in(path) if self.params.partition_columns else {}
        here = []
        for field in fields:
            if field.partition is not None:
                if field.partition not in values:
                    raise PermanentError(self.place.shown(path), f"is in no folder `{field.partition}=…`")
                try:
                    value = pa.array([values[field.partition]], pa.string())
                except UnicodeEncodeError as error:
                    problem = f"the folder's {field.partition} is no UTF-8"
                    raise PermanentError(self.place.shown(path), problem) from error
                result = typed(value, field)
                if result.bad is not None:
                    reason = f"the folder's {field.partition}: {result.explain(0)}"
                    raise PermanentError(self.place.shown(path), reason)
                field = replace(field, constant=result.values)
            here.append(field)
        return here

    def _split(self, parts: Sequence[tuple[FileStatus, Cut]], fields: str | None) -> Split:
        file, first = parts[0]
        name = f"{self.place.shown(file.path)}{first.id}" + (f" and {len(parts) - 1} more" if len(parts) > 1 else "")
        rows = [cut.rows for _, cut in parts]
        sizes = [cut.bytes for _, cut in parts]
        return Split(
            name,
            {"fields": fields, "parts": [{**file.args(), "cut": dict(cut.args)} for file, cut in parts]},
            None if None in rows else sum(count or 0 for count in rows),
            None if None in sizes else sum(size or 0 for size in sizes),
        )


def _completed(own: pa.Schema, others: Iterator[pa.Schema], wanted: frozenset[str]) -> pa.Schema:
    """The fields of the first file with those of other names from further files, as far as they are wanted; what no
    file has is null."""
    found = {field.name: field for field in own}
    while (missing := wanted - found.keys()) and (other := next(others, None)) is not None:
        found |= {field.name: field for field in other if field.name not in found}
    if missing == wanted:
        raise ConfigError("column", f"no file has any of the columns {', '.join(sorted(wanted))}", "check the names")
    return pa.schema([*found.values(), *(pa.field(name, pa.null()) for name in sorted(missing))])


def _schema(fields: Sequence[TypedField]) -> pa.Schema:
    return pa.schema([pa.field(field.name, field.type, metadata=field.metadata) for field in fields])


def _to_text(schema: pa.Schema | None) -> str | None:
    return None if schema is None else base64.b64encode(schema.serialize().to_pybytes()).decode()


def _from_text(text: str | None) -> pa.Schema | None:
    return None if text is None else pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def _typed(values: pa.Array, field: TypedField, block: Block) -> Cast:
    try:
        return typed(values, field)
    except ConfigError as error:
        raise PermanentError(block.raw(0).at, f"column {field.name}: {error.problem}", error.hint) from error


def _batch(
    block: Block, fields: Sequence[TypedField], used: Sequence[int], schema: pa.Schema, task: Task
) -> pa.RecordBatch:
    """The rows of a block in the columns' types. Those that do not fit are rejected."""
    texts: Mapping[int, Any] = dict(zip(used, block.columns, strict=True))
    arrays: list[pa.Array] = []
    reasons: dict[int, str] = dict(block.broken)
    for field in fields:
        if field.index is None:
            arrays.append(field.constant.take(pa.repeat(0, block.rows)))  # type: ignore[union-attr]
            continue
        result = _typed(texts[field.index], field, block)
        arrays.append(result.values)
        for row, reason in result.misfits().items():
            reasons.setdefault(row, f"{field.name}: {reason}")
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    if not reasons:
        return batch
    for row, reason in sorted(reasons.items()):
        raw = block.raw(row)
        shown = legible(raw.batch.slice(raw.row, 1)) if row in block.broken else raw.batch.slice(raw.row, 1)
        task.reject(shown, 0, reason, at=raw.at)
    return batch.filter(pa.array([row not in reasons for row in range(block.rows)], pa.bool_()))
