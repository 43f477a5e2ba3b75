"""Keep every annotation first, then measure how far people agree and what they agree on."""

import logging
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import replace

from treadle.api.names import digest
from treadle.api.reasons import Reason
from treadle.contracts import RESULT_LIMIT
from treadle.contracts.quality import AnnotatorLimit, Finding, QualityResult, QualitySpec, RawAnnotation, RuleNumbers
from treadle.contracts.rank import AcceptedLabel
from treadle.contracts.sync import Item
from treadle.jobs._accepted import audit_of, with_accepted
from treadle.jobs._asking import ask
from treadle.jobs._collected import agreed_of, read_back, refused_by, taken, without
from treadle.jobs._consensus import Judged, Verdict, judge_all, wanted_of
from treadle.jobs._failure import JobFailure
from treadle.jobs._given import Identity
from treadle.jobs._label_studio import LabelStudio
from treadle.jobs._light import LabelsOf, people_of
from treadle.jobs._lines import Lines, from_lines, keep, pinned, to_lines
from treadle.jobs._numbers import DIGITS, by_annotator, by_label, rounded
from treadle.jobs._rules import Rules
from treadle.jobs._store import Store, below
from treadle.jobs._suspicion import findings_of, suspicion_of
from treadle.statistics.shapes import SHAPES
from treadle.tasks import NotSupportedYet, for_type

FINDINGS = "findings"
REFUSED = "refused"
TAB = "To look at"
"""Title of the tab of the labelling project that shows the findings."""
LONGEST = 20  # entries in a list of the result, fewer where they are long

log = logging.getLogger(__name__)


def quality(spec: QualitySpec) -> QualityResult:
    """Snapshot and judge the labelling project as it is now.

    Raises:
        JobFailure: a system refuses or does not answer, or the listing is gone.
    """
    task = for_type(spec.labels.task)
    if isinstance(task, NotSupportedYet):
        raise JobFailure(Reason.TaskTypeNotSupported, task.message)
    store = Store(spec.store)
    listing = Lines(Item, pinned(store, spec.items)) if spec.items else None
    backend = LabelStudio(spec.label_studio) if spec.label_studio else None
    moment = read_back(store, spec, spec.checking) if spec.checking else taken(store, spec, backend, listing or ())

    wanted = wanted_of(listing, spec.removed)
    judgement = judge_all(from_lines(RawAnnotation, moment.lines), wanted, spec.labels, task, spec.consensus)
    accepted = list(from_lines(AcceptedLabel, pinned(store, spec.accepted))) if spec.accepted else []
    shape = SHAPES[task.shape]
    audit = audit_of(judgement, accepted, shape)
    judgement = with_accepted(judgement, accepted, wanted, Rules(spec.consensus.rules, task.shape))
    refused = refused_by(spec.checking, [check.name for check in spec.consensus.checks], agreed_of(judgement)) if spec.checking else []
    judgement = without(judgement, refused)
    verdicts = Counter(each.verdict for each in judgement.items)
    counted = [each for each in judgement.items if each.verdict not in (Verdict.REMOVED, Verdict.GOLD)]
    answers = [each.answers for each in counted]
    agreement = shape.agreement(LabelsOf(answers), spec.labels.all_names)
    suspicion = suspicion_of(store, counted, spec.labels.names, task.media) if spec.label_errors and task.shape == "Class" else None
    waiting = [each for each in counted if _waits_for_another(each, spec)]
    verdicts[Verdict.DISPUTED] += len(waiting)
    disputed = {id(each): replace(each, verdict=Verdict.DISPUTED) for each in waiting}
    to_look_at = list(findings_of([disputed.get(id(each), each) for each in counted], suspicion))
    asked = [each for each in counted if each.disputed and each.wanted < spec.most_answers and each.tasks]
    findings = keep(store, below(spec.destination, FINDINGS), to_lines(to_look_at)) if to_look_at else None
    if backend:
        _show(backend, to_look_at)
    settled = ask(backend, {each.tasks[0]: each.wanted + 1 for each in asked}, moment.newest) if backend else None
    unsaid = {name for name in ("rules", "checks") if not getattr(spec.consensus, name)}
    policy = spec.consensus.model_dump(mode="json", exclude_none=True, exclude=unsaid)
    kept = keep(store, below(spec.destination, REFUSED), to_lines(refused)) if spec.checking else None
    more = [each.sha256 for each in (spec.accepted, kept) if each]
    result = QualityResult(
        snapshot=moment.snapshot,
        digest=digest([moment.snapshot.sha256, spec.items.sha256 if spec.items else None, spec.labels.model_dump(mode="json"), policy, *more]),
        items=_present(moment.marks, None if spec.removed == "Keep" else listing),
        annotated=sum(1 for item in answers if item),
        complete=sum(each.complete for each in counted),
        annotations=sum(len(item) for item in answers),
        annotators=len({who for item in answers for who in people_of(item)}),
        agreed=verdicts[Verdict.AGREED],
        disputed=verdicts[Verdict.DISPUTED],
        in_review=verdicts[Verdict.IN_REVIEW],
        reviewed=sum(each.reviewed for each in counted),
        unheard=verdicts[Verdict.UNHEARD],
        gold=verdicts[Verdict.GOLD],
        below_gold=sum(standing.below for standing in judgement.people.values()),
        accepted=sum(each.accepted for each in judgement.items),
        audited=audit.audited,
        audited_right=audit.right,
        accepted_list=spec.accepted,
        skipped=sum(each.skips for each in counted),
        invalid=sum(each.invalid for each in counted),
        removed=verdicts[Verdict.REMOVED],
        asked_again=_asked_before(judgement.items, spec) + (len(asked) if backend else 0),
        above_limit=_above(spec.limits, counted),
        settled_at=settled,
        metric=task.measures[0],
        agreement=rounded(agreement.overall),
        percent_agreement=rounded(agreement.others.get("PercentAgreement")),
        suspected=len(suspicion.suspects) if suspicion else None,
        model_accuracy=rounded(suspicion.accuracy) if suspicion else None,
        findings=findings,
        refused=kept,
        mean_iou=rounded(agreement.others.get("MeanIou")),
        measures={name: round(value, DIGITS) for name, value in agreement.others.items() if value is not None},
        by_annotator=() if spec.sensitive else by_annotator(shape, judgement)[:LONGEST],
        by_label=by_label(agreement, counted)[:LONGEST],
        by_rule=tuple(RuleNumbers(rule=rule, items=count) for rule, count in sorted(Counter(each.rule for each in counted if each.rule).items())),
    )
    return _fitting(result)


