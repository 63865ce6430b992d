"""Object stores that do not answer."""

from __future__ import annotations

import pytest

from starhaul import ConfigError, StarhaulError, TransientError
from starhaul_readers.s3 import S3Reader, S3ReaderParams


@pytest.mark.parametrize(
    ("host", "kind", "told"),
    [
        ("127.0.0.1", TransientError, r"does not answer: .*refused \(is the store up"),
        ("nowhere.invalid", ConfigError, "endpoint: there is no such host"),
    ],
)
def test_a_store_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, host: str, kind: type[StarhaulError], told: str
) -> None:
    """One that is down may come back, in the midst of a run too."""
    monkeypatch.setattr("starhaul_stores.files.places.source._ATTEMPTS", 1)
    access = {"endpoint": f"http://{host}:1", "accessId": "a", "accessKey": "b"}
    params = {**access, "bucket": "bucket", "object": ["a.csv"], "column": ["*"]}
    with pytest.raises(kind, match=told):
        S3Reader(S3ReaderParams.model_validate(params)).check()
