"""How the dataset gets into the pods: fetched by an init container of ours, anew for each attempt or into a cache that runs share."""

from collections.abc import Sequence
from dataclasses import dataclass

from treadle.api import DatasetPin, names
from treadle.api.training_run import DatasetReference
from treadle.contracts.dataset import FetchDatasetSpec, Split
from treadle.contracts.stores import CLAIMS
from treadle.training import environment
from treadle.training.run import Run, Store
from treadle.training.stores import claim_of, connection_of, keys_of
from treadle.workloads.contract_job import contract_container
from treadle.workloads.pod import Container, Mount, Volume
from treadle.workloads.pods import FETCH_DATASET

VOLUME = "dataset"
CACHE = "treadle/datasets"
"""Folder of a cache claim below which versions lie, each in a folder of its own."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """What brings the dataset: the container that fetches it, the volumes of both, and where the user's program sees it."""

    fetch: Container
    volumes: tuple[Volume, ...]
    mount: Mount


def data(run: Run) -> Data | None:
    """How the run's dataset gets into its pods; None without one.

    A version in a cache is checked against its digests and not fetched again. Runs share it, so the user's program may only read.

    Raises:
        Trouble: what it is told does not fit into 32 KiB.
    """
    reference, pin = run.spec.dataset, run.dataset
    if reference is None or not isinstance(pin, DatasetPin) or not reachable(run, pin):
        return None
    folder = f"{CACHE}/{cache_key(reference, pin)}" if reference.cache else ""
    mount = Mount(volume=VOLUME, path=environment.DATASET_DIRECTORY, sub_path=folder)
    source = {"persistentVolumeClaim": {"claimName": reference.cache.claim}} if reference.cache else {"emptyDir": {}}
    return Data(
        fetch=fetch_container(run, pin, mount, export=reference.format or "", splits=reference.splits),
        volumes=(Volume(name=VOLUME, source=source), *claim_volumes(pin)),
        mount=Mount(volume=VOLUME, path=environment.DATASET_DIRECTORY, sub_path=folder, read_only=bool(reference.cache)),
    )


def reachable(run: Run, pin: DatasetPin) -> bool:
    """Whether it is known how the version is read. What lies in a claim needs no object store, unless its items do."""
    return isinstance(run.store, Store) or claim_of(pin.uri) is not None


def fetch_container(run: Run, pin: DatasetPin, mount: Mount, *, export: str = "", splits: Sequence[Split] = (), sample: int = 0) -> Container:
    """The container that brings a part of the version to `mount`; the only one that has the keys of the data."""
    store, claims = run.store if isinstance(run.store, Store) else None, _claims(pin)
    reached = connection_of(store)
    spec = FetchDatasetSpec(
        store=reached.model_copy(update={"claims": CLAIMS}) if claims else reached,
        uri=pin.uri,
        digest=pin.digest.removeprefix("sha256:"),
        format=export,
        splits=tuple(splits),
        sample=sample,
        directory=mount.path,
    )
    return contract_container(
        name=FETCH_DATASET,
        image=run.installation.images.jobs,
        spec=spec,
        credentials=keys_of(store, run.spec.access.service_account_name),
        mounts=[mount, *(Mount(volume=volume, path=f"{CLAIMS}/{claim}", read_only=True) for volume, claim in claims)],
        keep_log_lines=not run.sensitive,
    )


def claim_volumes(pin: DatasetPin) -> tuple[Volume, ...]:
    """The volumes of the claims that hold the version and its items."""
    return tuple(Volume(name=volume, source={"persistentVolumeClaim": {"claimName": claim}}) for volume, claim in _claims(pin))


def cache_key(reference: DatasetReference, pin: DatasetPin) -> str:
    """Name of the folder of a version in a cache: its digest, and which part of it was asked for."""
    part = names.digest({"format": reference.format, "splits": sorted(reference.splits)}, 8)
    return f"{pin.digest.removeprefix('sha256:')}-{part}"


def _claims(pin: DatasetPin) -> list[tuple[str, str]]:
    """The claims that our container sees, each with the name of its volume."""
    folder = claim_of(pin.uri)
    return [(f"claim-{number}", claim) for number, claim in enumerate(sorted({*pin.claims, *([folder.claim] if folder else [])}), start=1)]
