"""bzip2 read from anywhere: every line once, wherever it is cut, and damage told."""

from __future__ import annotations

import bz2
import io
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from starhaul import PermanentError
from starhaul.testing import RecordingTask
from starhaul_stores.files.compression import bzip2_blocks
from starhaul_stores.files.compression.bzip2_blocks import Bzip2Lines
from tests import txtfile


def lines(packed: bytes, start: int, end: int, line_end: bytes = b"\n") -> bytes:
    stream = Bzip2Lines(io.BytesIO(packed[start:]), start, end, line_end)
    return b"".join(iter(lambda: stream.read(50_000), b""))


def some_text(size: int, seed: int, width: int = 60) -> bytes:
    """Lines of any length around `width`, some of them empty."""
    chance = random.Random(seed)
    parts = []
    while size > 0:
        part = chance.randbytes(chance.randrange(width)).hex().encode() + chance.choice(
            [b"\n", b"\n", b"\r\n", b"\n\n"]
        )
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def some_streams(seed: int) -> tuple[bytes, bytes]:
    """A text, and several streams of bzip2 with its parts, cut anywhere, one of them empty."""
    text = some_text(700_000, seed, width=random.Random(seed).choice([3, 60, 200_000]))
    middle = len(text) // 3
    parts = [text[:middle], b"", text[middle : middle + 11], text[middle + 11 :]]
    return text, b"".join(bz2.compress(part, level) for part, level in zip(parts, (1, 9, 2, 1), strict=True))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 5), st.lists(st.floats(0, 1), max_size=6), st.sampled_from([1000, 65_537, 1 << 20]))
def test_every_line_once_wherever_it_is_cut(seed: int, shares: list[float], at_once: int) -> None:
    text, packed = some_streams(seed)
    cuts = sorted({0, len(packed), *(int(share * len(packed)) for share in shares)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bzip2_blocks, "_READ", at_once)
        parts = [lines(packed, start, end) for start, end in pairwise(cuts)]
    assert b"".join(parts) == text
    assert all(part.endswith(b"\n") for part in parts if part)


def test_what_cannot_be_read() -> None:
    text, packed = some_streams(1)
    middle = len(packed) // 2
    for start in (0, middle):
        for end in (20, 11, 9):
            with pytest.raises(EOFError):
                lines(packed[:-end], start, len(packed))
        for wrong in (packed + b"\0", packed + bytes(100), packed + packed[4:100]):
            with pytest.raises((ValueError, EOFError)):
                lines(wrong, start, len(wrong))
        flipped = bytearray(packed)
        flipped[middle + 150_000] ^= 1
        with pytest.raises((ValueError, OSError)):
            lines(bytes(flipped), start, len(packed))
    for wrong in (b"BZh9", b"text", packed[4:], b"x" + packed):
        with pytest.raises((ValueError, EOFError)):
            lines(wrong, 0, len(wrong))
    assert lines(packed, 0, len(packed)) == text
    assert lines(bz2.compress(b"a;b;c"), 0, 1000, b";") == b"a;b;c"


@pytest.mark.parametrize("form", ["text", "csv", "json"])
def test_a_file_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("starhaul_stores.files.formats.input._SMALLEST", 1)
    monkeypatch.setattr("starhaul_stores.files.reader._SMALLEST_CUT", 1)
    chance = random.Random(7)
    values = [chance.randbytes(20).hex() for _ in range(20_000)]
    shape = '{{"id": {}, "x": "{}"}}\n' if form == "json" else "{},{}\n"
    text = "".join(shape.format(*each) for each in enumerate(values)).encode()
    (tmp_path / "x.bz2").write_bytes(bz2.compress(text, 1) + bz2.compress(b"ragged\n"))
    column: list[Any] = [{"name": "id", "type": "long"}, {"name": "x"}]
    column = column if form == "json" else [{"index": 0, "type": "long"}, {"index": 1}]
    source = txtfile.reader(tmp_path, column=column, fileFormat=form, splitSize=100_000)
    task = RecordingTask(source.schema())
    splits = source.split(1)
    assert (len(splits) > 3) == (form != "csv"), "a quote may hide a line end"
    rows = [tuple(row.values()) for split in splits for batch in source.read(split, task) for row in batch.to_pylist()]
    assert rows == list(enumerate(values))
    ((_, _, at),) = task.rejected
    assert ("x.bz2@" in at) == (form != "csv")
    (tmp_path / "x.bz2").write_bytes(bz2.compress(text, 1)[:-5])
    with pytest.raises(PermanentError, match=r"x.bz2.*cannot be read as bz2"):
        [batch for split in source.split(1) for batch in source.read(split, task)]
