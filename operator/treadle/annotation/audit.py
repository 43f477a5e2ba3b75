"""Proposals that are taken as labels, and the audit that this rests on: it ends by itself once it is surely less right than it must be."""

from decimal import Decimal
from math import comb

from treadle.annotation.project import Project
from treadle.api import AnnotationProjectMemory, AnnotationProjectSpec
from treadle.api.annotation_quality import AutoAccept
from treadle.api.annotation_status import AcceptanceRecord, ProposerRecord, QualityReport, StoredFile
from treadle.api.names import digest
from treadle.api.reasons import Reason
from treadle.contracts.dataset import Splits
from treadle.contracts.rank import AcceptPolicy
from treadle.plan import Plan, say

CONDITION = "AutoAccepting"
CHANCE = Decimal("0.05")
"""An audit this unlikely, were the bound kept, is no accident."""
DIGITS = 16


def accept_policy(project: Project, known: ProposerRecord) -> AcceptPolicy | None:
    """What is taken, unless nobody asked for it or an audit of this very proposer ended it."""
    asked = project.spec.prelabel.auto_accept if project.spec.prelabel is not None else None
    if asked is None or known.combined:
        return None
    ended = project.memory.acceptance
    if ended is not None and ended.subject == _subject(known.who, asked):
        return None
    splits = project.spec.dataset.splits
    return AcceptPolicy(
        minimum=str(asked.min_confidence),
        audit_percent=asked.audit_percent,
        splits=Splits(train=splits.train, validation=splits.validation, test=splits.test),
    )


def waived(spec: AnnotationProjectSpec, memory: AnnotationProjectMemory) -> int:
    """Items that people need not answer, because proposals are taken as their labels."""
    return memory.proposals.taken if memory.proposals is not None and accepted_list(spec, memory) is not None else 0


def accepted_list(spec: AnnotationProjectSpec, memory: AnnotationProjectMemory) -> StoredFile | None:
    """The proposals that are taken as labels now; None without any."""
    known, report = memory.proposer, memory.proposals
    asked = spec.prelabel.auto_accept if spec.prelabel is not None else None
    if asked is None or known is None or report is None or report.who != known.who:
        return None
    ended = memory.acceptance
    return None if ended is not None and ended.subject == _subject(known.who, asked) else report.accepted


def _subject(who: str, asked: AutoAccept) -> str:
    """What an audit speaks of: another model version, or another bound, is audited anew."""
    return digest([who, str(asked.min_confidence)], DIGITS)


def audit_failed(project: Project, report: QualityReport) -> str | None:
    """Why labels that were accepted when this was measured must not be released; None where there are none, or nothing speaks against them."""
    if report.accepted_list is None:
        return None
    asked = project.spec.prelabel.auto_accept if project.spec.prelabel is not None else None
    if asked is None:
        return f"it counts {report.accepted} proposals as labels, which spec does not accept any more"
    ended = project.memory.acceptance
    if _is_refuted(report, asked) or (ended is not None and ended.subject == _subject(report.accepted_by or "", asked)):
        return f"it counts {report.accepted} proposals as labels, and their audit failed"
    return None


def judged(project: Project) -> AcceptanceRecord | None:
    """The end of it, to be remembered: the last one, or that of the present audit when it is surely below the bound."""
    known, report = project.memory.proposer, project.memory.quality
    asked = project.spec.prelabel.auto_accept if project.spec.prelabel is not None else None
    if known is None or asked is None or report is None or report.accepted_by != known.who or not report.audited:
        return project.memory.acceptance
    if not _is_refuted(report, asked):
        return project.memory.acceptance
    return AcceptanceRecord(subject=_subject(known.who, asked), audited=report.audited, right=report.audited_right)


def _is_refuted(report: QualityReport, asked: AutoAccept) -> bool:
    return chance_of(report.audited - report.audited_right, report.audited, asked.min_confidence) < CHANCE


def chance_of(wrong: int, audited: int, bound: Decimal) -> Decimal:
    """How likely at least so many wrong ones are among so many, were each right as often as the bound says.

    >>> round(chance_of(3, 50, Decimal("0.99")), 4)
    Decimal('0.0138')
    """
    fewer = sum(comb(audited, count) * (1 - bound) ** count * bound ** (audited - count) for count in range(wrong))
    return max(1 - Decimal(fewer), Decimal(0))


def tell_accepting(project: Project) -> Plan:
    """Say what is taken and how right it is, where that is asked for."""
    known, report = project.memory.proposer, project.memory.proposals
    asked = project.spec.prelabel.auto_accept if project.spec.prelabel is not None else None
    if asked is None:
        return Plan()
    ended = project.memory.acceptance
    if known is not None and ended is not None and ended.subject == _subject(known.who, asked):
        told = f"{ended.right} of {ended.audited} audited labels of {known.name} are right, {_share(ended.right, ended.audited)}"
        return say(CONDITION, False, Reason.AuditFailed, f"{told} < {asked.min_confidence}: people answer every item again", stalled=True)
    if known is None or report is None or report.who != known.who:
        return say(CONDITION, False, Reason.SettingUp, "labels are accepted once they are proposed")
    taken = f"{report.taken} labels of {known.name} are accepted, {report.audits} more are audited"
    return say(CONDITION, True, Reason.LabelsAccepted, f"{taken}{_told(project.memory.quality, known)}")


def _told(report: QualityReport | None, known: ProposerRecord) -> str:
    if report is None or report.accepted_by != known.who or not report.audited:
        return ": nobody has audited one yet"
    return f": {report.audited_right} of {report.audited} are right ({_share(report.audited_right, report.audited)})"


def _share(right: int, audited: int) -> str:
    return f"{right / audited:.4g}"
