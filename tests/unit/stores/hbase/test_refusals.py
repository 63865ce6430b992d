"""What HBase refuses, and whether the rows are to blame."""

from __future__ import annotations

import pytest

from starhaul import PermanentError, TransientError
from starhaul_stores.hbase.connection import refusal, told
from starhaul_stores.hbase.params import HbaseParams

happybase = pytest.importorskip("happybase")
PARAMS = HbaseParams.model_validate({"thriftServers": ["127.0.0.1:1"], "table": "t"}, by_alias=True)
_DENIED = "org.apache.hadoop.hbase.security.AccessDeniedException: Insufficient permissions for user 'me', action=WRITE"


@pytest.mark.parametrize(
    ("message", "kind", "guilty"),
    [
        (f"{_DENIED}\n\tat org.apache.hadoop.hbase.security.access.AccessController", PermanentError, False),
        ("org.apache.hadoop.hbase.TableNotEnabledException: t is disabled.", PermanentError, False),
        ("org.apache.hadoop.hbase.RegionTooBusyException: Over memstore limit", TransientError, False),
        ("org.apache.hadoop.hbase.client.NoServerForRegionException: No server address", TransientError, False),
        ("java.lang.IllegalArgumentException: KeyValue size too large", PermanentError, True),
    ],
    ids=["no permission", "disabled", "busy", "no region", "large"],
)
def test_who_is_to_blame(message: str, kind: type[Exception], guilty: bool) -> None:
    from Hbase_thrift import IOError as HbaseError

    error = HbaseError(message=message.encode())
    assert (refusal(error) is not None) is guilty
    with pytest.raises(kind, match=r'HBase table "t": .*') as said, told(PARAMS):
        raise error
    first_line = message.partition("\n")[0]
    assert first_line.removeprefix("org.apache.hadoop.hbase.security.AccessDeniedException: ") in str(said.value)


def test_a_server_that_is_not_there() -> None:
    """Nothing is wrong with its protocol."""
    with (
        pytest.raises(TransientError, match=r"Connection refused \(does HBase's Thrift server run there"),
        told(PARAMS),
    ):
        happybase.Connection("127.0.0.1", 1)
