"""The ciphers of DataX's encrypted parameters, by the `cryptography` package. They raise `ValueError` for what is not
theirs."""

from __future__ import annotations

import base64

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_der_private_key


def decrypt_rsa(data: bytes, private_key: str) -> bytes:
    """Java's `RSA`, with a private key in PKCS#8 and base64."""
    key = load_der_private_key(base64.b64decode(private_key), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("no RSA key")
    return key.decrypt(data, PKCS1v15())


def decrypt_triple_des(data: bytes, key: str) -> bytes:
    """Java's `DESede/ECB/PKCS5Padding`, with DataX's way to make a key of a text."""
    cipher = Cipher(TripleDES(key.encode()[:24].ljust(24, b"0")), modes.ECB()).decryptor()  # noqa: S305 - DataX's choice # nosec B305
    unpadder = PKCS7(64).unpadder()
    return unpadder.update(cipher.update(data) + cipher.finalize()) + unpadder.finalize()
