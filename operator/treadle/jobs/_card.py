"""The dataset card: what a person reads first about a version."""

from collections.abc import Iterator, Sequence

from treadle.contracts.dataset import Manifest

SHOWN = 50  # labels and people in a table


def card(manifest: Manifest, parent: Manifest | None = None) -> str:
    """Markdown. A sensitive dataset's card names no label, no source and nobody."""
    told = not manifest.sensitive
    sections = (
        _facts(manifest),
        _labels(manifest, parent) if told else [],
        _changes(manifest, parent) if parent else [],
        _people(manifest) if told else [],
    )
    body = "\n\n".join("\n".join(lines) for lines in sections if lines)
    return f"# Dataset version {manifest.version}\n\n{body}\n\n{_decided(manifest)}; `items.jsonl` is the source of truth, `card.html` shows more.\n"


def _facts(manifest: Manifest) -> list[str]:
    lines = [
        f"- Items: {manifest.items} (" + ", ".join(f"{split} {count}" for split, count in manifest.splits.items()) + ")",
        f"- Task: {manifest.identity.labels.task}",
        f"- Digest: `{manifest.digest}`",
        f"- Released: {manifest.created_at}",
    ]
    if manifest.provenance.project:
        lines.append(f"- Project: {manifest.provenance.project}")
    if manifest.provenance.agreement is not None:
        lines.append(f"- Agreement: {manifest.provenance.agreement:.3f}")
    if manifest.reviewed:
        lines.append(f"- Reviewed: {manifest.reviewed}")
    if manifest.accepted:
        lines.append(f"- Proposals taken as labels: {manifest.accepted}")
    if manifest.provenance.suspected is not None:
        lines.append(f"- Labels probably wrong: {manifest.provenance.suspected}")
    if manifest.excluded:
        lines.append("- Left out: " + ", ".join(f"{count} {why}" for why, count in sorted(manifest.excluded.items())))
    lines += [f"- Without room in {name}: {count} parts of labels" for name, count in sorted(manifest.left_out.items())]
    return lines


def _labels(manifest: Manifest, parent: Manifest | None) -> list[str]:
    splits, before = list(manifest.splits), parent.counts if parent else {}
    head = ["label", "items", *splits, *(["change"] if parent else [])]
    rows = [
        [
            name,
            str(count),
            *(str(manifest.in_splits.get(name, {}).get(split, 0)) for split in splits),
            *([f"{count - before.get(name, 0):+d}" if count != before.get(name, 0) else ""] if parent else []),
        ]
        for name, count in list(manifest.counts.items())
    ]
    return ["## Labels", "", *_table(head, rows)]


def _changes(manifest: Manifest, parent: Manifest) -> list[str]:
    lines = [f"## Changes since version {parent.version}", ""]
    if (changes := manifest.changes) is None:
        return [*lines, f"{parent.items} items before, {manifest.items} now."]
    lines.append("Items: " + ", ".join(f"{count} {what}" for what, count in changes.counted.items()) + ".")
    if changes.labels:
        lines += ["", *_table(["before", "now", "items"], [[move.before, move.after, str(move.items)] for move in changes.labels])]
    return lines


def _people(manifest: Manifest) -> list[str]:
    if not manifest.annotators:
        return []
    rows = [
        [each.annotator + (" (left out)" if each.excluded else ""), str(each.annotations), _share(each.agreement), _share(each.gold_accuracy)]
        for each in manifest.annotators[:SHOWN]
    ]
    return ["## People", "", *_table(["who", "answers", "like the others", "gold items"], rows)]


def _decided(manifest: Manifest) -> str:
    if manifest.identity.policy.method == "DawidSkene":
        return "Labels are what people most likely mean, each weighed by how reliable they are"
    return "Labels are what more than half of the people say"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(map(_cell, row))} |" for row in rows)


def _share(number: float | None) -> str:
    return "" if number is None else f"{number:.3f}"


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())
