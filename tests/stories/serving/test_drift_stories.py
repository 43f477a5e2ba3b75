"""Drift, told: windows of live traffic against the reference, a condition that rises at once and falls slowly."""

from typing import Any

import numpy as np

from tests.stories.contract import Look, watching
from tests.stories.story import START, Story
from tests.unit.serving.canaries import ADDRESS, SIGNING, revision, stable_pod
from tests.unit.serving.things import CANDIDATE, CHAMPION, deployment_name, make_deployment, numbered, ready, version
from treadle.connections.traffic import SERVING_PODS, NoAnswer, PodDrift, StablePods
from treadle.contracts.drift import DriftReport, LabelledAnswers
from treadle.contracts.sketch import Sketch
from treadle.serving import model_deployment
from treadle.statistics.sketches import counted, sketch_of

KIND = model_deployment(SIGNING)
FIRST = round(START.timestamp()) // 3600
"""The number of the first hour."""
SECOND = "10.0.0.2"
LEARNING = "no reference was stored with the model: each pod takes its first whole window with 200 requests for one"
REFERENCE = sketch_of(1000, {"brightness": np.linspace(0, 1, 1000)}, {"label": np.asarray(["3"] * 500 + ["8"] * 500, dtype=object)})


def window(requests: int, brightness: float = 0.0) -> Sketch:
    """So many requests, evenly spread and then made brighter."""
    labels = np.asarray(["3", "8"] * (requests // 2), dtype=object)
    return counted(REFERENCE.emptied(), requests, {"brightness": np.linspace(0, 1, requests) + brightness}, {"label": labels})


def asked(since: int = 0, address: str = ADDRESS) -> PodDrift:
    pods = StablePods(namespace="ml", deployment="digits", revision=revision("1"))
    return PodDrift(connection=SERVING_PODS, pods=pods, address=address, since=since)


def says(hours: int, counted_: Sketch | None = None, trouble: str = "", **right_of: tuple[int, int]) -> DriftReport:
    """What a pod tells after so many whole hours; `right_of` are right answers and all labelled ones, by `v` and version."""
    reference = REFERENCE if counted_ else None
    told: dict[str, Any] = {"namespace": "ml", "deployment": "digits", "revision": revision("1"), "seconds": 3600, "trouble": trouble}
    labelled = tuple(LabelledAnswers(version=name[1:], right=right, labels=labels) for name, (right, labels) in right_of.items())
    return DriftReport(**told, through=FIRST + hours - 1, reference=reference, window=counted_, labelled=labelled)


def begun(title: str, drift: dict[str, Any] | None = None, answer: object = None) -> Story:
    """Version 1 serves with one pod, and drift is watched."""
    told = Story(title, KIND, make_deployment(monitoring={"drift": drift or {}}))
    registry = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None}
    told.at("0s", "applied", answers=registry)
    told.at("1m", "its pod is ready", **{deployment_name("1"): ready()}, objects=[stable_pod("1")], answers={asked(): answer or says(0)})
    return told


def test_inputs_drift_and_come_back() -> None:
    told = begun("Inputs drift; after two calm windows in a row that is over")
    told.at("1h1m", "a window is whole, with 100 requests", answers={asked(): says(1, window(100))})
    told.at("2h1m", "another one is, with 200 more", answers={asked(): says(2, window(300)), asked(FIRST + 1): says(2)})
    told.at("3h1m", "everything is brighter", answers={asked(FIRST + 1): says(3, window(400, 0.3)), asked(FIRST + 2): says(3)})
    told.at("4h1m", "it is as before", answers={asked(FIRST + 2): says(4, window(400)), asked(FIRST + 3): says(4)})
    told.at("4h2m", "the operator restarts")
    told.at("5h1m", "a little brighter, which may be chance", answers={asked(FIRST + 3): says(5, window(200, 0.06)), asked(FIRST + 4): says(5)})
    told.at("6h1m", "it is as before", answers={asked(FIRST + 4): says(6, window(400)), asked(FIRST + 5): says(6)})
    told.at("7h1m", "it stays like that", answers={asked(FIRST + 5): says(7, window(400)), asked(FIRST + 6): says(7)})
    told.check("serving/drift_found.yaml")


def test_pods_that_learnt_their_own_reference_are_judged_one_by_one() -> None:
    told = begun("Pods that learnt their own reference are judged one by one")
    other = sketch_of(1000, {"brightness": np.linspace(2, 3, 1000)}, {})
    darker = counted(other.emptied(), 400, {"brightness": np.linspace(1, 2, 400)}, {})
    second = says(1, window(400)).model_copy(update={"reference": other, "window": darker})
    told.at("2m", "a second pod is ready", objects=[stable_pod("1", SECOND)], answers={asked(address=SECOND): says(0)})
    later = {asked(FIRST): says(1), asked(FIRST, SECOND): says(1)}
    told.at("1h1m", "both tell of a window", answers={asked(): says(1, window(400)), asked(address=SECOND): second, **later})
    told.check("serving/drift_of_each_pod.yaml")


def test_a_model_without_a_reference() -> None:
    told = begun(
        "Drift is watched, but the model has no reference",
        answer=says(0, trouble=LEARNING),
    )
    told.check("serving/drift_without_reference.yaml")


def test_a_silent_pod_is_waited_for_a_minute_and_then_done_without() -> None:
    told = begun("A window waits a minute for a pod that is silent about it")
    silent = NoAnswer(why=f"pod {SECOND} does not answer: ConnectTimeout")
    told.at("2m", "a second pod is ready", objects=[stable_pod("1", SECOND)], answers={asked(address=SECOND): silent})
    told.at("1h", "the first pod tells of a window", answers={asked(): says(1, window(400)), asked(FIRST): says(1), asked(FIRST, SECOND): silent})
    told.at("1h1m", "a minute has passed")
    told.check("serving/drift_silent_pod.yaml")


def test_where_drift_is_watched_no_more_nothing_is_said_of_it() -> None:
    told = begun("Drift is watched no more")
    told.at("1h1m", "a window is whole", answers={asked(): says(1, window(400)), asked(FIRST): says(1)})
    told.at("1h2m", "spec watches no more", this={"spec": {"monitoring": None}})
    told.check("serving/drift_no_more.yaml")


def test_true_labels_tell_how_often_the_model_is_right_once_per_window() -> None:
    told = begun("True labels tell how often the model is right, with an interval, once per window")
    told.at("1m30s", "a second pod is ready", objects=[stable_pod("1", SECOND)], answers={asked(address=SECOND): says(0)})
    silent = NoAnswer(why=f"pod {SECOND} does not answer: ConnectTimeout")
    told.at("1h", "the first pod tells of a window with labels", answers={asked(): says(1, v1=(17, 20), v0=(3, 9)), asked(address=SECOND): silent})
    told.at("1h10s", "so does the second one", answers={asked(address=SECOND): says(1, v1=(76, 80))})
    told.at("1h30m", "the second pod has restarted, and lost what it knew", answers={asked(address=SECOND): says(1)})
    told.at("2h1m", "another window", answers={asked(): says(2, v1=(27, 30)), asked(address=SECOND): says(2)})
    told.at("2h2m", "the operator restarts")
    told.at("26h1m", "nobody has told a label for a day", answers={asked(): says(26), asked(address=SECOND): says(26)})
    remembered: list[object] = []

    def note(look: Look) -> None:
        accuracy = look.this.get("status", {}).get("accuracy")
        if not remembered or accuracy != remembered[-1]:
            remembered.append(accuracy)

    with watching(note):
        told.tell()
    of_the_first = {"version": "1", "value": "0.93", "low": "0.862505", "high": "0.965681", "right": 93, "labels": 100}
    of_the_second = {"version": "1", "value": "0.9", "low": "0.743789", "high": "0.9654", "right": 27, "labels": 30}
    counted_by = {"revision": revision("1"), "seconds": 3600}
    assert remembered == [
        None,
        counted_by | {"window": FIRST, "versions": [of_the_first]},  # nothing of version 0, which never served: a caller made it up
        counted_by | {"window": FIRST + 1, "versions": [of_the_second]},
        None,
    ]
    told.check("serving/accuracy.yaml")
