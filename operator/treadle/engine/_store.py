"""The cache: what is known of the cluster's objects, and the rules that keep it coherent.

Three sources write into it without knowing of each other: the watch, our own LISTs, and the answers to our own requests. Coherence: an object is
put only if it is newer; it is removed only if the uid matches; a LIST at resourceVersion L removes only entries that are not newer than L, a DELETED
of the watch at L only those that are older; what was seen to be gone leaves a tombstone, so that a late message cannot raise it again.

Both watch and LIST select by label, and call gone what only lost it. So their tombstones hold for messages that are not newer than L, and give way
to whoever asked the API server for the object itself since. What came back that way without our label has strayed: no LIST can tell of it.

Nearly all objects are at rest nearly all the time. So each is kept packed, as a JSON text of what is read of it: about a kilobyte instead of eight as
dictionaries, which would also be walked by every collection of garbage. It is unpacked anew for whoever looks, in some microseconds.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from sys import intern
from typing import NamedTuple

from treadle.engine._json import decode, encode
from treadle.engine._objects import controller_uid, version
from treadle.engine._selection import strayed
from treadle.plan import Object, Ref, ref_of

TOMBSTONES = 20_000
SPEC_READ = {"Pod": ("nodeName",), "Job": ("suspend", "completions", "parallelism"), "JobSet": ("suspend",), "Workload": ("active",)}
"""What is read of the spec of objects that are never applied; the rest, a whole pod template, would be most of what is in memory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object at rest: what coherence and indices need of it, and the object itself, packed."""

    ref: Ref
    uid: str
    version: int
    owner: str | None
    strayed: bool
    packed: bytes

    @property
    def object(self) -> Object:
        """The object, unpacked anew."""
        this: Object = decode(self.packed)
        return this

    @property
    def labels(self) -> dict[str, str]:
        """The object's labels."""
        return self.object["metadata"].get("labels") or {}


class Tombstone(NamedTuple):
    """Of an object that is gone: which one it is of all that were ever set, and up to which version it holds; None: whatever is said."""

    number: int
    version: int | None


Change = tuple[Entry | None, Entry | None]
"""An object before and after; None where it did not exist."""
Places = defaultdict[tuple[str, str], set[Ref]]
"""The names of objects by their namespace and the value of one label."""


