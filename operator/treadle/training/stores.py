"""How a part of the object store is reached: by the longest prefix that the user gave credentials for, else by the default connection."""

from dataclasses import replace

from treadle.api import TrainingRunSpec
from treadle.connections.installation import DEFAULT, Granted, Installation, Refusal
from treadle.contracts.stores import S3, FurtherStore, StoreConnection
from treadle.plan import Ref
from treadle.training.run import ClaimFolder, Further, Store
from treadle.workloads.contract_job import store_credentials
from treadle.workloads.pod import Variable

CLAIM_SCHEME = "pvc://"


def place_of(installation: Installation, spec: TrainingRunSpec, run: Ref, uri: str) -> Store | ClaimFolder | Refusal:
    """How the program writes below `uri`: into a claim, or into an object store."""
    return claim_of(uri) or store_of(installation, spec, run, uri)


def claim_of(uri: str) -> ClaimFolder | None:
    """The folder of a claim that a URI names; None for one in an object store."""
    if not uri.startswith(CLAIM_SCHEME):
        return None
    claim, _, path = uri.removeprefix(CLAIM_SCHEME).partition("/")
    return ClaimFolder(claim=claim, path=path.strip("/"))


def stores_of_data(installation: Installation, spec: TrainingRunSpec, run: Ref, uri: str) -> Store | Refusal:
    """How a dataset version is reached, and its items wherever they are: by the credentials of their prefixes, else by the default connection."""
    own, default = store_of(installation, spec, run, uri), installation.store(DEFAULT, run.namespace)
    in_claim = claim_of(uri) is not None
    prefix = f"{S3}://" if in_claim else uri
    further = []
    for entry in spec.access.stores:
        if not entry.prefix.startswith(CLAIM_SCHEME):
            store = store_of(installation, spec, run, entry.prefix)
            if isinstance(store, Refusal):
                return store
            further.append(Further(prefix=entry.prefix, settings=store.settings, secret=store.secret))
    if isinstance(own, Refusal):
        return own
    if not further or not isinstance(default, Granted):
        return replace(own, prefix=prefix, needed=not in_claim, further=tuple(further))
    needed = not in_claim and not any(uri.startswith(each.prefix) for each in further)
    return Store(settings=default.settings, prefix=prefix, secret=default.settings.tenant_secret, needed=needed, further=tuple(further))


def connection_of(store: Store | None) -> StoreConnection:
    """The store as Jobs are told of it; without one, what lies in claims needs none."""
    if store is None:
        return StoreConnection()
    further = tuple(
        FurtherStore(prefix=each.prefix, endpoint=each.settings.endpoint_of(each.prefix), region=each.settings.region, number=number)
        for number, each in enumerate(store.further, start=1)
    )
    return store.settings.reached(store.prefix).model_copy(update={"further": further})


def keys_of(store: Store | None, account: str | None) -> tuple[Variable, ...]:
    """The keys of all its places, each pair in variables of its own."""
    if store is None:
        return ()
    more = (store_credentials(each.secret, account, each.prefix, suffix=f"_{number}") for number, each in enumerate(store.further, start=1))
    return (*store_credentials(store.secret, account, store.prefix, needed=store.needed), *(variable for variables in more for variable in variables))


def store_of(installation: Installation, spec: TrainingRunSpec, run: Ref, uri: str) -> Store | Refusal:
    """Connection and Secret for `uri`, or why the run's namespace may not use the connection."""
    entries = sorted((entry for entry in spec.access.stores if uri.startswith(entry.prefix)), key=lambda entry: len(entry.prefix))
    entry = entries[-1] if entries else None
    granted = installation.store((entry.connection if entry else None) or DEFAULT, run.namespace)
    if not isinstance(granted, Granted):
        return granted
    return Store(settings=granted.settings, prefix=uri, secret=(entry.secret if entry else None) or granted.settings.tenant_secret)
