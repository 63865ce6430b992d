"""How the files of a run become rows of a table.

They stand whole in a directory of the run, which Hive passes over. What is added is moved to where the table, or the
partition, has its files; a partition that is new appears with all of them at once, and without those that others may
have left in its folder if the run is to replace rows. What replaces other rows stays where it is: the table or
partition is given that directory as its location, in one step of the metastore, so that a query sees the old rows or
the new ones. Every step may be repeated. Where the name of a partition's folder is none that Hive takes for a location,
its files are moved to another in the run's directory first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.partitions import values_in
from starhaul_stores.files.places.hdfs import HdfsSession
from starhaul_stores.files.places.place import Staged
from starhaul_stores.files.places.renaming import staged_path
from starhaul_stores.hive.catalog import Table, find_table
from starhaul_stores.hive.clusters import Cluster
from starhaul_stores.hive.connection import Connection, literal
from starhaul_stores.hive.partitions import describe_partitions, find_partition, partition_sql
from starhaul_stores.hive.selection import path_of
from starhaul_stores.hive.target import RUNS, Target

_AT_ONCE = 100
"""Partitions that one statement adds."""
_NOT_IN_A_URI = re.compile(r'[\s\x7f-\x9f"<>\\^`{|}]')
"""Of these, Hive leaves blanks, `<`, `>`, `|` and the backtick as they are in names of folders."""


@dataclass(frozen=True, slots=True)
class Publication:
    """The files of one run on their way into a table."""

    db: Connection
    cluster: Cluster
    session: HdfsSession
    target: Target
    root: str
    """Path of the run's directory."""
    replaces: bool

    @property
    def directory(self) -> str:
        """Where its files are: of the partition that the job names, in the run's directory."""
        return "/".join(filter(None, (self.root, self.target.folder)))

    def done(self, staged: Sequence[Staged]) -> bool:
        """Whether some file is on its way already: this was begun before, and the run's files are all published."""
        return any(self.session.stat(f"{self.directory}/{each.name}") is None for each in staged) and not any(
            self.session.stat(staged_path(self.directory, each.name, each.attempt)) for each in staged
        )

    def publish(self, staged: Sequence[Staged]) -> None:
        """Make them rows. They stand in `directory` under their names."""
        folders: dict[str, list[Staged]] = {}
        for each in staged:
            folders.setdefault(each.name.rpartition("/")[0], []).append(each)
        there = self._there(list(folders))
        new: dict[str, str] = {}
        for folder in sorted(folders):
            whole = self._whole(folder)
            if self.target.partitioned and whole not in there:
                new[folder] = self._housed(folder, folders[folder])
            else:
                location = there[whole].location if whole in there else self.target.table.location
                self._place(location, self._here(folder), whole, folders[folder])
        self._add(new, folders)
        prune(self.session, self.root)

    def drop(self) -> None:
        """Remove what the run wrote."""
        for each in list(self.session.walk(self.root, lambda name: False)):
            self.session.remove(each.path)
        prune(self.session, self.root)

    def _whole(self, folder: str) -> str:
        return "/".join(filter(None, (self.target.folder, folder)))

    def _there(self, folders: Sequence[str]) -> dict[str, Table]:
        """The partitions that there are of these, none of which may differ from the table."""
        if not self.target.partitioned:
            return {}
        wholes = [self._whole(folder) for folder in folders]
        there = describe_partitions(self.db, self.target.table, {each: values_in(f"{each}/") for each in wholes}, False)
        for whole, partition in there.items():
            expect_like(self.target.table, whole, partition, self.cluster)
        return there

    def _here(self, folder: str) -> str:
        """Path of the run's files of one partition, or of a table without partitions."""
        return f"{self.directory}/{folder}".rstrip("/")

    def _housed(self, folder: str, staged: Sequence[Staged]) -> str:
        """Where the files of a partition stand that is new: in its usual directory, or still in the run's own, if they
        are to take the place of what somebody left in that."""
        here, usual = self._here(folder), f"{self.target.home}/{self._whole(folder)}"
        own = {each.name.rpartition("/")[2] for each in staged}
        if self.replaces and any(file.name not in own for file in self.session.walk(usual, is_passed_over)):
            self._move(usual, here, staged)  # what was moved before somebody came
            return here
        self._move(here, usual, staged)
        return usual

    def _add(self, new: Mapping[str, str], staged: Mapping[str, Sequence[Staged]]) -> None:
        """Partitions by their folders, with the paths of their files. One that another run has added meanwhile, at
        a place of its own, is no longer new."""
        values = {folder: values_in(f"{self._whole(folder)}/") for folder in new}
        parts = [
            f"{partition_sql(self.target.table, values[folder])} LOCATION {literal(self._url(path))}"
            for folder, path in new.items()
        ]
        for start in range(0, len(parts), _AT_ONCE):
            some = " ".join(parts[start : start + _AT_ONCE])
            self.db.rows(f"ALTER TABLE {self.target.table.sql} ADD IF NOT EXISTS {some}")
        there = self._there(list(new)) if new else {}
        for folder, path in new.items():
            whole = self._whole(folder)
            if whole not in there:
                raise PermanentError(self.target.table.sql, f"partition {whole} was dropped at once", "start a new run")
            self._place(there[whole].location, path, whole, staged[folder])

    def _place(self, location: str, here: str, whole: str, staged: Sequence[Staged]) -> None:
        """Into a table or partition that is there. A query that is under way may still read the files that it began
        with: they go when the next run replaces those of this one."""
        there = path_of(location).rstrip("/")
        own = here if is_settable(here) else f"{self.root}/{settable(whole)}".rstrip("/")
        if there in (here, own):
            return
        sql = partition_sql(self.target.table, values_in(f"{whole}/")) if whole else ""
        if self.target.table.counted:
            self._uncount(sql)
        self._move(here, own if self.replaces else there, staged)
        if self.replaces:
            self.db.rows(f"ALTER TABLE {self.target.table.sql} {sql} SET LOCATION {literal(self._url(own))}")
            self._clear_before(there, own, whole)

    def _uncount(self, partition: str) -> None:
        """Tell Hive that its statistics are not right any more; before they are not, so that no answer is wrong."""
        try:
            self.db.rows(f"ALTER TABLE {self.target.table.sql} {partition} UPDATE STATISTICS SET ('numRows'='-1')")
        except PermanentError as error:
            if "ParseException" not in error.problem:  # an old version, which has no such statement
                raise

    def _clear_before(self, there: str, here: str, whole: str) -> None:
        """Remove the files that were no rows any more when those in `there` still were, before those in `here` took
        their place. Where another run has replaced these in turn, all is left to the next. What is younger than
        `there` may be of a run that is about to publish it."""
        replaced = self.session.stat(there)
        if replaced is None or replaced.modified is None or self._location(whole) != here:
            return
        for path in set(self._versions(whole)) - {there, here}:
            status = self.session.stat(path)
            if status is None or status.modified is None or status.modified >= replaced.modified:
                continue
            for file in list(self.session.walk(path, is_passed_over)):
                self.session.remove(file.path)
            if path != self.target.home:
                prune(self.session, path)

    def _location(self, whole: str) -> str:
        """Path of the table's, or the partition's, directory as it is now."""
        table = self.target.table
        if not whole:
            return path_of(find_table(self.db, table.sql, table.database).location).rstrip("/")
        partition = find_partition(self.db, table, values_in(f"{whole}/"))
        return "" if partition is None else path_of(partition.location).rstrip("/")

    def _versions(self, whole: str) -> Iterator[str]:
        """The directories that files of a partition, or of the table, may stand in."""
        home = self.target.home
        yield f"{home}/{whole}".rstrip("/")
        for entry in self.session.entries(f"{home}/{RUNS}"):
            for name in {whole, settable(whole)}:
                yield f"{entry.path}/{name}".rstrip("/")

    def _move(self, here: str, there: str, staged: Sequence[Staged]) -> None:
        """Files that are there already may stay, if they are whole."""
        if here != there:
            self.session.make_directory(there)
        for each in staged:
            name = each.name.rpartition("/")[2]
            if here == there or not self.session.rename(f"{here}/{name}", f"{there}/{name}"):
                self._expect(f"{there}/{name}", each.size)

    def _expect(self, path: str, size: int) -> None:
        status = self.session.stat(path)
        if status is None or status.size != size:
            raise PermanentError(self.session.place.shown(path), "the file that was written is gone", "start a new run")

    def _url(self, path: str) -> str:
        return self.target.table.location.removesuffix(path_of(self.target.table.location)) + path


