"""The init container of serving pods, and how every Job ends, as real processes."""

from __future__ import annotations

import hashlib
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.job_runs import DEADLINE, JobProcess, store_at
from tests.integration.servers import S3Server
from treadle.contracts import ExitCode, JobSpec
from treadle.contracts.drift import StoredReference
from treadle.contracts.fetch_model import FetchModelResult, FetchModelSpec
from treadle.contracts.smoke import StoredSmoke

FILES = {"MLmodel": b"flavors: {}\n", "model.skops": bytes(range(256)) * 40_000, "deep/input example.json": b"{}"}


@pytest.fixture
def bucket(s3: S3Server) -> str:
    name = s3.make_bucket(f"mlflow-{uuid4().hex[:8]}")
    for path, content in FILES.items():
        file = s3.folder / name / "1/models/m-1/artifacts" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return name


@pytest.fixture
def job(s3: S3Server, tmp_path: Path) -> JobProcess:
    return JobProcess(tmp_path, s3.access_key, s3.secret_key)


def spec_of(s3: S3Server, bucket: str, folder: Path, digest: str = "") -> FetchModelSpec:
    uri = f"s3://{bucket}/1/models/m-1/artifacts"
    return FetchModelSpec(store=store_at(s3.endpoint), uri=uri, directory=str(folder / "model"), digest=digest)


def test_a_model_is_fetched_whole_and_again_all_the_same(s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path) -> None:
    first = job.result(spec_of(s3, bucket, tmp_path), FetchModelResult)
    assert (first.files, first.bytes) == (len(FILES), sum(map(len, FILES.values())))
    assert {path: (tmp_path / "model" / path).read_bytes() for path in FILES} == FILES
    assert job.result(spec_of(s3, bucket, tmp_path, first.digest), FetchModelResult) == first


def test_a_model_other_than_pinned_does_not_count_as_there(s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path) -> None:
    code, failure = job.failure(spec_of(s3, bucket, tmp_path, "0" * 64))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "ContentChanged")
    assert not (tmp_path / "model" / "MLmodel").exists()


@pytest.mark.parametrize(("content", "fetched"), [(b"{}", True), (b"changed", False), (None, False)], ids=["there", "changed", "gone"])
def test_a_model_comes_with_its_reference_of_drift_or_without_it(
    s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path, content: bytes | None, fetched: bool
) -> None:
    path = "1/run/artifacts/treadle/reference.json"
    if content is not None:
        (s3.folder / bucket / path).parent.mkdir(parents=True)
        (s3.folder / bucket / path).write_bytes(content)
    stored = StoredReference(uri=f"s3://{bucket}/{path}", sha256=hashlib.sha256(b"{}").hexdigest())
    wanted = {"reference": stored, "reference_file": str(tmp_path / "reference.json")}
    job.result(spec_of(s3, bucket, tmp_path).model_copy(update=wanted), FetchModelResult)
    assert (tmp_path / "model" / "MLmodel").exists()
    assert (tmp_path / "reference.json").exists() == fetched


@pytest.mark.parametrize(("content", "fetched"), [(b"an item", True), (b"changed", False), (None, False)], ids=["there", "changed", "gone"])
@pytest.mark.parametrize("cached", [False, True])
def test_a_model_comes_with_its_smoke_example_or_says_why_not(
    s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path, content: bytes | None, fetched: bool, cached: bool
) -> None:
    if content is not None:
        (s3.folder / bucket / "items").mkdir(parents=True)
        (s3.folder / bucket / "items" / "7.png").write_bytes(content)
    smoke = StoredSmoke(uri=f"s3://{bucket}/items/7.png", sha256=hashlib.sha256(b"an item").hexdigest(), label="7")
    wanted = spec_of(s3, bucket, tmp_path).model_copy(update={"smoke": smoke, "smoke_directory": str(tmp_path / "beside"), "cached": cached})
    for _ in ("a pod", "the next pod"):
        found = job.result(wanted, FetchModelResult)
        assert (tmp_path / "model" / "MLmodel").exists()
        assert Path(smoke.file(wanted.smoke_directory)).exists() == fetched
        assert found.smoke == "" if fetched else found.smoke.startswith(f"{smoke.uri}: ")


def test_a_kept_model_and_its_example_need_no_store(s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path) -> None:
    (s3.folder / bucket / "items").mkdir(parents=True)
    (s3.folder / bucket / "items" / "7.png").write_bytes(b"an item")
    smoke = StoredSmoke(uri=f"s3://{bucket}/items/7.png", sha256=hashlib.sha256(b"an item").hexdigest(), label="7")
    wanted = spec_of(s3, bucket, tmp_path).model_copy(update={"smoke": smoke, "smoke_directory": str(tmp_path / "beside"), "cached": True})
    first = job.result(wanted, FetchModelResult)
    assert job.result(wanted.model_copy(update={"store": store_at("http://127.0.0.1:9")}), FetchModelResult) == first


def test_a_kept_model_needs_no_store_and_is_fetched_again_once_it_is_not_what_it_was(
    s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path
) -> None:
    wanted = spec_of(s3, bucket, tmp_path).model_copy(update={"cached": True})
    first = job.result(wanted, FetchModelResult)
    gone = wanted.model_copy(update={"store": store_at("http://127.0.0.1:9")})
    assert job.result(gone, FetchModelResult) == first
    (tmp_path / "model" / "model.skops").write_bytes(b"damaged")
    assert job.result(wanted, FetchModelResult) == first
    assert (tmp_path / "model" / "model.skops").read_bytes() == FILES["model.skops"]


def test_files_for_a_users_own_server_need_not_be_a_model_of_mlflow(s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path) -> None:
    (s3.folder / bucket / "1/models/m-1/artifacts/MLmodel").unlink()
    found = job.result(spec_of(s3, bucket, tmp_path).model_copy(update={"any_files": True}), FetchModelResult)
    assert found.files == len(FILES) - 1


def test_an_address_without_a_model_is_said(s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path) -> None:
    (s3.folder / bucket / "1/models/m-1/artifacts/MLmodel").unlink()
    code, failure = job.failure(spec_of(s3, bucket, tmp_path))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "ModelFilesNotFound")


@pytest.mark.parametrize("variable", ["", "{", '{"kind":"knit"}', '{"kind":"fetch-model","contract":2}'])
def test_a_job_that_its_image_does_not_understand_is_said(job: JobProcess, variable: str) -> None:
    class Foreign(JobSpec):
        def to_variable(self) -> str:
            return variable

    code, failure = job.failure(Foreign(kind="?", contract=1))
    assert (code, failure.reason) == (ExitCode.BAD_INPUT, "JobContractMismatch")


def test_an_unexpected_error_is_a_defect_of_ours_and_says_so(s3: S3Server, bucket: str, job: JobProcess, tmp_path: Path) -> None:
    (tmp_path / "model").touch()  # a file where a directory is wanted
    code, failure = job.failure(spec_of(s3, bucket, tmp_path))
    assert (code, failure.reason) == (ExitCode.BUG, "JobDefect")


def test_a_job_that_waits_for_a_silent_store_ends_at_once_when_told(bucket: str, job: JobProcess, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(1) as pool:
        silent.settimeout(DEADLINE)
        spec = FetchModelSpec(
            store=store_at(f"http://127.0.0.1:{silent.getsockname()[1]}"), uri=f"s3://{bucket}/1", directory=str(tmp_path / "model")
        )
        ended = pool.submit(job.run, spec)
        asked, _ = silent.accept()
        with asked:
            assert job.running is not None
            job.running.terminate()
            assert ended.result(timeout=10) == 128 + signal.SIGTERM
