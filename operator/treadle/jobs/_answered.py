"""What programs answered about items, as it is kept in the store: which items have an answer, and which answers there are."""

from collections.abc import Iterator, Mapping, Sequence

from treadle.api.base import DataUri
from treadle.contracts import Blob
from treadle.contracts.prelabel import PREDICTIONS, Answered
from treadle.contracts.sync import Item
from treadle.jobs._given import Identity
from treadle.jobs._lines import from_lines, pinned
from treadle.jobs._store import Store, below

SHORT = 12  # digits of a listing's digest in a name


def folder(destination: DataUri, who: str) -> str:
    """Where the answers of one proposer are kept."""
    return below(destination, PREDICTIONS, who)


def part_name(listing: Blob, shard: int, shards: int) -> str:
    """Name of the part that one pod keeps: the same for whoever does the same work again, so that it is kept once."""
    return f"{listing.sha256[:SHORT]}-{shard:05d}-of-{shards:05d}.jsonl"


def answered(store: Store, destination: DataUri, who: str) -> Mapping[Identity, Answered]:
    """All answers of a proposer. Should an item have two, because a pod that was given up went on all the same, the one that came first counts."""
    found: dict[Identity, Answered] = {}
    for entry in sorted(store.list(folder(destination, who)), key=lambda entry: (entry.modified, entry.uri)):
        for line in from_lines(Answered, store.read(entry.uri)):
            found.setdefault((line.key, line.sha256), line)
    return found


def listed(store: Store, listing: Blob) -> Sequence[Item]:
    """The items to be labelled, by key. Gold items are not among them: people are measured by what they answer unaided."""
    return [item for item in from_lines(Item, pinned(store, listing)) if item.gold is None]


def of_shard(items: Sequence[Item], shard: int, shards: int) -> Iterator[Item]:
    """The items of one of the pods: every so-many-th, so that a group of slow ones is shared."""
    return (item for index, item in enumerate(items) if index % shards == shard)
