"""A version tells what it was made from, whoever proposes and whatever is measured by the time it is written."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.stories.annotation.telling import CHAMPION, version
from tests.unit.annotation.test_built_objects import observed
from treadle.annotation import release
from treadle.annotation.project import Attempt
from treadle.annotation.stages import Ended
from treadle.api import names
from treadle.api.annotation_proposals import ProposalsReport, ProposerRecord
from treadle.api.annotation_status import AnnotationProjectMemory, QualityReport, StoredFile
from treadle.contracts.release import ReleaseResult
from treadle.plan import Create, Ref
from treadle.workloads.states import Succeeded

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SNAPSHOT = StoredFile(uri="s3://datasets/digits/snapshots/a.jsonl", sha256="a" * 64)
ACCEPTED = StoredFile(uri="s3://datasets/digits/accepted/a.jsonl", sha256="c" * 64)
ACCEPTING = {"model": {"name": "digits"}, "autoAccept": {"minConfidence": "0.99", "auditPercent": 5}}
OLD, NEW = "1" * 16, "2" * 16


def measured(**more: Any) -> QualityReport:
    known: dict[str, Any] = {"digest": "b" * 64, "snapshot": SNAPSHOT, "agreed": 397, "items": 400, "complete": 400, "occasion": "complete"}
    return QualityReport.model_validate(known | more)


def proposer_of(report: QualityReport, **memory: Any) -> str:
    known = AnnotationProjectMemory(quality=report, **memory)
    spec = release.wanted(observed(memory=known, answers={CHAMPION: version(4)}, prelabel=ACCEPTING), NOW)
    assert spec is not None
    return spec.provenance.proposer


def test_accepted_labels_are_those_of_whoever_proposed_them() -> None:
    report = measured(accepted_list=ACCEPTED, accepted=200, accepted_by=OLD, accepted_from="digits/3")
    assert proposer_of(report, proposer=ProposerRecord(who=NEW, name="digits/4")) == "digits/3"


def test_without_accepted_labels_nobody_proposed() -> None:
    assert proposer_of(measured(), proposer=ProposerRecord(who=NEW, name="digits/4")) == ""


@pytest.mark.parametrize(
    ("memory", "told"),
    [
        ({"proposer": ProposerRecord(who=OLD, name="digits/3")}, "digits/3"),
        ({"proposer": ProposerRecord(who=NEW, name="digits/4"), "proposals": ProposalsReport(who=OLD, name="digits/3")}, "digits/3"),
        ({"proposer": ProposerRecord(who=NEW, name="digits/4")}, OLD),
    ],
    ids=["still there", "still shown", "gone"],
)
def test_a_measurement_that_did_not_note_the_name_is_told_by_what_is_known(memory: dict[str, Any], told: str) -> None:
    assert proposer_of(measured(accepted_list=ACCEPTED, accepted=200, accepted_by=OLD), **memory) == told


def made_for(report: QualityReport) -> dict[str, str]:
    """What a release of this measurement is to be remembered with."""
    (action,) = release.release(observed(memory=AnnotationProjectMemory(quality=report)), NOW).actions
    assert isinstance(action, Create)
    found: dict[str, str] = json.loads(action.object["metadata"]["annotations"][names.RESOLVED])
    return found


@pytest.mark.parametrize("agreement", [0.9312, None])
def test_a_version_is_remembered_with_the_agreement_that_it_was_made_from(agreement: float | None) -> None:
    before = measured(agreement=agreement)
    said = ReleaseResult(version=1, digest="d" * 64, uri="s3://datasets/digits/v0001/", created=True, items=397, splits={"train": 397})
    attempt = Attempt(
        ref=Ref("Job", "ml", "digits-release-1"),
        uid="uid",
        digest="e" * 8,
        number=1,
        made_at=NOW,
        made_for=made_for(before),
        state=Succeeded(uid="uid", result=said, finished_at=NOW),
    )
    ended = Ended(attempt, Succeeded(uid="uid", result=said, finished_at=NOW))
    since = measured(digest="f" * 64, agreement=0.5)
    for report in (before, since, None):
        remembered = release.released(ended, report, NOW)
        assert remembered is not None
        assert (remembered.quality, remembered.agreement) == (before.digest, agreement)

    old = Ended(replace(attempt, made_for={"quality": before.digest}), ended.state)
    assert (found := release.released(old, before, NOW)) is not None
    assert found.agreement == agreement, "a Job that an earlier operator made did not note it"
    assert (found := release.released(old, since, NOW)) is not None
    assert found.agreement is None
