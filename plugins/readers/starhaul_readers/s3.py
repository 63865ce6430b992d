"""`s3reader`: objects in Amazon S3 and whatever speaks its API; `ossreader`: the same in DataX's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from pydantic import Field

from starhaul_stores.files.places.s3 import S3Place
from starhaul_stores.files.read_params import FileReaderParams
from starhaul_stores.files.reader import FileReader
from starhaul_stores.files.s3_params import ObjectStoreParams, OssParams


class S3ReaderParams(FileReaderParams, ObjectStoreParams):
    """Parameters of `s3reader`."""

    object: str | list[str] = Field(min_length=1)
    """The objects: a key, a folder (all objects below it), a pattern with `*`, `?` and `**` (folders of any depth), or
    a list of these. A folder that a pattern matches is read whole. Names that begin with a dot are left out."""

    success_on_no_object: bool = False
    """Whether no object at all is no rows, in place of an error. The columns must be named then."""


class OssReaderParams(OssParams, S3ReaderParams):
    """Parameters of `ossreader`."""

    balance_threshold: float | None = Field(default=None, ge=0)
    """Has no meaning here: how large objects are cut is `splitSize`'s matter, and changes no row."""


P = TypeVar("P", bound=S3ReaderParams)


class _Reader(FileReader[P]):
    where: ClassVar[str] = "object"

    @property
    def place(self) -> S3Place:
        return self.params.place()

    @property
    def patterns(self) -> Sequence[str]:
        return [self.params.object] if isinstance(self.params.object, str) else self.params.object

    @property
    def none(self) -> bool:
        return self.params.success_on_no_object


class S3Reader(_Reader[S3ReaderParams]):
    """Reads files from Amazon S3 and other stores that speak its API (MinIO, Ceph, R2, …), large ones in pieces.

    Reads go to the very version of the object that was listed: one that is replaced meanwhile fails the run. A
    connection that breaks is opened again at its offset.
    """

    name = "s3reader"
    params_type = S3ReaderParams


class OssReader(_Reader[OssReaderParams]):
    """Reads files from Alibaba Cloud's OSS, with the parameters of DataX's `ossreader`.

    It goes through OSS's S3-compatible API. OSS cannot be installed, so nothing here was run against one; jobs in these
    words are tested on another server of that API.
    """

    name = "ossreader"
    params_type = OssReaderParams
