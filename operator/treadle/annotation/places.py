"""Where the project's data is: stores by the credentials of their prefixes, and claims. What Jobs are told of it, and given for it."""

from collections.abc import Sequence

from treadle.annotation.project import Further, Project, Store
from treadle.api import AnnotationProjectSpec
from treadle.api.common import StoreAccess
from treadle.connections.installation import DEFAULT, Installation, Refusal, StoreSettings
from treadle.contracts import StoreConnection
from treadle.contracts.stores import CLAIMS, S3, FurtherStore, scheme_of
from treadle.plan import Ref
from treadle.workloads.contract_job import store_credentials
from treadle.workloads.pod import Mount, Variable, Volume

CLAIM_SCHEME = "pvc://"
SIGNED = f"{S3}://"
"""Where Label Studio signs links to."""
VOLUME = "claim-{number}"


def uris(spec: AnnotationProjectSpec) -> tuple[str, ...]:
    """Where the project's Jobs read and write."""
    gold = (spec.quality.gold.uri,) if spec.quality.gold is not None else ()
    labels = (source.labels.uri for source in spec.all_sources if source.labels is not None)
    return (*(source.uri for source in spec.all_sources), *labels, *gold, spec.dataset.destination)


def unsigned(spec: AnnotationProjectSpec) -> list[str]:
    """Sources and gold items that lie where Label Studio signs no links to."""
    gold = (spec.quality.gold.uri,) if spec.quality.gold is not None else ()
    return [uri for uri in (*(source.uri for source in spec.all_sources), *gold) if not uri.startswith(SIGNED)]


def store_of_model(installation: Installation, spec: AnnotationProjectSpec, ref: Ref, uri: str) -> Store | Refusal:
    """How the files of a model are reached: as users' own credentials say, else by the default connection."""
    entry = max((each for each in spec.access.stores if uri.startswith(each.prefix)), key=lambda each: len(each.prefix), default=None)
    granted = installation.store((entry.connection if entry else None) or DEFAULT, ref.namespace)
    if isinstance(granted, Refusal):
        return granted
    return Store(settings=granted.settings, prefix=uri, secret=(entry.secret if entry else None) or granted.settings.tenant_secret)


def store_of(installation: Installation, spec: AnnotationProjectSpec, ref: Ref) -> Store | Refusal:
    """How all of it is reached, or why the namespace may not use a connection."""
    claims = tuple(sorted({_claim(uri) for uri in uris(spec) if uri.startswith(CLAIM_SCHEME)}))
    written = _claim(spec.dataset.destination) if spec.dataset.destination.startswith(CLAIM_SCHEME) else ""
    found: list[Further] = []
    for prefix, entry in _entries(spec):
        granted = installation.store((entry.connection if entry else None) or DEFAULT, ref.namespace)
        if isinstance(granted, Refusal):
            return granted
        secret = (entry.secret if entry else None) or granted.settings.tenant_secret
        found.append(Further(prefix=prefix, settings=granted.settings, secret=secret))
    if not found:
        return Store(settings=StoreSettings(), claims=claims, written=written)
    first, *others = found
    return Store(settings=first.settings, prefix=first.prefix, secret=first.secret, further=tuple(others), claims=claims, written=written)


def store_connection(store: Store) -> StoreConnection:
    """The store as Jobs are told of it."""
    further = tuple(
        FurtherStore(prefix=each.prefix, endpoint=each.settings.endpoint_of(each.prefix), region=each.settings.region, number=number)
        for number, each in enumerate(store.further, start=1)
    )
    claims = CLAIMS if store.claims else ""
    return store.settings.reached(store.prefix).model_copy(update={"further": further, "claims": claims})


def credentials(project: Project) -> tuple[Variable, ...]:
    """The keys of all stores, each pair in variables of its own."""
    store, account = project.store, project.spec.access.service_account_name
    if not isinstance(store, Store) or not store.secret:
        return ()
    more = (store_credentials(each.secret, account, each.prefix, suffix=f"_{number}") for number, each in enumerate(store.further, start=1))
    return (*store_credentials(store.secret, account, store.prefix), *(variable for variables in more for variable in variables))


def claim_volumes(project: Project) -> tuple[tuple[Volume, ...], tuple[Mount, ...]]:
    """The claims, and where the pod sees them; only the one of the destination is written to."""
    store = project.store
    claims: Sequence[str] = store.claims if isinstance(store, Store) else ()
    written = store.written if isinstance(store, Store) else ""
    named = [(VOLUME.format(number=number), claim) for number, claim in enumerate(claims, start=1)]
    volumes = tuple(Volume(name=name, source={"persistentVolumeClaim": {"claimName": claim}}) for name, claim in named)
    return volumes, tuple(Mount(volume=name, path=f"{CLAIMS}/{claim}", read_only=claim != written) for name, claim in named)


def _entries(spec: AnnotationProjectSpec) -> list[tuple[str, StoreAccess | None]]:
    """The credentials that are needed, each once, by how URIs begin: first the default connection's if anything needs them, once for each kind of
    store.
    """
    used: dict[str, StoreAccess | None] = {}
    for uri in (spec.dataset.destination, *uris(spec)):
        if not uri.startswith(CLAIM_SCHEME):
            entry = max((each for each in spec.access.stores if uri.startswith(each.prefix)), key=lambda each: len(each.prefix), default=None)
            used.setdefault(entry.prefix if entry else f"{scheme_of(uri)}://", entry)
    return sorted(used.items(), key=lambda each: each[1] is not None)


def _claim(uri: str) -> str:
    return uri.removeprefix(CLAIM_SCHEME).partition("/")[0]
