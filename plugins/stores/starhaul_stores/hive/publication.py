"""How the files of a run become rows of a table.

They stand whole in a directory of the run, which Hive passes over. What is added is moved to where the table, or the
partition, has its files; a partition that is new appears with all of them at once. What replaces other rows stays
where it is: the table or partition is given that directory as its location, in one step of the metastore, so that a
query sees the old rows or the new ones. Every step may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.partitions import values_in
from starhaul_stores.files.places.hdfs import HdfsSession
from starhaul_stores.files.places.place import Staged
from starhaul_stores.files.places.renaming import staged_path
from starhaul_stores.hive.catalog import Table
from starhaul_stores.hive.clusters import Cluster
from starhaul_stores.hive.connection import Connection, literal
from starhaul_stores.hive.partitions import describe_partitions, partition_sql
from starhaul_stores.hive.selection import path_of
from starhaul_stores.hive.target import RUNS, Target


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
        for folder in sorted(folders):
            self._publish_in(folder, folders[folder], there.get(self._whole(folder)))
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

    def _publish_in(self, folder: str, staged: Sequence[Staged], there: Table | None) -> None:
        """Those of one partition, or of a table without partitions."""
        here = f"{self.directory}/{folder}".rstrip("/")
        whole = self._whole(folder)
        if not self.target.partitioned:
            self._place(self.target.table.location, here, "", staged, f"ALTER TABLE {self.target.table.sql}")
            return
        values = values_in(f"{whole}/")
        sql = partition_sql(self.target.table, values)
        location = f"{self.target.home}/{whole}"
        if there is not None:
            self._place(there.location, here, whole, staged, f"ALTER TABLE {self.target.table.sql} {sql}")
            return
        self._move(here, location, staged)
        url = literal(self._url(location))
        self.db.rows(f"ALTER TABLE {self.target.table.sql} ADD IF NOT EXISTS {sql} LOCATION {url}")

    def _place(self, location: str, here: str, whole: str, staged: Sequence[Staged], alter: str) -> None:
        """Into a table or partition that is there. A query that is under way may still read the files that it began
        with: they go when the next run replaces those of this one."""
        there = path_of(location).rstrip("/")
        if not self.replaces and there != here:
            self._move(here, there, staged)
        elif there != here:
            for each in staged:
                self._expect(f"{here}/{each.name.rpartition('/')[2]}", each.size)
            self.db.rows(f"{alter} SET LOCATION {literal(self._url(here))}")
            for path in set(self._versions(whole)) - {there, here}:
                for file in list(self.session.walk(path, lambda name: name.startswith(("_", ".")))):
                    self.session.remove(file.path)
                if path != self.target.home:
                    prune(self.session, path)

    def _versions(self, whole: str) -> Iterator[str]:
        """The directories that files of a partition, or of the table, may stand in."""
        home = self.target.home
        yield f"{home}/{whole}".rstrip("/")
        for entry in self.session.entries(f"{home}/{RUNS}"):
            yield f"{entry.path}/{whole}".rstrip("/")

    def _move(self, here: str, there: str, staged: Sequence[Staged]) -> None:
        self.session.make_directory(there)
        for each in staged:
            name = each.name.rpartition("/")[2]
            if not self.session.rename(f"{here}/{name}", f"{there}/{name}"):
                self._expect(f"{there}/{name}", each.size)

    def _expect(self, path: str, size: int) -> None:
        status = self.session.stat(path)
        if status is None or status.size != size:
            raise PermanentError(self.session.place.shown(path), "the file that was written is gone", "start a new run")

    def _url(self, path: str) -> str:
        return self.target.table.location.removesuffix(path_of(self.target.table.location)) + path


def expect_like(table: Table, folder: str, partition: Table, cluster: Cluster) -> None:
    """Refuse a partition that is elsewhere, or that files of the table's format would be misread in."""
    cluster.expect(partition.location, f"{folder} of {table.sql}")
    if reason := table.kept_otherwise(partition):
        hint = "make it as the table is (ALTER TABLE … PARTITION … SET FILEFORMAT, SET SERDEPROPERTIES), its files too"
        raise ConfigError("partition", f"{folder} of {table.sql} {reason}", hint)


def prune(session: HdfsSession, directory: str) -> None:
    """Remove a directory and those below it, as far as they are empty."""
    for entry in list(session.entries(directory)):
        if entry.directory:
            prune(session, entry.path)
    with suppress(PermanentError):  # it is not empty
        session.remove(directory)
