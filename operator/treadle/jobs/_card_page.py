"""The dataset card as a page: what is in a version and how it looks, how people answered, what was left out, and what changed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape

from treadle.contracts.dataset import Manifest
from treadle.contracts.labels import ClassLabel
from treadle.jobs._charts import Cell, bars, heat_map, matrix
from treadle.jobs._consensus import Judged
from treadle.jobs._html import document, section, table
from treadle.jobs._samples import Sample

Said = Mapping[tuple[str, str], int]
"""How often an item with the first label was called the second."""
SHOWN = 50  # labels and people in a table
IN_HEAT_MAP = 20
"""So many people stand in the heat map, those who answered most; more cannot be read."""


def said_of(judged: Sequence[Judged]) -> Said:
    """What people called items on whose label they agree; empty for labels that are more than a name."""
    return Counter(
        (item.consensus.label.label, label.label)
        for item in judged
        if item.consensus and isinstance(item.consensus.label, ClassLabel)
        for _, label in item.answers
        if isinstance(label, ClassLabel)
    )


def card_page(manifest: Manifest, parent: Manifest | None, said: Said, samples: Sequence[Sample] = ()) -> str:
    """The whole page. A sensitive dataset's page names no label and no person, and shows no item."""
    told = not manifest.sensitive
    body = "".join(
        (
            _header(manifest),
            _labels(manifest, parent) if told else "",
            _samples(samples) if told and samples else "",
            _changes(manifest, parent) if parent else "",
            _confusion(manifest, said) if told and said else "",
            _pairs(manifest) if told and manifest.pairs else "",
            _people(manifest) if manifest.annotators and told else "",
            _left_out(manifest),
            _origin(manifest),
        )
    )
    return document(f"Dataset version {manifest.version}", body, "Made by Treadle with the version. This page needs nothing from outside.")


def _header(manifest: Manifest) -> str:
    figures = [("items", str(manifest.items)), *((split, str(count)) for split, count in manifest.splits.items())]
    if manifest.provenance.agreement is not None:
        figures.append(("agreement", f"{manifest.provenance.agreement:.3f}"))
    if manifest.provenance.suspected is not None:
        figures.append(("labels probably wrong", str(manifest.provenance.suspected)))
    told = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in figures)
    task = escape(manifest.identity.labels.task)
    when = escape(manifest.created_at)
    return f'<header><h1>Dataset version {manifest.version}</h1><p>{task}, released {when}</p><div class="figures">{told}</div></header>'


def _labels(manifest: Manifest, parent: Manifest | None) -> str:
    """Class balance: how many items show each label, in which split, the most frequent first, and how many more than before."""
    ranked = sorted(manifest.counts.items(), key=lambda each: (-each[1], each[0]))
    splits = list(manifest.splits)
    rows = [
        (name, [(split, manifest.in_splits.get(name, {}).get(split, 0)) for split in splits], _balance(name, count, manifest, parent))
        for name, count in ranked[:SHOWN]
    ]
    more = f'<p class="note">and {len(ranked) - SHOWN} more labels</p>' if len(ranked) > SHOWN else ""
    lacking = [name for name, count in ranked if count and 0 in (manifest.in_splits.get(name, {}).get(split, 0) for split in splits)]
    warning = f'<p class="note">Not in every split: {escape(", ".join(lacking[:SHOWN]))}.</p>' if lacking and manifest.in_splits else ""
    return section("Labels", bars(rows, splits) + more + warning)


def _balance(name: str, count: int, manifest: Manifest, parent: Manifest | None) -> list[str]:
    change = [_change(count - parent.counts.get(name, 0))] if parent else []
    return [str(count), f"{100 * count / manifest.items:.0f} %", *change]


def _samples(samples: Sequence[Sample]) -> str:
    figures = "".join(map(_sample, samples))
    return section("Samples", f'<div class="samples">{figures}</div>')


def _sample(sample: Sample) -> str:
    words = f"<figcaption><b>{escape(sample.words)}</b><span>{escape(sample.split)}</span></figcaption>"
    return f'<figure title="{escape(sample.key)}">{sample.looks or f"<p class=note>{escape(sample.key)}</p>"}{words}</figure>'


