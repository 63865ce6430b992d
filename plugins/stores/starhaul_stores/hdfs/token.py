"""Delegation tokens. WebHDFS takes them in the URL only, and URLs are in the logs of urllib3 and in its errors; so the
token comes in beneath both, when the request line is sent."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class TokenAdapter(HTTPAdapter):
    """Connections whose every request carries a token. Every URL must have a query."""

    def __init__(self, token: str) -> None:
        self._token = quote(token, safe="")
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, self._token),  # type: ignore[dict-item]
            "https": partial(_SecurePool, self._token),  # type: ignore[dict-item]
        }


class _Carrying:
    """A connection that adds the token to the request line."""

    token = ""

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        super().putrequest(method, f"{url}&delegation={self.token}", *args, **kwargs)  # type: ignore[misc]


class _Connection(_Carrying, HTTPConnection):
    pass


class _SecureConnection(_Carrying, HTTPSConnection):
    pass


class _WithToken:
    """A pool that tells its connections the token."""

    def __init__(self, token: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._token = token

    def _new_conn(self) -> Any:
        connection = super()._new_conn()  # type: ignore[misc]
        connection.token = self._token
        return connection


class _Pool(_WithToken, HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(_WithToken, HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
