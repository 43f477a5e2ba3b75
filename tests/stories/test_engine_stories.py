"""What every kind may rely on, told with a toy kind."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.stories.story import Story
from tests.unit.engine.toy import TOY, EnsureTrack, FindTrack, Toy, build, make_toy
from treadle.plan import Create, Plan, Unavailable, do

COMPLETE = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
TRACK = FindTrack(connection="default", uid="uid-trainingrun-toy")


def test_a_toy_is_launched_once_and_stays_finished() -> None:
    story = Story("A toy is launched once and stays finished", TOY, make_toy())
    story.at("0s", "applied")
    story.at("1s", "the operator restarts")
    story.at("9m", "its Job succeeds", toy_1=COMPLETE)
    story.at("8d", "the Job is deleted", toy_1=None)
    story.check("engine/launched_once.yaml")


def test_an_outage_is_waited_for_and_nothing_is_launched() -> None:
    story = Story("An outage is waited for", TOY, make_toy(), answers={TRACK: Unavailable(datetime(2026, 1, 1, tzinfo=UTC), "MLflow is down")})
    story.at("0s", "applied")
    story.at("5m", "MLflow is back", answers={TRACK: None})
    story.check("engine/outage.yaml")


def test_a_plan_that_does_not_wait_for_the_tracking_run_is_caught_by_the_replay() -> None:
    """The replay must be able to fail. The mutant launches in the pass that wishes for the tracking run, so its Job tells which crash it saw."""

    def hasty(toy: Toy, now: datetime) -> Plan:
        job = build(toy)
        job["metadata"]["annotations"] = {"treadle.dev/track": str(toy.track)}
        track = do(EnsureTrack(connection="default", experiment="toys", uid=toy.this["metadata"]["uid"])) if toy.track is None else Plan()
        return Plan.all(track, do(Create(job)))

    story = Story("Hasty", replace(TOY, plan=hasty), make_toy())
    story.at("0s", "applied")
    with pytest.raises(AssertionError, match="after a crash after call 1 at '0s, applied' the world differs"):
        story.crash_everywhere()
