"""An object on its way into a store, part by part, several parts at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from starhaul import StarhaulError
from starhaul_stores.files.places.s3_failure import told

if TYPE_CHECKING:
    from starhaul_stores.files.places.s3 import S3Place

_IN_FLIGHT = 3
"""Parts that travel at once. With that which is being filled, so many parts are in memory, and one more."""
_FIXED_PARTS = 2000
"""An upload may have 10,000 parts. After so many each is a 2000th of what was written, and a terabyte fits."""


class Upload:
    """One upload in parts. Leaving the block after a failure abandons it; `finish` stores all of it, unpublished.

    Used by one thread; parts are sent by others.
    """

    def __init__(self, client: Any, place: S3Place, path: str) -> None:
        self._client = client
        self._place = place
        self._path = path
        self._here = {"Bucket": place.bucket, "Key": path.lstrip("/")}
        self._buffer = bytearray()
        self._sent = 0
        self._number = 0
        self._pool: ThreadPoolExecutor | None = None
        self._travelling: deque[Future[None]] = deque()
        self.id: str | None = None
        """The upload's number; None while nothing was sent."""

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if kind is not None and self.id is not None:
            with suppress(StarhaulError), told(self._place, self._path):
                self._client.abort_multipart_upload(**self._here, UploadId=self.id)

    def write(self, data: Any) -> None:
        """Take bytes. Waits for the oldest part if too many travel; raises what became of it."""
        view = memoryview(data).cast("B")
        while view:
            size = max(self._place.part_size, self._sent // _FIXED_PARTS)
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
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_IN_FLIGHT, thread_name_prefix="upload")
        if len(self._travelling) >= _IN_FLIGHT:
            self._travelling.popleft().result()
        part, self._buffer = self._buffer, bytearray()
        self._number += 1
        self._sent += len(part)
        self._travelling.append(self._pool.submit(self._upload, self._number, part))

    def _upload(self, number: int, part: bytearray) -> None:
        with told(self._place, self._path):
            self._client.upload_part(**self._here, UploadId=self.id, PartNumber=number, Body=part)
