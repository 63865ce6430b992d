"""Any encoding to UTF-8 and back, in pieces."""

from __future__ import annotations

import codecs
from typing import Any

import pyarrow as pa

from starhaul import ConfigError, PermanentError
from starhaul_stores.files.streams import ByteStream

_BOM = "\ufeff".encode()
_SINGLE_BYTE = ("ascii", "iso8859", "latin", "cp125", "cp437", "cp85", "cp86", "cp87", "koi8", "mac-", "tis-620")
_NO_ASCII = frozenset({"cp875"})
"""Those of the above in which a line end is another byte."""
_MULTI_BYTE = frozenset({"gbk", "gb2312", "gb18030", "big5", "big5hkscs", "cp949", "cp950", "cp932", "shift_jis"})
_FIRST_TRAIL_BYTE = 0x30
"""Second bytes of a character of the `_MULTI_BYTE` encodings begin here (GB 18030's digits)."""


def canonical(encoding: str, where: str = "encoding") -> str:
    """Python's name for an encoding of text. `ConfigError` if there is none."""
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)
    except (LookupError, UnicodeError) as error:
        raise ConfigError(where, f"{encoding!r} is no encoding of text", "for example utf-8, gbk or utf-16") from error
    return "utf-8" if name == "utf-8-sig" else name


def cuttable(encoding: str, special: str) -> bool:
    """Whether a file in this encoding can be read from the middle: line ends and the `special` characters (quote,
    delimiter) are single bytes that are never part of another character. `encoding` as `canonical` gives it."""
    if encoding == "utf-8" or (encoding.startswith(_SINGLE_BYTE) and encoding not in _NO_ASCII):
        return encoding == "utf-8" or special.isascii()
    return encoding in _MULTI_BYTE and all(ord(character) < _FIRST_TRAIL_BYTE for character in special)


def octets(text: bytes, encoding: str) -> bytes | None:
    """The bytes that stand in a file where `Utf8Stream` gave `text`. None if that is not known, as where several bytes
    make a character and other ones the same. `encoding` as `canonical` gives it."""
    if encoding == "utf-8" or text.isascii():
        return text
    if not encoding.startswith(_SINGLE_BYTE):
        return None
    try:
        return text.decode("utf-8", "surrogatepass").encode(encoding, "surrogateescape")
    except UnicodeError:  # a character that was spelt by its number
        return None


class Utf8Stream:
    """A stream of bytes in some encoding, as UTF-8 without a byte order mark.

    Bytes that are no text come through as bytes that are no UTF-8, so that only their row is lost, unless the
    encoding leaves no way to go on after them: then `PermanentError` names `name` and the place. Not thread-safe.
    """

    def __init__(
        self, stream: ByteStream, encoding: str, name: str, *, from_start: bool = True, passed_over: str = ""
    ) -> None:
        """`from_start`: it begins where the file does; if the first line is what is `passed_over`, it is empty."""
        self._stream = stream
        self._name = name
        self._from_start = from_start
        self._passed_over = passed_over.encode()
        self._taken = 0
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)("surrogateescape")

    def read(self, size: int, /) -> bytes:
        """About `size` bytes; none at the end."""
        data = self._next(size)
        if self._from_start and data:
            while len(data) <= len(_BOM) + len(self._passed_over) and (more := self._next(size)):
                data += more
            self._from_start = False
            data = data.removeprefix(_BOM)
            if self._passed_over and data.startswith((self._passed_over + b"\r", self._passed_over + b"\n")):
                data = data.removeprefix(self._passed_over)
            data = data or self._next(size)
        return data

    def _next(self, size: int) -> bytes:
        if self._decoder is None:
            return self._stream.read(size)
        while True:
            data = self._stream.read(size)
            held = len(self._decoder.getstate()[0])
            try:
                text = self._decoder.decode(data, not data).encode("utf-8", "surrogatepass")
            except UnicodeError as error:
                offset = self._taken - held + getattr(error, "start", 0)
                raise PermanentError(
                    self._name, f"the bytes at offset {offset} are not text in this encoding", "check `encoding`"
                ) from error
            self._taken += len(data)
            if text or not data:
                return text


def shown(record: bytes) -> str:
    """A record for the reject file: what is no text in it as `\\xNN`."""
    try:
        raw = record.decode("utf-8", "surrogatepass").encode("utf-8", "surrogateescape")
    except UnicodeError:
        raw = record
    return raw.decode("utf-8", "backslashreplace")


class Encoded:
    """A sink of UTF-8 that arrives in another encoding, byte order mark first where the encoding has one."""

    def __init__(self, sink: Any, encoding: str) -> None:
        self._sink = sink
        self._encoder = None if encoding == "utf-8" else codecs.getincrementalencoder(encoding)()

    def takes(self, data: bytes | pa.Buffer) -> bool:
        """Whether the encoding has every character of `data`. Changes nothing."""
        if self._encoder is None:
            return True
        state = self._encoder.getstate()
        try:
            self._encoder.encode(str(data, "utf-8"))
        except UnicodeEncodeError:
            return False
        finally:
            self._encoder.setstate(state)
        return True

    def write(self, data: bytes | bytearray | memoryview | pa.Buffer) -> None:
        """Raises `UnicodeEncodeError` unless it `takes` the data."""
        self._sink.write(data if self._encoder is None else self._encoder.encode(str(data, "utf-8")))