def _confusion(manifest: Manifest, said: Said) -> str:
    names = [name for name in manifest.identity.labels.names if any(name in pair for pair in said)]
    counts = [[said.get((truth, answer), 0) for answer in names] for truth in names]
    return section("Where people disagree", matrix(names, counts, "Rows: the label of the version. Columns: what people said."))


def _pairs(manifest: Manifest) -> str:
    """How far each two people agree: who stands out has a row that is not like the others."""
    most = Counter({each.annotator: each.annotations for each in manifest.annotators})
    paired = {who for pair in manifest.pairs for who in (pair.one, pair.other)}
    people = sorted(sorted(paired, key=lambda who: (-most[who], who))[:IN_HEAT_MAP], key=_number)
    cells = {}
    for pair in manifest.pairs:
        kappa = f", kappa {pair.kappa:.3f}" if pair.kappa is not None else ""
        told = f"{pair.one} and {pair.other}: {pair.alike:.3f} alike over {pair.items} items{kappa}"
        cells[pair.one, pair.other] = cells[pair.other, pair.one] = Cell(pair.alike, told)
    more = f'<p class="note">and {len(paired) - len(people)} more people</p>' if len(paired) > len(people) else ""
    caption = "How like each other two people's answers to the same items are, from 0 to 1."
    return section("Who agrees with whom", heat_map(people, cells, caption) + more)


def _people(manifest: Manifest) -> str:
    rows = [
        (
            escape(each.annotator) + (" (left out)" if each.excluded else ""),
            str(each.annotations),
            _share(each.agreement),
            _share(each.reliability),
            f"{_share(each.gold_accuracy)} of {each.gold}" if each.gold else "",
        )
        for each in manifest.annotators[:SHOWN]
    ]
    return section("People", table(("who", "answers", "like the others", "reliability", "gold items"), rows, numbers=True))


def _left_out(manifest: Manifest) -> str:
    rows = [(escape(why), str(count)) for why, count in manifest.excluded.items()]
    items = table(("why", "items"), rows, numbers=True) if rows else ""
    parts = [(escape(name), str(count)) for name, count in manifest.left_out.items()]
    without_room = table(("format without room", "parts of labels"), parts, numbers=True) if parts else ""
    return section("Left out", items + without_room) if rows or parts else ""


def _changes(manifest: Manifest, parent: Manifest) -> str:
    rows = [("items", str(parent.items), str(manifest.items))]
    rows += [(f"items of {split}", str(parent.splits.get(split, 0)), str(count)) for split, count in manifest.splits.items()]
    rows.append(("agreement", _share(parent.provenance.agreement), _share(manifest.provenance.agreement)))
    numbers = table(("", f"v{parent.version}", f"v{manifest.version}"), rows, numbers=True)
    if (changes := manifest.changes) is None:
        return section("Changes", numbers)
    figures = "".join(f"<div><b>{count}</b><span>{what}</span></div>" for what, count in changes.counted.items())
    moves = [(escape(move.before), escape(move.after), str(move.items)) for move in changes.labels]
    examples = [
        (escape(each.what), escape(each.key), escape(" → ".join(word for word in (each.before, each.after) if word))) for each in changes.examples
    ]
    return section(
        f"Changes since version {parent.version}",
        f'<div class="figures changes">{figures}</div>{numbers}'
        + (f"<h3>Called otherwise</h3>{table(('before', 'now', 'items'), moves)}" if moves else "")
        + (f"<h3>For example</h3>{table(('what', 'item', 'label or split'), examples)}" if examples else ""),
    )


def _origin(manifest: Manifest) -> str:
    facts = {
        "project": manifest.provenance.project,
        "digest": manifest.digest,
        "how labels were decided": manifest.identity.policy.method,
        "reviewed items": str(manifest.reviewed),
        "proposals taken as labels": str(manifest.accepted) if manifest.accepted else "",
        "formats": ", ".join(manifest.exports),
        "annotations": manifest.provenance.snapshot,
        "to look at": manifest.provenance.findings,
    }
    return section("Where it comes from", table(("", ""), [(escape(name), escape(value)) for name, value in facts.items() if value]))


def _share(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"


def _change(number: int) -> str:
    return f"{number:+d}" if number else ""


def _number(who: str) -> tuple[int, str]:
    return int(who[1:]) if who[1:].isdigit() else 0, who