def _fitting(result: QualityResult) -> QualityResult:
    """The result without the least telling entries of its lists, so that it fits the termination message whatever the labels are called."""
    while len(result.to_json().encode()) > RESULT_LIMIT and (result.by_label or result.by_annotator):
        longer = "by_label" if len(result.by_label) >= len(result.by_annotator) else "by_annotator"
        result = result.model_copy(update={longer: getattr(result, longer)[:-1]})
    return result


def _waits_for_another(item: Judged, spec: QualitySpec) -> bool:
    """Whether it was disputed by as many people as answer any item, and the next one has not answered yet."""
    given = len(item.answers) + item.skips
    return spec.most_answers > 0 and not (item.complete or item.reviewed) and item.wanted > spec.answers_per_item <= given


def _asked_before(items: Sequence[Judged], spec: QualitySpec) -> int:
    """How many wait for one more annotator; those that are gone from the sources too, since their tasks are unfinished all the same."""
    return sum(_waits_for_another(each, spec) for each in items if each.verdict is not Verdict.GOLD)


def _above(limits: Sequence[AnnotatorLimit], counted: Sequence[Judged]) -> int:
    """How many people answered more items than they shall. Nobody can be stopped; it can only be told."""
    answered = Counter(who for item in counted for who in people_of(item.answers))
    return sum(answered[limit.annotator] > limit.items for limit in limits)


def _show(backend: LabelStudio, findings: Sequence[Finding]) -> None:
    """Let people find the items at hand. A labelling backend that shows no tab is no reason to lose what was measured."""
    try:
        backend.show_tab(TAB, list(dict.fromkeys(task for finding in findings for task in finding.tasks)))
    except JobFailure as failure:
        log.warning("no tab shows what people should look at: %s", failure.message)


def _present(marks: Set[Identity], listing: Sequence[Item] | None) -> int:
    return len(marks if listing is None else marks & {(item.key, item.sha256) for item in listing if item.gold is None})
