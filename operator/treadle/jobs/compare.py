"""Say what is different in a later version of a dataset: its items, its class balance, and what it was made by."""

from treadle.api.reasons import Reason
from treadle.contracts import RESULT_LIMIT
from treadle.contracts.compare import Changes, CompareResult, CompareSpec, VersionNumbers
from treadle.contracts.dataset import Identity, Manifest
from treadle.jobs._changes import changes_between
from treadle.jobs._failure import JobFailure
from treadle.jobs._store import Store
from treadle.jobs._versions import items_of, manifest_of

LABELS = 20
"""So many labels are told with their counts, those that changed most."""


def compare(spec: CompareSpec) -> CompareResult:
    """Both versions are read from the store and checked against their manifests.

    Raises:
        JobFailure: there is no such version, it was changed by hand, or the store does not answer.
    """
    store = Store(spec.store)
    after = manifest_of(store, spec.destination, spec.after)
    number = spec.before or after.parent
    if number is None:
        raise JobFailure(Reason.DatasetVersionNotFound, f"version {after.version} at {spec.destination} is the first: name another one")
    before = manifest_of(store, spec.destination, number)
    quiet = spec.sensitive or before.sensitive or after.sensitive
    changes = changes_between(items_of(store, spec.destination, before), items_of(store, spec.destination, after), sensitive=quiet)
    names = [] if quiet else sorted({*before.counts, *after.counts}, key=lambda name: (-abs(_change(name, before, after)), name))[:LABELS]
    result = CompareResult(
        before=_numbers(before, names),
        after=_numbers(after, names),
        settings=tuple(field for field in Identity.model_fields if field != "items" and _differs(field, before, after)),
        changes=changes,
    )
    return fitting(result)


def _numbers(manifest: Manifest, labels: list[str]) -> VersionNumbers:
    return VersionNumbers(
        version=manifest.version,
        digest=manifest.digest,
        created_at=manifest.created_at,
        items=manifest.items,
        splits={str(split): count for split, count in manifest.splits.items()},
        counts={name: manifest.counts.get(name, 0) for name in labels},
        agreement=manifest.provenance.agreement,
    )


def _change(name: str, before: Manifest, after: Manifest) -> int:
    return after.counts.get(name, 0) - before.counts.get(name, 0)


def _differs(field: str, before: Manifest, after: Manifest) -> bool:
    return bool(getattr(before.identity, field) != getattr(after.identity, field))


def fitting(result: CompareResult) -> CompareResult:
    """The result without the least telling entries of its lists, so that it fits the termination message whatever items and labels are called."""
    while len(result.to_json().encode()) > RESULT_LIMIT:
        changes = result.changes
        if changes.examples or changes.labels:
            longer = "examples" if len(changes.examples) >= len(changes.labels) else "labels"
            shorter: Changes = changes.model_copy(update={longer: getattr(changes, longer)[:-1]})
            result = result.model_copy(update={"changes": shorter})
            continue
        counts = [dict(list(version.counts.items())[:-1]) for version in (result.before, result.after)]
        result = result.model_copy(
            update={
                "before": result.before.model_copy(update={"counts": counts[0]}),
                "after": result.after.model_copy(update={"counts": counts[1]}),
            }
        )
    return result
