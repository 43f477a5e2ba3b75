"""Google's and Azure's stores: fake-gcs-server and Azurite, each as one local process, and the keys with which tenants reach them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from e2e.cluster import tool
from tests.integration.processes import free_port, server

VERSION = "2021-12-02"
"""Of Azure's interface: the tokens below are signed as it says."""


@dataclass(frozen=True, kw_only=True)
class OtherStore:
    """A running store.

    Attributes:
        endpoint: as an admin would write it.
        keys: what the tenant's Secret says.
        wrong_keys: those of somebody else.
        beginning: of the URI of a bucket or container; its name follows.
    """

    endpoint: str
    keys: Mapping[str, str]
    wrong_keys: Mapping[str, str]
    beginning: str

    def make_bucket(self, name: str) -> str:
        """Make a bucket, and return its URI."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Google(OtherStore):
    """A store of Google's."""

    def make_bucket(self, name: str) -> str:
        """Make a bucket, and return its URI."""
        made = httpx.post(f"{self.endpoint}/storage/v1/b?project=tests", json={"name": name}, timeout=30, trust_env=False)
        assert made.status_code == 200, made.text
        return self.beginning + name


@dataclass(frozen=True, kw_only=True)
class Azure(OtherStore):
    """An account of Azure's."""

    account: str
    key: str

    def make_bucket(self, name: str) -> str:
        """Make a container, and return its URI."""
        when, path = format_datetime(datetime.now(UTC), usegmt=True), f"/{self.account}/{self.account}/{name}"
        signed = "\n".join(["PUT", *[""] * 11, f"x-ms-date:{when}", f"x-ms-version:{VERSION}", f"{path}", "restype:container"])
        headers = {"x-ms-date": when, "x-ms-version": VERSION, "Authorization": f"SharedKey {self.account}:{self._sign(signed)}"}
        made = httpx.put(f"{self._url}/{name}?restype=container", headers=headers, timeout=30, trust_env=False)
        assert made.status_code == 201, made.text
        return self.beginning + name

    def token(self) -> str:
        """A shared access signature for all of the account, for an hour."""
        until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = [self.account, "rwdlac", "b", "sco", "", until, "", "http,https", VERSION, "", ""]
        said = {"sv": VERSION, "ss": "b", "srt": "sco", "sp": "rwdlac", "se": until, "spr": "http,https", "sig": self._sign("\n".join(words))}
        return "?" + urlencode(said)

    @property
    def _url(self) -> str:
        return self.endpoint.replace("{account}", self.account)

    def _sign(self, text: str) -> str:
        return base64.b64encode(hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()).decode()


@contextlib.contextmanager
def google_server(folder: Path) -> Iterator[Google]:
    """Run fake-gcs-server, which takes only what a certain service account signs."""
    address, account = f"127.0.0.1:{free_port()}", "tenant@project.iam.gserviceaccount.com"
    with server(
        [str(tool("fakegcs")), address, account], ready=f"http://{address}/_internal/healthcheck", folder=folder, environment={}, deadline=30
    ):
        keys = {"GOOGLE_SERVICE_ACCOUNT_KEY": _key_file(account)}
        wrong = {"GOOGLE_SERVICE_ACCOUNT_KEY": _key_file("somebody@else.iam.gserviceaccount.com")}
        yield Google(endpoint=f"http://{address}", keys=keys, wrong_keys=wrong, beginning="gs://")


@contextlib.contextmanager
def azure_server(folder: Path) -> Iterator[Azure]:
    """Run Azurite with one account of its own."""
    port, account, key = free_port(), "tenant", _random_key()
    command = [str(tool("azurite")), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--inMemoryPersistence", "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    # Without credentials it answers 400 or 403, which tells as well that it listens.
    with server(command, ready=f"http://127.0.0.1:{port}/", folder=folder, environment={"AZURITE_ACCOUNTS": f"{account}:{key}"}, statuses=(400, 403)):
        names = {"AZURE_STORAGE_ACCOUNT_NAME": account}
        yield Azure(
            endpoint=f"http://127.0.0.1:{port}/{{account}}",
            keys={**names, "AZURE_STORAGE_ACCOUNT_KEY": key},
            wrong_keys={**names, "AZURE_STORAGE_ACCOUNT_KEY": _random_key()},
            beginning="az://",
            account=account,
            key=key,
        )


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()


def _key_file(account: str) -> str:
    """As Google gives it out, with a key that nobody knows."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
    return json.dumps({"type": "service_account", "client_email": account, "private_key_id": "1", "private_key": pem})


@pytest.fixture(scope="session")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    """The session's store of Google's."""
    with google_server(tmp_path_factory.mktemp("gcs")) as running:
        yield running


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """The session's account of Azure's."""
    with azure_server(tmp_path_factory.mktemp("azure")) as running:
        yield running
