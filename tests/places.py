"""What every place must keep, as tests: subclass `PlaceConformance` and say where the place is."""

from __future__ import annotations

import pickle
import time

import pytest

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.places.listing import listed
from starhaul_stores.files.places.place import FileStatus, Place, Session, Staged
from starhaul_stores.files.places.source import Link, Source

FAR = 10.0**11
"""A time, in seconds, before which everything was written."""


class PlaceConformance:
    """Subclasses provide `place` and `root`; a place of another kind than `RenamingSession` may need no more."""

    has_directories = True
    """Whether an empty directory can exist."""

    @pytest.fixture
    def place(self) -> Place:
        """The place under test."""
        raise NotImplementedError

    @pytest.fixture
    def root(self) -> str:
        """An absolute path of a directory that is empty, or not there, and new for every test."""
        raise NotImplementedError

    def put(self, place: Place, root: str, files: dict[str, bytes]) -> None:
        """Files below the root, written as a writer does it."""
        with place.session() as session:
            session.make_directory(root)
        staged = [_stage(place, root, name, content) for name, content in files.items()]
        with place.session() as session:
            session.publish(root, staged)

    def test_what_is_written_is_listed_and_reads_back(self, place: Place, root: str) -> None:
        content = bytes(range(256)) * 5000
        accent = "sub/e\u0301 b+"  # as macOS writes names; another one than with the character that is both
        self.put(place, root, {"a": content, "empty": b"", "sub/deep/b c+%ü": b"x", accent: b"y"})
        with place.session() as session:
            files = listed(session, [root])
            assert [(file.path, file.size) for file in files] == [
                (f"{root}/a", len(content)), (f"{root}/empty", 0), (f"{root}/sub/deep/b c+%ü", 1),
                (f"{root}/{accent}", 1),
            ]  # fmt: skip
            assert all(file == session.stat(file.path) for file in files)
        assert [_content(place, file) for file in files] == [content, b"", b"x", b"y"]

    def test_ranges_and_reading_anywhere(self, place: Place, root: str) -> None:
        content = bytes(n * 7 % 251 for n in range(3_000_000))
        self.put(place, root, {"a": content})
        with Link(place) as link:
            source = Source(link, _file(place, f"{root}/a"))
            for start, end in ((0, 1), (5, 2_500_000), (2_999_999, None), (100, 100)):
                if not place.ranged and start:
                    continue
                with source.stream(start, end) as stream:
                    assert stream.readall() == content[start:end]
            with source.seekable() as file:
                file.seek(-10, 2)
                assert file.read() == content[-10:]
                file.seek(1_000_000)
                assert file.read(1_500_000) == content[1_000_000:2_500_000]
            with source.random() as native:
                assert native.size() == len(content)
                assert native.read_at(100, 2_000_000) == content[2_000_000:2_000_100]
                assert native.read_at(1_200_000, 17) == content[17:1_200_017]
            with source.stream() as stream:
                assert stream.read(10) == content[:10]  # and left before the end

    def test_patterns(self, place: Place, root: str) -> None:
        names = ("a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv", ".hidden", "sub/.e")
        self.put(place, root, dict.fromkeys(names, b"x"))

        def found(pattern: str) -> list[str]:
            with place.session() as session:
                return [file.path.removeprefix(f"{root}/") for file in listed(session, [f"{root}/{pattern}"])]

        assert found("") == ["a.csv", "b.txt", "sub/c.csv", "sub/deep/d.csv"]
        assert found("*.csv") == ["a.csv"]
        assert found("**/*.csv") == ["a.csv", "sub/c.csv", "sub/deep/d.csv"]
        assert found("s?b/*") == ["sub/c.csv", "sub/deep/d.csv"]
        assert found("?.txt") == ["b.txt"]
        assert found("sub") == ["sub/c.csv", "sub/deep/d.csv"]
        with pytest.raises(ConfigError, match="no file matches"):
            found("*.nix")

    def test_what_is_staged_is_not_visible_before_it_is_published(self, place: Place, root: str) -> None:
        self.put(place, root, {"t_1": b"old"})
        staged = [_stage(place, root, name, name.encode()) for name in ("t_1", "t_2", "dt=1/t_3")]
        staged = [Staged.of(each.args()) for each in staged]  # as a receipt remembers it
        assert self._visible(place, root) == {f"{root}/t_1": b"old"}
        for _ in range(2):  # a crash in the midst of a commit repeats it
            with place.session() as session:
                session.publish(root, staged)
            assert self._visible(place, root) == {
                f"{root}/dt=1/t_3": b"dt=1/t_3", f"{root}/t_1": b"t_1", f"{root}/t_2": b"t_2",
            }  # fmt: skip
        with place.session() as session:
            session.remove(f"{root}/t_2")
            session.remove(f"{root}/t_2")
            assert session.stat(f"{root}/t_2") is None
        with place.session() as session, pytest.raises(PermanentError, match="staged file is gone"):
            session.publish(root, staged)

    def test_a_block_that_fails_leaves_nothing(self, place: Place, root: str) -> None:
        with place.session() as session:
            session.make_directory(root)
        with pytest.raises(ValueError, match="mine"):
            _fail(place, root)
        assert self.leftovers(place, root) == []

    def test_clearing_takes_what_begins_with_the_name(self, place: Place, root: str) -> None:
        with place.session() as session:
            session.make_directory(root)
        for name in ("t_1", "t_2", "u_1", "dt=1/t_1x"):
            _stage(place, root, name, b"x")
        with place.session() as session:
            session.clear(root, "t_", before=time.time() - 3600)
            assert len(self.leftovers(place, root)) == 4
            session.clear(root, "t_1")
            assert len(self.leftovers(place, root)) == 2
            session.clear(root, "t_")
            session.clear(root, "", before=FAR)
        assert self.leftovers(place, root) == []

    def test_attempts_do_not_meet(self, place: Place, root: str) -> None:
        with place.session() as session:
            session.make_directory(root)
        staged = [_stage(place, root, "t_1", str(attempt).encode(), attempt) for attempt in (1, 2)]
        with place.session() as session:
            session.publish(root, staged[1:])
            session.clear(root, "t_")
        assert self._visible(place, root) == {f"{root}/t_1": b"2"}

    def test_a_file_that_changes_or_goes_is_noticed(self, place: Place, root: str) -> None:
        self.put(place, root, {"a": b"12", "b": b"12"})
        files = [_file(place, f"{root}/{name}") for name in "ab"]
        self.put(place, root, {"a": b"123"})
        with place.session() as session:
            session.remove(f"{root}/b")
        with Link(place) as link:
            with pytest.raises(PermanentError, match="was changed"):
                Source(link, files[0]).expect_unchanged()
            with pytest.raises(PermanentError, match="is gone"):
                Source(link, files[1]).expect_unchanged()

    def test_what_is_not_there(self, place: Place, root: str) -> None:
        with place.session() as session:
            assert session.stat(f"{root}/none") is None
            assert list(session.entries(f"{root}/none")) == []
            session.expect_writable(f"{root}/none/below", "path")
            session.make_directory(root)
            session.make_directory(root)
            status = session.stat(root)
            assert status is None if not self.has_directories else status and status.directory

    def test_it_holds_parameters_only(self, place: Place, root: str) -> None:
        self.put(place, root, {"a": b"12"})
        again = pickle.loads(pickle.dumps(place))
        assert _content(again, _file(again, f"{root}/a")) == b"12"

    def leftovers(self, place: Place, root: str) -> list[str]:
        """What is staged below the root, in whatever way the place stages."""
        with place.session() as session:
            return [entry.path for entry in session.walk(root, lambda name: False) if entry.name.startswith(".")]

    def _visible(self, place: Place, root: str) -> dict[str, bytes]:
        with place.session() as session:
            files = listed(session, [root])
        return {file.path: _content(place, file) for file in files}


def _fail(place: Place, root: str) -> None:
    with place.session() as session, session.stage(root, "t_1", 1) as staging:
        staging.write(b"x" * 100_000)
        raise ValueError("mine")


def _stage(place: Place, root: str, name: str, content: bytes, attempt: int = 1) -> Staged:
    with place.session() as session:
        with session.stage(root, name, attempt) as staging:
            for start in range(0, len(content), 70_000):
                staging.write(memoryview(content)[start : start + 70_000])
        return staging.staged


def _file(place: Place, path: str) -> FileStatus:
    with place.session() as session:
        return _expected(session, path)


def _expected(session: Session, path: str) -> FileStatus:
    status = session.stat(path)
    assert status is not None
    return status


def _content(place: Place, file: FileStatus) -> bytes:
    with Link(place) as link, Source(link, file).stream() as stream:
        return stream.readall()
