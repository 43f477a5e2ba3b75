"""The three outside systems, real, each as one local process on a free loopback port.

Use the fixtures `s3`, `mlflow` and `label_studio` (one server each for the whole session; keep tests apart by bucket, experiment and
project), or the context managers for a server of your own, for instance one that goes away in the middle of a test.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.cluster import tool
from tests.integration import loopback
from tests.integration.environments import environment, locked
from tests.integration.processes import free_port, server

QUIET_LABEL_STUDIO = {"COLLECT_ANALYTICS": "false", "LATEST_VERSION_CHECK": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": ""}
TIMEOUT = 30.0


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """An S3 server over a folder; every folder in it is a bucket."""

    endpoint: str
    access_key: str
    secret_key: str
    folder: Path
    region: str = "us-east-1"

    def make_bucket(self, name: str) -> str:
        """Make a bucket if it is absent and return its name."""
        (self.folder / name).mkdir(exist_ok=True)
        return name


@dataclass(frozen=True, kw_only=True)
class LabelStudioServer:
    """A Label Studio whose tokens are legacy tokens: they go into the header `Authorization: Token <token>`."""

    url: str
    token: str
    """The token of the first user, who made the organization."""

    def make_user(self, email: str) -> str:
        """Sign up another real user through an invitation and return their token."""
        return sign_up(self.url, self.token, email, secrets.token_urlsafe(16))


@contextlib.contextmanager
def s3_server(folder: Path, port: int | None = None) -> Iterator[S3Server]:
    """Run versitygw over `folder/buckets`, on a free port when silent."""
    (folder / "buckets").mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{port or free_port()}"
    access, secret = secrets.token_hex(10), secrets.token_hex(20)
    command = [str(tool("versitygw")), "--port", address, "--health", "/health", "--quiet", "posix", str(folder / "buckets")]
    keys = {"ROOT_ACCESS_KEY": access, "ROOT_SECRET_KEY": secret}
    with server(command, ready=f"http://{address}/health", folder=folder, environment=keys, deadline=30):
        yield S3Server(endpoint=f"http://{address}", access_key=access, secret_key=secret, folder=folder / "buckets")


@contextlib.contextmanager
def mlflow_server(folder: Path, s3: S3Server | None = None, port: int | None = None) -> Iterator[str]:
    """Run MLflow with SQLite and yield its URL; artifacts go to the bucket `mlflow` of an S3 server, else to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    artifacts = f"s3://{s3.make_bucket('mlflow')}" if s3 else str(folder / "artifacts")
    program = environment("mlflow") / "bin" / "mlflow"
    store = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--serve-artifacts", "--artifacts-destination", artifacts]
    command = [str(program), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *store]
    settings = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ALLOWED_HOSTS": "localhost,localhost:*,127.0.0.1,127.0.0.1:*",
    }
    if s3:
        settings |= {"MLFLOW_S3_ENDPOINT_URL": s3.endpoint, "AWS_ACCESS_KEY_ID": s3.access_key, "AWS_SECRET_ACCESS_KEY": s3.secret_key}
        settings |= {"AWS_DEFAULT_REGION": s3.region}
    url = f"http://127.0.0.1:{port}"
    # Not /health, which answers before and whatever the rest does.
    ready = f"{url}/api/2.0/mlflow/experiments/search?max_results=1"
    with server(command, ready=ready, folder=folder, environment=settings):
        yield url


@contextlib.contextmanager
def label_studio_server(folder: Path, port: int | None = None) -> Iterator[LabelStudioServer]:
    """Run Label Studio on a copy of a migrated database: seconds instead of half a minute."""
    folder.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    if not (folder / "label_studio.sqlite3").exists():
        shutil.copy(_migrated_database(), folder / "label_studio.sqlite3")
    token = secrets.token_hex(20)
    settings = QUIET_LABEL_STUDIO | {
        "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
        "LABEL_STUDIO_USERNAME": "admin@example.com",
        "LABEL_STUDIO_PASSWORD": secrets.token_urlsafe(16),
        "LABEL_STUDIO_USER_TOKEN": token,
        "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "SECRET_KEY": secrets.token_hex(32),
        # Storage on loopback is what these tests are about; the metadata address of clouds stays closed.
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "USER_ADDITIONAL_BANNED_SUBNETS": "169.254.0.0/16",
    }
    program = environment("label-studio") / "bin" / "label-studio"
    command = [str(program), "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    # If the port was taken meanwhile, Label Studio silently takes the next one: then nothing of ours answers here, and we fail.
    with server(command, ready=f"{url}/api/version", folder=folder, environment=settings):
        yield LabelStudioServer(url=url, token=token)


def sign_up(url: str, token: str, email: str, password: str) -> str:
    """Make a user of a running Label Studio through an invitation, as a person would, and return the user's legacy token.

    `token` is the token of an existing user. A user made through the API instead would have no organization.

    Raises:
        AssertionError: the invitation or the form was refused.
    """
    invitation = loopback.get(f"{url}/api/invite", headers={"Authorization": f"Token {token}"}, timeout=TIMEOUT)
    assert invitation.status_code == 200, invitation.text
    with loopback.Client(base_url=url, timeout=TIMEOUT) as browser:
        form = invitation.json()["invite_url"]
        page = browser.get(form)
        hidden = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert hidden, page.text[:500]
        entries = {"csrfmiddlewaretoken": hidden[1], "email": email, "password": password, "allow_newsletters": "false"}
        answer = browser.post(form, data=entries, headers={"Referer": f"{url}{form}"})
        assert answer.status_code == 302, answer.text[:500]
        # Label Studio saves a user and the user's token in two transactions; a user left without one gets it here.
        own = browser.post("/api/current-user/reset-token/", headers={"Referer": f"{url}{form}", "X-CSRFToken": browser.cookies["csrftoken"]})
        assert own.status_code == 201, own.text
        return str(own.json()["token"])


def _migrated_database() -> Path:
    """Return an empty Label Studio database with all migrations, made once per lock."""
    folder = environment("label-studio")
    database = folder / "seed" / "label_studio.sqlite3"
    with locked(folder / "seed"):
        if not database.exists():
            making = folder / "seed.new"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            (manage,) = folder.glob("lib/python3*/site-packages/label_studio/manage.py")
            settings = {**os.environ, **QUIET_LABEL_STUDIO, "LABEL_STUDIO_BASE_DATA_DIR": str(making)}
            command = [str(folder / "bin" / "python"), str(manage), "migrate", "--no-color", "--verbosity", "0"]
            done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"Label Studio's migration failed:\n{done.stderr[-2000:]}"
            making.rename(folder / "seed")
    return database


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """The session's S3 server."""
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="session")
def mlflow(tmp_path_factory: pytest.TempPathFactory, s3: S3Server) -> Iterator[str]:
    """The URL of the session's MLflow, which keeps its artifacts in the bucket `mlflow` of the S3 server."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow"), s3) as url:
        yield url


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """The session's Label Studio."""
    with label_studio_server(tmp_path_factory.mktemp("label-studio")) as running:
        yield running