def settable(path: str) -> str:
    """A path that `SET LOCATION` takes, which Hive reads as one of Java's URIs: what these may not hold is escaped, as
    Hive does it with other characters in names of folders. Where there is no such character it stays as it is."""
    return _NOT_IN_A_URI.sub(lambda match: quote(match[0], safe=""), path)


def is_settable(path: str) -> bool:
    """Whether `SET LOCATION` takes a path as it is."""
    return settable(path) == path


def expect_like(table: Table, folder: str, partition: Table, cluster: Cluster) -> None:
    """Refuse a partition that is elsewhere, or that files of the table's format would be misread in."""
    cluster.expect(partition.location, f"{folder} of {table.sql}")
    if reason := table.kept_otherwise(partition):
        hint = "make it as the table is (ALTER TABLE … PARTITION … SET FILEFORMAT, SET SERDEPROPERTIES), its files too"
        raise ConfigError("partition", f"{folder} of {table.sql} {reason}", hint)


def is_passed_over(name: str) -> bool:
    """Whether Hive takes no rows from a file or directory of this name."""
    return name.startswith(("_", "."))


def clear_below(session: HdfsSession, directory: str, start: str, before: float) -> None:
    """Remove what is staged in a directory, and in those below it, as `Session.clear` does."""
    session.clear(directory, start, before=before)
    for entry in list(session.entries(directory)):
        if entry.directory:
            clear_below(session, entry.path, start, before)


def prune(session: HdfsSession, directory: str) -> None:
    """Remove a directory and those below it, as far as they are empty."""
    for entry in list(session.entries(directory)):
        if entry.directory:
            prune(session, entry.path)
    with suppress(PermanentError):  # it is not empty
        session.remove(directory)
