"""True labels: any pod understands what any version answered, and nothing that a caller makes up does harm."""

import base64
import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from treadle.contracts.drift import DRIFT_PATH, VERSIONS_LIMIT, WINDOWS_KEPT, DriftReport, LabelledAnswers
from treadle.contracts.serving import RuntimeSpec
from treadle.runtime._drift import Drift
from treadle.runtime._errors import Refused
from treadle.runtime._labels import ID_LIMIT, TrueLabels, feedback_id
from treadle.runtime._metrics import RuntimeMetrics
from treadle.runtime._routes import control_application, inference_application
from treadle.runtime._service import Service
from treadle.runtime._traffic import Traffic

SPEC = RuntimeSpec(namespace="ml", deployment="digits", revision="abc123", model_name="digits", model_version="7")


def counted(metrics: RuntimeMetrics) -> dict[tuple[str, str], float]:
    """Answers by version and outcome."""
    found = {}
    for family in metrics.registry.collect():
        for sample in family.samples:
            if sample.name == "treadle_serving_labelled_answers_total":
                found[sample.labels["answered_version"], sample.labels["outcome"]] = sample.value
    return found


def test_right_and_wrong_answers_of_each_version_are_counted() -> None:
    metrics = RuntimeMetrics(SPEC)
    labels = TrueLabels(metrics, Traffic(SPEC))
    assert labels.learn({"id": feedback_id("7", ["3", "8"]), "labels": ["3", "3"]}) == 1
    assert labels.learn({"id": feedback_id("8", [3]), "labels": [3]}) == 1
    assert counted(metrics) == {("7", "right"): 1, ("7", "wrong"): 1, ("8", "right"): 1, ("8", "wrong"): 0}


def test_what_was_told_in_the_last_whole_windows_is_told_on_and_what_is_older_is_not() -> None:
    now = [100 * 60.0]
    labels = TrueLabels(RuntimeMetrics(SPEC), Traffic(SPEC), seconds=60, clock=lambda: now[0])
    labels.learn({"id": feedback_id("7", ["3", "8"]), "labels": ["3", "3"]})
    labels.learn({"id": feedback_id("6", ["3"]), "labels": ["8"]})
    assert labels.told(99) == (), "the window of now is not whole"
    assert labels.told(100) == (
        LabelledAnswers(version="6", right=0, labels=1),
        LabelledAnswers(version="7", right=1, labels=2),
    )
    now[0] = 101 * 60.0
    labels.learn({"id": feedback_id("7", ["3"]), "labels": ["3"]})
    assert labels.told(101) == (
        LabelledAnswers(version="6", right=0, labels=1),
        LabelledAnswers(version="7", right=2, labels=3),
    )
    assert labels.told(100 + WINDOWS_KEPT) == (LabelledAnswers(version="7", right=1, labels=1),)
    now[0] = 130 * 60.0
    labels.learn({"id": feedback_id("7", ["3"]), "labels": ["3"]})
    assert labels.told(130) == (LabelledAnswers(version="7", right=1, labels=1),)


def test_where_no_windows_are_watched_none_are_kept() -> None:
    labels = TrueLabels(RuntimeMetrics(SPEC), Traffic(SPEC))
    labels.learn({"id": feedback_id("7", ["3"]), "labels": ["3"]})
    assert labels.told(10**9) == ()


async def test_the_operator_is_told_with_the_windows_of_drift() -> None:
    now = [100 * 60.0]
    service = Service(SPEC.model_copy(update={"drift_seconds": 60}))
    service.labels = TrueLabels(service.metrics, service.traffic, 60, lambda: now[0])
    service.drift = Drift(service.spec, service.metrics, lambda: now[0])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(inference_application(service)), base_url="http://pod") as client:
        told = await client.post("/feedback", json={"id": feedback_id("7", ["3", "8"]), "labels": ["3", "3"]})
    assert told.json() == {"right": 1}
    now[0] += 60
    async with httpx.AsyncClient(transport=httpx.ASGITransport(control_application(service)), base_url="http://pod") as operator:
        report = DriftReport.model_validate_json((await operator.get(DRIFT_PATH)).content)
    await service.close()
    assert (report.through, report.labelled) == (100, (LabelledAnswers(version="7", right=1, labels=2),))


def test_a_report_is_understood_whatever_callers_make_up() -> None:
    labels = TrueLabels(RuntimeMetrics(SPEC), Traffic(SPEC), seconds=60, clock=lambda: 6000.0)
    for number in range(100):
        labels.learn({"id": feedback_id(f"v.{number}", ["3"]), "labels": ["3"]})
    told = {"namespace": "ml", "deployment": "digits", "revision": "abc123", "seconds": 60, "through": 100, "labelled": labels.told(100)}
    report = DriftReport.model_validate_json(DriftReport.model_validate(told).to_json())
    assert len(report.labelled) == VERSIONS_LIMIT


def test_while_a_canary_proves_itself_its_labels_count_for_it_and_those_of_former_versions_for_nobody() -> None:
    traffic = Traffic(SPEC)
    labels = TrueLabels(RuntimeMetrics(SPEC), traffic)
    traffic.counts.met(b'{"model_version":"8","outputs":[]}')
    for version, truth in (("7", "3"), ("8", "3"), ("8", "4"), ("6", "3")):
        labels.learn({"id": feedback_id(version, ["3"]), "labels": [truth]})
    state = traffic.state()
    assert (state.stable.right, state.stable.wrong, state.canary.right, state.canary.wrong) == (1, 0, 1, 1)


def test_the_same_answer_has_another_id_each_time() -> None:
    assert feedback_id("7", ["3"]) != feedback_id("7", ["3"])


def test_an_answer_about_very_many_items_has_no_id() -> None:
    assert feedback_id("7", ["3"] * 65) is None
    assert feedback_id("7", ["x" * ID_LIMIT]) is None


def test_versions_that_callers_make_up_do_not_fill_the_metrics() -> None:
    metrics = RuntimeMetrics(SPEC)
    labels = TrueLabels(metrics, Traffic(SPEC))
    for number in range(100):
        labels.learn({"id": feedback_id(str(number), ["3"]), "labels": ["3"]})
    assert len({version for version, _ in counted(metrics)}) == VERSIONS_LIMIT + 1


@pytest.mark.parametrize("labels", [None, [], ["3", "4"], "3", [None], [["3"]]])
def test_labels_that_do_not_fit_the_answer_are_refused(labels: object) -> None:
    with pytest.raises(Refused, match="1 labels"):
        TrueLabels(RuntimeMetrics(SPEC), Traffic(SPEC)).learn({"id": feedback_id("7", ["3"]), "labels": labels})


def test_a_version_that_is_no_label_value_is_refused() -> None:
    for version in ("7\n", "", "x" * 64, "a b"):
        with pytest.raises(Refused, match="feedback_id"):
            TrueLabels(RuntimeMetrics(SPEC), Traffic(SPEC)).learn({"id": feedback_id(version, ["3"]), "labels": ["3"]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9
)


@given(JSON)
def test_ids_of_another_make_are_refused(content: object) -> None:
    made_up = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    for said in (content, made_up):
        with pytest.raises(Refused):
            TrueLabels(RuntimeMetrics(SPEC), Traffic(SPEC)).learn({"id": said, "labels": ["3"]})
