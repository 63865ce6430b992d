"""Writes files of any format into any place."""

from __future__ import annotations

import re
import time
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, TypeVar

import pyarrow as pa

from starhaul import Block, Capability, ConfigError, PermanentError, Receipt, Task, Writer
from starhaul_stores.files.fanning import Fan, Target
from starhaul_stores.files.formats.named import output_format
from starhaul_stores.files.formats.output import OutputFormat
from starhaul_stores.files.places.listing import is_hidden
from starhaul_stores.files.places.place import FileStatus, Place, Session, Staged
from starhaul_stores.files.write_params import FileWriterParams

P = TypeVar("P", bound=FileWriterParams)

_RUN = re.compile(r"\d{8}_\d{6}_[0-9a-f]{6}(?=_\d+$)")
"""The part of `Task.run` that all streams of a run share."""
_ABANDONED_AFTER = 7 * 24 * 3600
"""Seconds after which staging that nobody wrote to is taken for that of a dead run. A run that is resumed later than
this fails, and says why."""


class FileWriter(Writer[P]):
    """Writes files that appear all at once when the run has succeeded. A plugin says in which place and directory."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({Capability.ATOMIC, Capability.IDEMPOTENT})
    where: ClassVar[str] = "path"
    """The parameter that names the directory, for messages."""

    @property
    @abstractmethod
    def place(self) -> Place:
        """Where the files are to stand."""

    @property
    @abstractmethod
    def directory(self) -> str:
        """The directory of the files, as `place.absolute` makes it."""

    @property
    def even_empty(self) -> bool:
        """Whether a task without rows writes a file; with partitions none does."""
        return True

    def accept(self, source: pa.Schema) -> pa.Schema:
        source = self._named(source)
        folders = set(self.params.partition_columns)
        inside = iter(self._format.accept(self._inside(source)))
        text = pa.string()
        return pa.schema([pa.field(each.name, text) if each.name in folders else next(inside) for each in source])

    def check(self, schema: pa.Schema) -> None:
        with self.place.session() as session:
            session.expect_writable(self.directory, self.where)
            self._expect_no_conflict(session)
        missing = [name for name in self.params.partition_columns if schema.names.count(name) != 1]
        if missing:
            raise ConfigError("partitionColumns", f"there is no column {missing[0]!r}", f"there are {schema.names}")
        hidden = [name for name in self.params.partition_columns if name.startswith(".")]
        if hidden:
            raise ConfigError(
                "partitionColumns", f"folders of {hidden[0]!r} are hidden by the dot", "rename the column"
            )
        if not len(self._inside(schema)):
            raise ConfigError("column", "there are no columns to write")
        self._format.check(self._inside(schema))

    def prepare(self, schema: pa.Schema, run: str) -> None:
        """Make the directory, and clear what runs that died long ago have left."""
        with self.place.session() as session:
            session.make_directory(self.directory)
            session.clear(self.directory, self.params.file_name, before=time.time() - _ABANDONED_AFTER)
            self._expect_no_conflict(session, run)

    def write(self, task: Task, batches: Iterable[pa.RecordBatch]) -> Receipt:
        """One file, also if there are no rows, as in DataX (see `even_empty`); with partitions, one for each; several
        where they become too large."""
        rows = 0
        with self._fan(task) as fan:
            for batch in batches:
                refused = fan.write(batch)
                for row, reason in sorted(refused.items()):
                    task.reject(batch, row, reason)
                rows += batch.num_rows - len(refused)
        return self._receipt(task, fan, rows)

    def encodings(self, source: pa.Schema) -> Sequence[str]:
        return () if self.params.partition_columns else self._format.encodings(self.accept(source))

    def write_encoded(self, task: Task, encoding: str, blocks: Iterable[Block]) -> Receipt:
        del encoding  # the format takes one
        rows = 0
        with self._fan(task) as fan:
            for block in blocks:
                refused = fan.write_encoded(block)
                for _, (values, reason) in sorted(refused.items()):
                    task.reject(values, 0, reason)
                rows += block.num_rows - len(refused)
        return self._receipt(task, fan, rows)

    def _fan(self, task: Task) -> Fan:
        target = Target(self.place, self.directory, f"{self._start(task.run)}{task.id}", self._end, task.attempt)
        params, size = self.params, self.params.max_file_size
        most = None if size is None else size << 20
        inside, folders = self._inside(task.schema), params.partition_columns
        return Fan(target, self._format, inside, folders, most, even_empty=self.even_empty)

    def _receipt(self, task: Task, fan: Fan, rows: int) -> Receipt:
        return Receipt(task.id, rows, attempt=task.attempt, data={"files": [each.args() for each in fan.staged]})

    def commit(self, run: str, receipts: Sequence[Receipt]) -> None:
        """Show the new files first, remove the older ones then, so that the rows are there at every moment. What comes
        meanwhile stays: of two runs that removed each other's files, none would be left."""
        staged = _staged(receipts)
        names = {each.name for each in staged}
        with self.place.session() as session:
            self._expect_no_conflict(session, run)
            older = self._replaced(session, names, run)
            session.publish(self.directory, staged)
            for path in older:
                session.remove(path)
            session.clear(self.directory, self._start(run))
            self._expect_alone(session, names, run)

    def abort(self, run: str, receipts: Sequence[Receipt]) -> None:
        with self.place.session() as session:
            session.abandon(self.directory, _staged(receipts))
            session.clear(self.directory, self._start(run))

    def appending(self) -> FileWriter[P] | None:
        return type(self)(self.params.model_copy(update={"write_mode": "append"}))

    def describe(self) -> Sequence[str]:
        params = self.params
        shown = self.place.shown(self.directory)
        facts = [f"writes one file for each task, {shown}/{params.file_name}__RUN_TASK{self._end}"]
        if params.max_file_size is not None:
            facts.append(f"a file that has {params.max_file_size} MiB is followed by another")
        with self.place.session() as session:
            older = len(self._existing(session))
        if older and params.write_mode in ("truncate", "overwrite"):
            facts.append(f"{older} files that begin with {params.file_name!r} are removed when the new ones stand")
        return [*facts, "nothing is visible before the run has succeeded"]

    @property
    def _format(self) -> OutputFormat:
        return output_format(self.params)

    @property
    def _end(self) -> str:
        """What the files' names end with."""
        packed, suffix = self._format.suffix, self.params.suffix
        return suffix if packed and suffix.endswith(packed) else suffix + packed

    def _start(self, run: str) -> str:
        return f"{self.params.file_name}__{run}_"

    def _inside(self, schema: pa.Schema) -> pa.Schema:
        """The columns that stand in the files; the others are in the names of folders."""
        folders = set(self.params.partition_columns)
        return pa.schema([field for field in schema if field.name not in folders])

    def _named(self, source: pa.Schema) -> pa.Schema:
        """The rows' columns with the names and types that the job gives them."""
        nodes = self.params.parquet_nodes()
        if nodes:
            return self._renamed(source, [node.name for node in nodes])
        columns = self.params.column
        if not columns or len(columns) != len(source):  # a mismatch in number is the hub's to tell
            return pa.schema([column.field(None) for column in columns]) if columns else source
        return pa.schema([column.field(field) for column, field in zip(columns, source, strict=True)])

    def _renamed(self, source: pa.Schema, names: Sequence[str]) -> pa.Schema:
        """The rows' columns with these names, those left out that make partitions."""
        folders = set(self.params.partition_columns)
        inside = [place for place, field in enumerate(source) if field.name not in folders]
        if len(inside) != len(names):
            has = f"has {len(names)} fields, and there are {len(inside)} columns to write"
            raise ConfigError("parquetSchema", has, f"the columns are {', '.join(source.names)}")
        fields = list(source)
        for place, name in zip(inside, names, strict=True):
            fields[place] = fields[place].with_name(name)
        return pa.schema(fields)

    def _existing(self, session: Session) -> list[FileStatus]:
        """The visible files that begin with `fileName`, those in partitions' folders included where there are any."""

        def hidden(name: str) -> bool:
            return is_hidden(name, self.place)

        start, folders = self.params.file_name, self.params.partition_columns
        found = session.walk(self.directory, hidden) if folders else session.entries(self.directory)
        return [file for file in found if not file.directory and file.name.startswith(start) and not hidden(file.name)]

    def _others(self, session: Session, run: str) -> list[FileStatus]:
        """Those that this run has not shown, by whichever of its streams."""
        found = _RUN.match(run)
        mark = f"__{found[0] if found else run}_"
        return [file for file in self._existing(session) if mark not in file.name]

    def _replaced(self, session: Session, names: set[str], run: str) -> list[str]:
        """The files that the new ones take the place of. `overwrite` leaves partitions alone that got no rows."""
        if self.params.write_mode not in ("truncate", "overwrite"):
            return []
        folders = {f"{self.directory.rstrip('/')}/{name}".rpartition("/")[0] for name in names}
        every = self.params.write_mode == "truncate" or not self.params.partition_columns
        others = [file.path for file in self._others(session, run)]
        return sorted(path for path in others if every or path.rpartition("/")[0] in folders)

    def _expect_alone(self, session: Session, names: set[str], run: str) -> None:
        """After the older files are gone: whether another run has shown some of its own meanwhile."""
        if newer := self._replaced(session, names, run):
            raise PermanentError(
                self.place.shown(newer[0]),
                f"came while this run replaced the files that begin with {self.params.file_name!r}, and stands beside "
                "its own",
                "two runs write there at once: `starhaul resume` removes what is not this run's, or run the other anew",
            )

    def _expect_no_conflict(self, session: Session, run: str = "") -> None:
        there = self._others(session, run) if self.params.write_mode == "nonConflict" else []
        if there:
            first = self.place.shown(min(file.path for file in there)).rpartition("/")[2]
            raise ConfigError(
                "writeMode",
                f"{len(there)} files in {self.place.shown(self.directory)} begin with {self.params.file_name!r}, "
                f"such as {first}",
                "remove them, or choose `truncate` or `append`",
            )


def _staged(receipts: Sequence[Receipt]) -> list[Staged]:
    return [Staged.of(args) for receipt in receipts for args in receipt.data["files"]]
