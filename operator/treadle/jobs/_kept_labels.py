"""Projects without a labelling backend: labels that came with the items, as the annotations that quality and release work with."""

import re
from dataclasses import dataclass

from treadle.api.names import digest
from treadle.contracts.quality import RawAnnotation
from treadle.contracts.sync import Item, KeptLabels
from treadle.jobs._labelling_tasks import Said
from treadle.jobs._lines import to_lines
from treadle.jobs._listing import Found

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Kept:
    """How much came with the items; gold items are among the lines, and count nowhere."""

    lines: bytes
    answers: int
    annotated: int
    finished: int


def kept_labels(found: Found, wanted: KeptLabels) -> Kept:
    """Every label that a person gave to an item that is there. Proposals are no answers."""
    lines: list[RawAnnotation] = []
    counts: list[tuple[int, int]] = []
    for item in found.items:
        answers = [said for said in found.said.get(item.key, ()) if said.kind == "Annotation"]
        people = len({annotator(said) for said in answers})
        enough = wanted.annotations_per_item if wanted.overlap_percent == 100 else min(wanted.annotations_per_item, max(people, 1))
        lines += [_line(item, said, number, enough) for number, said in enumerate(answers, start=1)]
        counts += [(people, enough)] if item.gold is None else []
    return Kept(
        lines=to_lines(lines),
        answers=sum(people for people, _ in counts),
        annotated=sum(people > 0 for people, _ in counts),
        finished=sum(people >= enough for people, enough in counts),
    )


def annotator(said: Said) -> str:
    """Who gave a label, as snapshots name people: the identifier in the data, a number as backends have it; anything longer by its digest."""
    name = said.annotator or said.source
    if name.isdigit():
        return f"u{name}"[:32]
    return name if PLAIN.fullmatch(name) else f"f{digest(name, 8)}"


def _line(item: Item, said: Said, number: int, wanted: int) -> RawAnnotation:
    return RawAnnotation(
        key=item.key, uri=item.uri, sha256=item.sha256, task=0, annotation=number, annotator=annotator(said), wanted=wanted, label=said.label
    )


__all__ = ["Kept", "annotator", "kept_labels"]
