"""An FTP server as a program: `python pyftpdlib_server.py PORT FOLDER CERTIFICATE KEY`.

Plain FTP, and TLS for who asks for it. `user` may do everything, `guest` may read.
"""

from __future__ import annotations

import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer


class _Authorizer(DummyAuthorizer):
    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        """Nobody may enter a folder that is called so, as nobody may on the other server."""
        return not (perm == "e" and "denied" in (path or "")) and super().has_perm(username, perm, path)


class _Handler(TLS_FTPHandler):
    authorizer = _Authorizer()
    encoding = "utf8"
    unicode_errors = "surrogateescape"


def main(port: str, folder: str, certificate: str, key: str) -> None:
    _Handler.certfile, _Handler.keyfile = certificate, key
    _Handler.authorizer.add_user("user", "p@ss:w/ü", folder, perm="elradfmwMT")
    _Handler.authorizer.add_user("guest", "", folder, perm="elr")
    FTPServer(("127.0.0.1", int(port)), _Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
