"""Bring proposals to people, once per proposer, and put the items into the order of their use. Nothing that people made is ever touched."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from treadle.api.reasons import Reason
from treadle.contracts.labels import ClassLabel, Label
from treadle.contracts.model import ClassPrediction
from treadle.contracts.rank import ACCEPTED, AcceptedLabel, AcceptPolicy, RankResult, RankSpec, VoterNumbers
from treadle.contracts.sync import KEY_FIELD, Item
from treadle.jobs._accepted import accepted_of
from treadle.jobs._answered import answered
from treadle.jobs._division import Division, division_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._features import features_of
from treadle.jobs._given import Identity
from treadle.jobs._label_studio import LabellingTask, LabelStudio, Shown
from treadle.jobs._labelling_tasks import mark_of
from treadle.jobs._lines import from_lines, keep, pinned, to_lines
from treadle.jobs._order import Rows, Scene, order_of
from treadle.jobs._proposals import Proposal, proposal_of, proposals_of
from treadle.jobs._side_by_side import in_turn
from treadle.jobs._store import NotThere, Refused, Store, below
from treadle.jobs._versions import versions_at
from treadle.jobs._votes import combine
from treadle.statistics.shapes import SHAPES
from treadle.tasks import Invalid, NotSupportedYet, Task, for_type

SIDE_BY_SIDE = 8  # contents of items that are held at a time
LONGEST = 20  # voters in the result

log = logging.getLogger("treadle.jobs")


@dataclass(frozen=True)
class _Said:
    """What the proposer says."""

    proposals: Mapping[Identity, Proposal]
    votes: Mapping[Identity, Sequence[Label]]
    invalid: int = 0
    conflicts: int = 0
    by_voter: tuple[VoterNumbers, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shown:
    """A proposal of this proposer that people see; `empty`: it only gives the item a place."""

    proposal: int
    score: float | None
    empty: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """One task: whether people are done with it, what they answered (where that decides the order), and what they see."""

    task: int
    done: bool
    answered: bool
    labels: tuple[Label, ...]
    shown: tuple[_Shown, ...]


def rank(spec: RankSpec) -> RankResult:
    """Bring the labelling project up to what is proposed.

    Raises:
        JobFailure: the listing is gone, or a system refuses or does not answer.
    """
    task = for_type(spec.labels.task)
    if isinstance(task, NotSupportedYet):
        raise JobFailure(Reason.TaskTypeNotSupported, task.message)
    store, backend = Store(spec.store), LabelStudio(spec.label_studio)
    items = list(from_lines(Item, pinned(store, spec.items)))
    if spec.proposer is None:
        backend.show_at_random()
        return RankResult(items=sum(item.gold is None for item in items))
    by_identity = {(item.key, item.sha256): item for item in items}
    said = _said(store, spec, task, by_identity)
    taken = accepted_of(by_identity, said.proposals, spec.accept, _division(store, spec, spec.accept, items)) if spec.accept else ()
    accepted = keep(store, below(spec.destination, ACCEPTED), to_lines(taken)) if taken else None
    present = _present(backend, spec, task, items)
    order = order_of(_scene(spec, task, said, present, by_identity, taken, partial(_rows, store, by_identity, task.media)), spec)
    imported = _show(backend, spec.proposer.name, task, said.proposals, present, by_identity, order)
    return RankResult(
        items=sum(item.gold is None for item in items),
        proposed=len(said.proposals),
        imported=imported,
        invalid=said.invalid,
        conflicts=said.conflicts,
        accepted=accepted,
        taken=sum(not each.audit for each in taken),
        audits=sum(each.audit for each in taken),
        by_voter=said.by_voter[:LONGEST],
    )


def _said(store: Store, spec: RankSpec, task: Task, items: Mapping[Identity, Item]) -> _Said:
    """Proposals for the items that are to be labelled; a label of several functions is what their votes come to."""
    assert spec.proposer
    kept = answered(store, spec.destination, spec.proposer.who)
    lines = {identity: line for identity, line in kept.items() if identity in items and items[identity].gold is None}
    if not spec.proposer.combined:
        proposals, invalid = proposals_of(lines, task, spec.labels, lambda identity: items[identity].image)
        return _Said(proposals, {identity: [proposal.label] for identity, proposal in proposals.items()}, invalid)
    combined = combine(lines, spec.labels.names)
    proposed = {identity: _proposal(task, spec, answer) for identity, answer in combined.proposals.items()}
    votes = {identity: [ClassLabel(label=label) for label in of.values()] for identity, of in combined.votes.items()}
    return _Said(proposed, votes, combined.invalid, combined.conflicts, combined.by_voter)


def _division(store: Store, spec: RankSpec, policy: AcceptPolicy, items: Sequence[Item]) -> Division:
    """Which split the items are in, as a release will have it."""
    division = division_of(store, spec.destination, policy.splits, versions_at(store, spec.destination, ""))
    for item in items:
        division.join(item.key, item.group or item.key)
        division.join(item.sha256, item.group or item.key)
    return division


def _proposal(task: Task, spec: RankSpec, answer: ClassPrediction) -> Proposal:
    proposal = proposal_of(answer, task, spec.labels, None)
    if proposal is None:
        raise JobFailure(Reason.TaskTypeNotSupported, f"labelling functions vote for one label per item, which {task.type} has not")
    return proposal


def _present(backend: LabelStudio, spec: RankSpec, task: Task, items: Sequence[Item]) -> Mapping[Identity, Sequence[_Seen]]:
    """The tasks of the items, as they come page by page; of each only what matters here is held."""
    assert spec.proposer
    keys = {mark_of(item).task_key: (item.key, item.sha256) for item in items}
    found: defaultdict[Identity, list[_Seen]] = defaultdict(list)
    for each in backend.tasks(annotations=True):
        if (key := each.data.get(KEY_FIELD)) in keys:
            found[keys[key]].append(_seen(each, spec, task, spec.proposer.name))
    return found


def _seen(each: LabellingTask, spec: RankSpec, task: Task, name: str) -> _Seen:
    given = [answer.result for answer in each.annotations if not answer.was_cancelled]
    labels = [task.parse(result, spec.labels) for result in given] if spec.strategy == "Disagreement" else []
    return _Seen(
        task=each.id,
        done=len(each.annotations) >= max(each.overlap, 1),
        answered=bool(given),
        labels=tuple(label for label in labels if not isinstance(label, Invalid)),
        shown=tuple(_Shown(shown.id, shown.score, not shown.result) for shown in _ours(each, name)),
    )


def _ours(task: LabellingTask, name: str) -> list[Shown]:
    """Proposals of this proposer: those that say something first, then by age."""
    return sorted((shown for shown in task.predictions if shown.model_version == name), key=lambda shown: (not shown.result, shown.id))


def _scene(
    spec: RankSpec,
    task: Task,
    said: _Said,
    present: Mapping[Identity, Sequence[_Seen]],
    items: Mapping[Identity, Item],
    taken: Sequence[AcceptedLabel],
    rows: Rows,
) -> Scene:
    votes = {identity: [*said.votes.get(identity, ()), *(label for each in tasks for label in each.labels)] for identity, tasks in present.items()}
    gold = {identity for identity, item in items.items() if item.gold is not None}
    return Scene(
        items=sorted(present),
        proposals=said.proposals,
        votes=votes,
        done={identity for identity, tasks in present.items() if any(each.done for each in tasks)},
        answered={identity for identity, tasks in present.items() if any(each.answered for each in tasks)},
        taken={(each.key, each.sha256) for each in taken if not each.audit},
        anywhere=gold | {(each.key, each.sha256) for each in taken if each.audit},
        rows=rows,
        shape=SHAPES[task.shape],
    )


def _show(
    backend: LabelStudio,
    name: str,
    task: Task,
    proposals: Mapping[Identity, Proposal],
    present: Mapping[Identity, Sequence[_Seen]],
    items: Mapping[Identity, Item],
    order: Mapping[Identity, float],
) -> int:
    """Import proposals that are missing, move those that lie elsewhere; returns how many were imported. Where there is none, an empty one has the
    item's place in the order. Those of a proposer are imported once; a Job that was killed may have its import carried out all the same, beside that
    of its successor: of twins one stays.
    """
    missing, imported = [], set[Identity]()
    for identity, tasks in sorted(present.items()):
        parts = _parts(task, items[identity], proposals.get(identity))
        for each in tasks:
            first = each.shown[0] if each.shown else None
            if first is None or (parts and first.empty):  # it had no answer when its place was made
                missing.append({"task": each.task, "model_version": name, "score": order[identity], "result": parts})
                imported |= {identity} if identity in proposals else set()
            elif first.score != order[identity]:
                backend.move_proposal(first.proposal, order[identity])
    backend.import_proposals(missing)
    if missing or any(len(each.shown) > 1 for tasks in present.values() for each in tasks):
        _drop_twins(backend, name)
    if order:
        backend.show_in_order(name)
    return len(imported)


def _drop_twins(backend: LabelStudio, name: str) -> None:
    for task in backend.tasks(annotations=True):
        for twin in _ours(task, name)[1:]:
            backend.delete_proposal(twin.id)


def _parts(task: Task, item: Item, proposal: Proposal | None) -> list[Mapping[str, Any]]:
    """The proposal as an answer, each part with how sure it is."""
    if proposal is None:
        return []
    parts = task.show(proposal.label, item.image)
    if len(parts) != len(proposal.decisions):
        return list(parts)
    sure = [proposal.confidence] if isinstance(proposal.label, ClassLabel) else [decision[0] for decision in proposal.decisions]
    return [{**part, "score": score} for part, score in zip(parts, sure, strict=True)]


def _rows(store: Store, items: Mapping[Identity, Item], media: str, asked: Sequence[Identity]) -> Any:
    """Items as rows of numbers; those that are gone, or that the store refuses now, are passed over."""
    return features_of(media, in_turn(lambda identity: _read(store, items[identity].uri), asked, at_once=SIDE_BY_SIDE))


def _read(store: Store, uri: str) -> bytes:
    try:
        return store.read(uri)
    except (NotThere, Refused) as error:
        log.warning("%s", error.message)
        return b""
