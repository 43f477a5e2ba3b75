"""The bounds on quality, one function each: what they say of a measurement. Missing evidence never passes."""

from dataclasses import dataclass
from decimal import Decimal

from treadle.annotation.project import Project
from treadle.api.annotation_status import AnnotatorReport, QualityReport
from treadle.api.reasons import Reason

NAMED = 3
"""So many people are named in a message; status lists more."""


@dataclass(frozen=True)
class Missed:
    """A bound that does not hold, or cannot be judged (status None); `told` has the numbers, `remedy` what a user can do."""

    status: bool | None
    reason: Reason
    told: str
    remedy: str = ""


def agreement(project: Project, report: QualityReport) -> Missed | None:
    """Whether people agree as well as `spec.quality.agreement` asks for."""
    bound = project.spec.quality.agreement
    if bound is None:
        return None
    measured = _measured(bound.metric, report)
    if measured is None:
        return Missed(None, Reason.AgreementUnknown, "the agreement cannot be told from these answers")
    if Decimal(repr(measured)) < bound.minimum:
        remedy = ": correct the labels, or lower the bound" if project.by_files else ": correct answers in the labelling project, or lower the bound"
        return Missed(False, Reason.AgreementTooLow, f"agreement {measured:.4g} < {bound.minimum}", remedy)
    return None


def gold(project: Project, report: QualityReport) -> Missed | None:
    """Whether everybody answers gold items as well as `spec.quality.gold` asks for; people whose answers are left out do not matter."""
    bound = project.spec.quality.gold
    if bound is None:
        return None
    if not report.gold:
        return Missed(None, Reason.GoldUnknown, "nobody has answered a gold item")
    if report.below_gold and bound.on_fail == "Report":
        return Missed(False, Reason.GoldTooLow, f"{_people(report.below_gold)} answer gold items below {bound.minimum_accuracy}{_named(report)}")
    return None


def held(project: Project, report: QualityReport) -> str:
    """The bounds that hold, with their numbers; empty without any."""
    told = []
    if (bound := project.spec.quality.agreement) is not None:
        told.append(f"agreement {_measured(bound.metric, report):.4g} >= {bound.minimum}")
    if (gold := project.spec.quality.gold) is not None:
        told.append(f"gold items are answered with at least {gold.minimum_accuracy}")
    return ", ".join(told)


def state(report: QualityReport) -> str:
    """How many items have which end."""
    counts = {
        "are disputed": report.disputed,
        "wait for review": report.in_review,
        "wait for one more annotator": report.asked_again,
        "were reviewed": report.reviewed,
        "have only answers that count for nothing": report.unheard,
    }
    told = "".join(f", {count} {what}" for what, count in counts.items() if count)
    if report.by_rule:
        broken = ", ".join(f"{each.rule} {each.items}" for each in report.by_rule)
        told += f", the labels of {sum(each.items for each in report.by_rule)} break a rule ({broken})"
    if report.suspected:
        told += f", {report.suspected} labels are probably wrong"
    excluded = sum(each.excluded for each in report.by_annotator)
    above = f", {_people(report.above_limit)} answered more than spec.workforce.annotators allows" if report.above_limit else ""
    left_out = f"; the answers of {_people(excluded)} are left out" if excluded else ""
    return f"{report.agreed} of {report.items} items have a consensus{told}{above}{left_out}"


def _measured(metric: str, report: QualityReport) -> float | None:
    if metric in ("Auto", report.metric):
        return report.agreement
    earlier = {"PercentAgreement": report.percent_agreement, "MeanIou": report.mean_iou}  # of runs that named no measures yet
    return next((each.value for each in report.measures if each.measure == metric), earlier.get(metric))


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _named(report: QualityReport) -> str:
    below = report.by_annotator[: min(report.below_gold, NAMED)]
    return f" ({', '.join(map(_score, below))})" if below else ""


def _score(each: AnnotatorReport) -> str:
    return f"{each.annotator} {each.gold_accuracy:.4g} of {each.gold}" if each.gold_accuracy is not None else each.annotator
