"""An object store keeps the contract of a place."""

from __future__ import annotations

import pytest

from starhaul_stores.files.places.place import Place
from starhaul_stores.files.places.s3 import S3Place
from tests.places import PlaceConformance
from tests.servers.s3 import ACCESS, SECRET, Bucket


class TestS3Place(PlaceConformance):
    has_directories = False

    @pytest.fixture
    def place(self, bucket: Bucket) -> S3Place:
        return S3Place(bucket.name, bucket.server.endpoint, access_id=ACCESS, access_key=SECRET, part_size=5 << 20)

    @pytest.fixture
    def root(self) -> str:
        return "/some/root"

    @pytest.fixture(autouse=True)
    def _bucket(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def leftovers(self, place: Place, root: str) -> list[str]:
        return self.bucket.uploads()
