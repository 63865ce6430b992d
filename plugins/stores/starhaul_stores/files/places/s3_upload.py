"""An object on its way into a store, part by part, several parts at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from threading import Semaphore
from typing import TYPE_CHECKING, Any

from starhaul import StarhaulError
from starhaul_stores.files.places.s3_failure import told

if TYPE_CHECKING:
    from starhaul_stores.files.places.s3 import S3Place

_IN_FLIGHT = 3
"""Parts of all uploads of a session that travel at once. So many are in memory, and one for each upload, which is
being filled."""
_FIXED_PARTS = 2000
"""An upload may have 10,000 parts. After so many each is a 2000th of what was written, and a terabyte fits."""


class Sending:
    """The threads that send the parts of all uploads of a session. They end when the block is left."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None
        self._free = Semaphore(_IN_FLIGHT)

    def __enter__(self) -> Sending:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def send(self, call: Callable[[], None]) -> Future[None]:
        """Make a call that sends a part. Waits until fewer than the most travel."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="upload")
        self._free.acquire()
        travelling = self._pool.submit(call)
        travelling.add_done_callback(lambda _: self._free.release())
        return travelling


class Upload:
    """One upload in parts. Leaving the block after a failure abandons it; `finish` stores all of it, unpublished.

    Used by one thread; parts are sent by others.
    """

    def __init__(self, client: Any, place: S3Place, path: str, sending: Sending, part_size: int) -> None:
        self._client = client
        self._place = place
        self._path = path
        self._here = {"Bucket": place.bucket, "Key": path.lstrip("/")}
        self._buffer = bytearray()
        self._sent = 0
        self._number = 0
        self._sending = sending
        self._part_size = part_size
        self._travelling: deque[Future[None]] = deque()
        self.id: str | None = None
        """The upload's number; None while nothing was sent."""

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        wait(self._travelling)
        if kind is not None and self.id is not None:
            with suppress(StarhaulError), told(self._place, self._path):
                self._client.abort_multipart_upload(**self._here, UploadId=self.id)

    def write(self, data: Any) -> None:
        """Take bytes. Waits for a part to arrive if too many travel; raises what became of earlier ones."""
        view = memoryview(data).cast("B")
        while view:
            size = max(self._part_size, self._sent // _FIXED_PARTS)
            part = view[: size - len(self._buffer)]
            self._buffer += part
            view = view[len(part) :]
            if len(self._buffer) >= size:
                self._send()

    def finish(self) -> None:
        """Send the rest, and wait until every part is stored. An upload without bytes is not begun."""
        if self._buffer:
            self._send()
        while self._travelling:
            self._travelling.popleft().result()

    def _send(self) -> None:
        if self.id is None:
            with told(self._place, self._path):
                self.id = self._client.create_multipart_upload(**self._here, **self._place.encryption)["UploadId"]
        while self._travelling and self._travelling[0].done():
            self._travelling.popleft().result()
        part, self._buffer = self._buffer, bytearray()
        self._number += 1
        self._sent += len(part)
        self._travelling.append(self._sending.send(partial(self._upload, self._number, part)))

    def _upload(self, number: int, part: bytearray) -> None:
        with told(self._place, self._path):
            self._client.upload_part(**self._here, UploadId=self.id, PartNumber=number, Body=part)
