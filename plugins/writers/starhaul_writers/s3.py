"""`s3writer`: objects in Amazon S3 and whatever speaks its API; `osswriter`: the same in DataX's words."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from starhaul_stores.files.places.s3 import S3Place
from starhaul_stores.files.s3_params import ObjectStoreParams, ObjectWriterParams, OssParams
from starhaul_stores.files.writer import FileWriter


class S3WriterParams(ObjectWriterParams, ObjectStoreParams):
    """Parameters of `s3writer`."""


class OssWriterParams(OssParams, S3WriterParams):
    """Parameters of `osswriter`."""


P = TypeVar("P", bound=S3WriterParams)


class _Writer(FileWriter[P]):
    where: ClassVar[str] = "bucket"

    @property
    def place(self) -> S3Place:
        return self.params.place(**self.params.sending())

    @property
    def directory(self) -> str:
        return self.place.absolute(self.params.path)

    @property
    def even_empty(self) -> bool:
        return self.params.generate_empty_file


class S3Writer(_Writer[S3WriterParams]):
    """Writes files into Amazon S3 and other stores that speak its API (MinIO, Ceph, R2, …).

    Rows travel as uploads in parts, which nobody sees; when the run has succeeded the uploads are completed, and each
    object appears at once. What killed runs left is abandoned by the next run, once it is a week old; a rule of the
    bucket that ends incomplete uploads must leave them as long as a run may take.
    """

    name = "s3writer"
    params_type = S3WriterParams


class OssWriter(_Writer[OssWriterParams]):
    """Writes files into Alibaba Cloud's OSS, with the parameters of DataX's `osswriter`.

    It goes through OSS's S3-compatible API. OSS cannot be installed, so nothing here was run against one; jobs in these
    words are tested on another server of that API. Objects appear when the run has succeeded, each at once.
    """

    name = "osswriter"
    params_type = OssWriterParams