class Store:
    """Objects by name, by owner and by label. Every mutator returns what it changed: (before, after) pairs, so that readers can be woken."""

    def __init__(self) -> None:
        self._entries: defaultdict[str, dict[Ref, Entry]] = defaultdict(dict)
        self._owned: dict[tuple[str, str], tuple[Ref, ...]] = {}
        self._labelled: defaultdict[str, dict[str, Places]] = defaultdict(dict)
        self._strays: set[Ref] = set()
        self._tombstones: OrderedDict[str, Tombstone] = OrderedDict()
        self.moment = 0
        """How many tombstones were ever set: what is asked from now on is later than all of them."""

    def __contains__(self, ref: Ref) -> bool:
        return ref in self._entries[ref.kind]

    def get(self, ref: Ref) -> Object | None:
        """The object as last seen."""
        entry = self._entries[ref.kind].get(ref)
        return entry.object if entry else None

    def entries(self, kind: str) -> Collection[Entry]:
        """Every object of a kind, in no order."""
        return tuple(self._entries[kind].values())

    def owned(self, uid: str, kind: str) -> list[Object]:
        """Objects of a kind controlled by this uid, by name."""
        return [self._entries[kind][ref].object for ref in sorted(self._owned.get((kind, uid), ()))]

    def labelled(self, kind: str, namespace: str, label: str, value: str) -> list[Object]:
        """Objects of a kind in a namespace with this label value, by name. Whoever asks for a label first has its index made."""
        places = self._labelled[kind].get(label)
        if places is None:
            places = self._labelled[kind][label] = defaultdict(set)
            for entry in self._entries[kind].values():
                _enter(places, label, entry)
        return [self._entries[kind][ref].object for ref in sorted(places.get((namespace, value), ()))]

    def strays(self) -> Collection[Ref]:
        """The objects that have strayed."""
        return tuple(self._strays)

    def put(self, this: Object, since: int = 0) -> Iterator[Change]:
        """Take in an object if it is newer than what is known, and not one that is known to be gone. `since`: the moment since when the API server
        itself was asked for it; 0 for what a watch or a LIST told.
        """
        ref, uid = ref_of(this), str(this["metadata"]["uid"])
        known = self._entries[ref.kind].get(ref)
        if self._is_buried(uid, version(this), since) or (known is not None and known.version >= version(this)):
            return
        self._tombstones.pop(uid, None)
        if known is not None:
            self._unlink(known)
        ref = Ref(intern(ref.kind), intern(ref.namespace), ref.name)
        entry = Entry(ref, uid, version(this), controller_uid(this), strayed(this), encode(projected(this)))
        self._link(entry)
        yield known, entry

    def remove(self, ref: Ref, uid: str | None, at: int | None = None) -> Iterator[Change]:
        """Take out the object with this uid; `uid` None: whatever is known under the name. `at`: the version at which a watch or a LIST lost sight
        of it; what is known to be there at that version, or a later one, has only strayed.
        """
        known = self._entries[ref.kind].get(ref)
        gone = uid or (known.uid if known else None)
        if at is not None and known is not None and known.uid == gone and known.version >= at:
            return
        if gone:
            self._bury(gone, at)
        if known is not None and known.uid == gone:
            self._unlink(known)
            yield known, None

    def retain(self, kind: str, uids: Collection[str], list_version: int, namespace: str | None = None) -> Iterator[Change]:
        """Remove what is not in a whole LIST, whose objects were put already, and is not newer than it; it does not tell of what has strayed."""
        for entry in self.entries(kind):
            if entry.uid not in uids and entry.version <= list_version and namespace in (None, entry.ref.namespace) and not entry.strayed:
                self._bury(entry.uid, list_version)
                self._unlink(entry)
                yield entry, None

    def _is_buried(self, uid: str, at: int, since: int) -> bool:
        stone = self._tombstones.get(uid)
        if stone is None:
            return False
        return stone.version is None or (at <= stone.version and since < stone.number)

    def _bury(self, uid: str, at: int | None) -> None:
        self.moment += 1
        self._tombstones[uid] = Tombstone(self.moment, at)
        while len(self._tombstones) > TOMBSTONES:
            self._tombstones.popitem(last=False)

    def _link(self, entry: Entry) -> None:
        kind = entry.ref.kind
        self._entries[kind][entry.ref] = entry
        if entry.strayed:
            self._strays.add(entry.ref)
        if entry.owner is not None:
            self._owned[kind, entry.owner] = (*self._owned.get((kind, entry.owner), ()), entry.ref)
        for label, places in self._labelled[kind].items():
            _enter(places, label, entry)

    def _unlink(self, entry: Entry) -> None:
        kind = entry.ref.kind
        del self._entries[kind][entry.ref]
        self._strays.discard(entry.ref)
        if entry.owner is not None:
            if others := tuple(ref for ref in self._owned[kind, entry.owner] if ref != entry.ref):
                self._owned[kind, entry.owner] = others
            else:
                del self._owned[kind, entry.owner]
        for label, places in self._labelled[kind].items():
            if (value := entry.labels.get(label)) is not None:
                refs = places[entry.ref.namespace, value]
                refs.discard(entry.ref)
                if not refs:
                    del places[entry.ref.namespace, value]


def _enter(places: Places, label: str, entry: Entry) -> None:
    if (value := entry.labels.get(label)) is not None:
        places[entry.ref.namespace, value].add(entry.ref)


def projected(this: Object) -> Object:
    """The object without what no plan reads and what would make memory grow: managedFields, the copy that client-side apply keeps, pod templates."""
    metadata = {key: value for key, value in this["metadata"].items() if key != "managedFields"}
    if annotations := metadata.get("annotations"):
        metadata["annotations"] = {k: v for k, v in annotations.items() if k != "kubectl.kubernetes.io/last-applied-configuration"}
    kept = {**this, "metadata": metadata}
    if (read := SPEC_READ.get(this["kind"])) is not None and (spec := this.get("spec")):
        kept["spec"] = {name: spec[name] for name in read if name in spec}
    return kept
