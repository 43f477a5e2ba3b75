"""What is known of an item apart from its label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from treadle.contracts.dataset import DatasetItem
from treadle.contracts.labels import ImageSize
from treadle.contracts.sync import Item


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item comes from, and how large its image is."""

    source: str = ""
    group: str = ""
    image: ImageSize | None = None
    time: str = ""


UNKNOWN = Origin()


def origins_of(listing: Iterable[Item], latest: Iterable[DatasetItem]) -> Mapping[str, Origin]:
    """By key: what the listing says, and of what is not in it, what the latest version says."""
    sizes: dict[ImageSize | None, ImageSize | None] = {}
    known: Iterable[DatasetItem | Item] = chain(latest, listing)
    return {item.key: Origin(item.source, item.group, sizes.setdefault(item.image, item.image), item.time) for item in known}
