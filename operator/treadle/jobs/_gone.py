"""Items that are gone from their source and kept all the same.

What no version has held yet is described by earlier listings only. An item of which a version would need what is gone for good is left out: it must
not hold up all others for ever. So is one with other content at its place now: nobody could ever read what people saw.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice

from pydantic import ValidationError

from treadle.contracts.sync import Item
from treadle.jobs._consensus import Judged, Verdict
from treadle.jobs._given import Identity
from treadle.jobs._lines import streamed
from treadle.jobs._listing import LISTINGS
from treadle.jobs._origins import UNKNOWN, Origin
from treadle.jobs._side_by_side import side_by_side
from treadle.jobs._store import NotThere, Store, below

LOOKED = 100
"""So many earlier listings are looked through, the newest first: what is in none of them was gone long before anybody agreed on it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Needs:
    """What a version takes of its items.

    Attributes:
        sizes: of images, since a format tells them.
        contents: to be copied, read or laid out.
    """

    sizes: bool
    contents: bool


def with_gone(
    store: Store, destination: str, needs: Needs, listing: Iterable[Item], judged: Sequence[Judged], known: Mapping[str, Origin], copies: Set[str]
) -> tuple[Sequence[Judged], Mapping[str, Origin]]:
    """The judged items without gone ones that cannot be kept, and what is known of all of them.

    Args:
        store: of the destination and the sources.
        destination: the project's, with all earlier listings.
        needs: what the version takes of its items.
        listing: what is there.
        judged: all annotated items.
        known: origins by key, by the listing and the latest version.
        copies: digests of contents that the destination holds.

    Raises:
        JobFailure: the store does not answer.
    """
    present = {item.key: item.sha256 for item in listing}
    agreed = [each for each in judged if each.verdict is Verdict.AGREED and present.get(each.key) != each.sha256]
    gone = [each for each in agreed if each.key not in present]
    missing = {(each.key, each.sha256) for each in gone if not _is_enough(known.get(each.key), needs)}
    earlier = _earlier(store, destination, missing)
    origins = {**known, **{item.key: Origin(item.source, item.group, item.image, item.time) for item in earlier.values()}}
    verdicts = {(each.key, each.sha256): Verdict.REMOVED for each in agreed if each.key in present}
    verdicts |= {(each.key, each.sha256): Verdict.REMOVED for each in gone if needs.sizes and origins.get(each.key, UNKNOWN).image is None}
    verdicts |= dict.fromkeys(_lost(store, gone, copies), Verdict.REMOVED) if needs.contents else {}
    verdicts |= {identity: Verdict.GOLD for identity, item in earlier.items() if item.gold is not None}
    return [_left_out(each, verdicts) for each in judged] if verdicts else judged, origins


def _is_enough(origin: Origin | None, needs: Needs) -> bool:
    return origin is not None and not (needs.sizes and origin.image is None)


def _earlier(store: Store, destination: str, wanted: Set[Identity]) -> Mapping[Identity, Item]:
    """The items as the newest earlier listing tells each that holds it."""
    found: dict[Identity, Item] = {}
    listings = sorted(store.list(below(destination, LISTINGS)), key=lambda entry: entry.modified, reverse=True) if wanted else []
    for entry in islice(listings, LOOKED):
        if found.keys() == wanted:
            break
        try:
            for line in streamed(store, entry.uri):
                item = Item.model_validate_json(line)
                if (item.key, item.sha256) in wanted:
                    found.setdefault((item.key, item.sha256), item)
        except (NotThere, ValidationError) as failure:
            log.warning("the listing %s is not readable: %s", entry.uri, failure)
    return found


def _lost(store: Store, gone: Iterable[Judged], copies: Set[str]) -> Set[Identity]:
    """Those whose content is gone with them: nothing is at its place any more, and there is no copy."""
    without_copy = [each for each in gone if each.sha256 not in copies]

    def is_lost(each: Judged) -> bool:
        try:
            store.look(each.uri)
        except NotThere:
            return True
        return False

    return {(each.key, each.sha256) for each, lost in zip(without_copy, side_by_side(is_lost, without_copy), strict=True) if lost}


def _left_out(each: Judged, verdicts: Mapping[Identity, Verdict]) -> Judged:
    verdict = verdicts.get((each.key, each.sha256))
    return replace(each, verdict=verdict, consensus=None, reviewed=False) if verdict else each
