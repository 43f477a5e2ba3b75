"""What `describe` prints of an object, its pods and its events."""

from tests.unit.cli.test_status_tree import condition, make
from treadle.cli._describe import tell_description

RUN = make(
    "TrainingRun",
    "digits-v1",
    status={
        "phase": "Running",
        "progress": {"percent": 40, "remainingSeconds": 300},
        "attempts": [{"number": 1, "outcome": "Infrastructure", "reason": "NodeLost"}],
        "conditions": [condition("Running", "True", "JobRunning", "Job digits-v1-2 is running")],
    },
    creationTimestamp="2026-05-17T11:00:00Z",
    uid="u-1",
)
POD = {
    "metadata": {"name": "digits-v1-2-x", "creationTimestamp": "2026-05-17T12:00:00Z"},
    "spec": {"nodeName": "node-a"},
    "status": {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
}
EVENT = {"type": "Warning", "reason": "RetryPending", "message": "attempt 1 ended", "count": 2, "lastTimestamp": "2026-05-17T12:01:00Z"}


def test_all_that_is_known_is_told_section_by_section() -> None:
    assert tell_description(RUN, [POD], [EVENT]) == [
        "TrainingRun digits-v1  Running  ████░░░░░░ 40 %, 0:05:00 left",
        "  namespace demo, made 2026-05-17T11:00:00Z, uid u-1",
        "",
        "Conditions:",
        "  Running=True JobRunning: Job digits-v1-2 is running  (since 2026-05-17T12:00:00Z)",
        "",
        "Status:",
        "  progress:",
        "    percent: 40",
        "    remainingSeconds: 300",
        "  attempts:",
        "  - number: 1",
        "    outcome: Infrastructure",
        "    reason: NodeLost",
        "",
        "Pods:",
        "  digits-v1-2-x  Pending (ImagePullBackOff)  on node-a",
        "",
        "Events:",
        "  2026-05-17T12:01:00Z  Warning  RetryPending: attempt 1 ended (2 times)",
    ]


def test_what_is_not_there_has_no_section() -> None:
    lines = tell_description(make("ModelDeployment", "digits", uid="u-2"), [], [])
    assert lines == ["ModelDeployment digits  Pending", "  namespace demo, made None, uid u-2"]


def test_what_may_not_be_read_is_told_in_its_place() -> None:
    lines = tell_description(make("ModelDeployment", "digits", uid="u-2"), "you may not read pods here: no", [EVENT])
    assert lines[2:6] == ["", "Pods:", "  you may not read pods here: no", ""]
    assert lines[6] == "Events:"
