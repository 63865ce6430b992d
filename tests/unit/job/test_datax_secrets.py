"""Parameters that DataX has encrypted."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.padding import PKCS7

from starhaul.api.errors import ConfigError
from starhaul.job.datax_secrets import read_properties, secret_properties_file
from starhaul.job.job import Job

Load = Callable[..., Job]
Home = Callable[[str], dict[str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Writes `.secret.properties`; gives the environment that leads to it."""

    def write(text: str) -> dict[str, str]:
        (tmp_path / "conf").mkdir(exist_ok=True)
        (tmp_path / "conf" / ".secret.properties").write_text(text)
        return {"DATAX_HOME": str(tmp_path)}

    return write


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def private(key: rsa.RSAPrivateKey) -> str:
    coding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
    return base64.b64encode(key.private_bytes(coding, form, serialization.NoEncryption())).decode()


def by_rsa(key: rsa.RSAPrivateKey, text: str) -> str:
    return base64.b64encode(key.public_key().encrypt(text.encode(), padding.PKCS1v15())).decode()


def by_triple_des(key: bytes, text: str) -> str:
    padder = PKCS7(64).padder()
    encryptor = Cipher(TripleDES(key), modes.ECB()).encryptor()
    data = encryptor.update(padder.update(text.encode()) + padder.finalize()) + encryptor.finalize()
    return base64.b64encode(data).decode()


def job(version: str | None, **parameters: Any) -> dict[str, Any]:
    content = {
        "reader": {"name": "fruitreader", "parameter": {"path": ["a"]} | parameters},
        "writer": {"name": "fruitwriter", "parameter": {"path": "b"}},
    }
    return {"job": {"setting": {} if version is None else {"keyVersion": version}, "content": [content]}}


@pytest.mark.parametrize("which", ["current", "last"])
def test_rsa(load: Load, home: Home, rsa_key: rsa.RSAPrivateKey, which: str) -> None:
    environment = home(f"# keys\n{which}.keyVersion=v2\n{which}.privateKey={private(rsa_key)}\n")
    document = job("v2", **{"*password": by_rsa(rsa_key, "hünter2")})
    found = load(document, environment=environment)
    assert found.streams[0].reader.parameters == {"path": ["a"], "password": "hünter2"}
    assert found.warnings == ()


@pytest.mark.parametrize(("password", "key"), [("short", b"short" + b"0" * 19), ("k" * 30, b"k" * 24)])
def test_triple_des(load: Load, home: Home, password: str, key: bytes) -> None:
    environment = home(f"current.service.username = v1\ncurrent.service.password : {password}\n")
    found = load(job("v1", **{"*password": by_triple_des(key, "hunter2")}), environment=environment)
    assert found.streams[0].reader.parameters["password"] == "hunter2"


def test_triple_des_as_another_program_has_it(load: Load, home: Home) -> None:
    """By `openssl enc -des-ede3-ecb`, with the key `short` and 19 digits 0."""
    environment = home("current.service.username=v1\ncurrent.service.password=short\n")
    found = load(job("v1", **{"*password": "n6yJaUt9ZcZrKlpVIQhCow=="}), environment=environment)
    assert found.streams[0].reader.parameters["password"] == "hünter2"


@pytest.mark.parametrize(
    ("properties", "version", "told"),
    [
        ("", "v1", "has no key of version 'v1'"),
        ("current.keyVersion=v2\n", "v2", "has no key of version 'v2'"),
        (None, "v1", "cannot be read"),
        ("current.service.username=v1\ncurrent.service.password=x", "v1", "cannot be decrypted by 3DES"),
        ("current.keyVersion=v1\ncurrent.privateKey=eA==", "v1", "cannot be decrypted by RSA"),
        ("", None, "'*password' is encrypted"),
    ],
)
def test_what_can_be_wrong(
    load: Load, home: Home, tmp_path: Path, properties: str | None, version: str | None, told: str
) -> None:
    environment = {"DATAX_HOME": str(tmp_path)} if properties is None else home(properties)
    with pytest.raises(ConfigError) as caught:
        load(job(version, **{"*password": "aHVudGVyMg=="}), environment=environment)
    assert told in str(caught.value)
    assert len(caught.value.problems) == 1 or version is None
    assert "aHVudGVyMg" not in str(caught.value)


def test_only_one_star_counts(load: Load, home: Home) -> None:
    found = load(job(None, **{"**password": "x", "column": ["*"]}), environment=home(""))
    assert found.streams[0].reader.parameters["column"] == ["*"]
    assert [each.path for each in found.warnings] == ["job.content[0].reader.parameter.**password"]


def test_without_the_package(load: Load, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "starhaul.job.datax_ciphers", None)
    environment = home("current.service.username=v1\ncurrent.service.password=x")
    with pytest.raises(ConfigError, match=r"needs the package 'cryptography' \(pip install 'starhaul\[datax\]'\)"):
        load(job("v1", **{"*password": "eA=="}), environment=environment)


def test_properties(tmp_path: Path) -> None:
    path = tmp_path / "x.properties"
    path.write_text("# a\n! b\n a = 1 \nb:2\nc 3\nlong=ab\\\n   cd\nempty=\nurl=http://x=y\n")
    assert read_properties(path) == {"a": "1", "b": "2", "c": "3", "long": "abcd", "empty": "", "url": "http://x=y"}


def test_where_the_keys_are(tmp_path: Path) -> None:
    assert secret_properties_file({"DATAX_HOME": str(tmp_path)}) == tmp_path / "conf" / ".secret.properties"
    assert secret_properties_file({}).name == ".secret.properties"
