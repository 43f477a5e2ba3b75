"""A new version proves itself on live traffic, told: step by step to the champion, or back where it came from."""

from typing import Any

from tests.stories.story import Story
from tests.unit.serving.canaries import FAST, SIGNING, SLOW, arm, asked, says, stable_pod
from tests.unit.serving.things import CANDIDATE, CHAMPION, deployment_name, make_deployment, numbered, ready, version
from treadle.api import names
from treadle.connections.traffic import NoAnswer
from treadle.serving import model_deployment

KIND = model_deployment(SIGNING)
SHORT = {"steps": [{"shadow": "5m"}, {"weight": 10, "hold": "5m"}], "analysis": {"minSamples": 200}}


def begun(title: str, rollout: dict[str, Any] | None = None, **spec: Any) -> Story:
    """Version 1 serves with one pod that answers; then training registers version 2."""
    told = Story(title, KIND, make_deployment(rollout=rollout or SHORT, **spec))
    first = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None, numbered("2"): version("2"), asked("1"): says("1")}
    told.at("0s", "applied", answers=first)
    told.at("1m", "its pod is ready", **{deployment_name("1"): ready()}, objects=[stable_pod("1")])
    told.at("1h", "training registers another candidate", answers={CANDIDATE: version("2"), CHAMPION: version("1")})
    return told


def up(told: Story, after: str, text: str = "the canary's pod is ready", **more: Any) -> None:
    told.at(after, text, **{deployment_name("2"): ready()}, **more)


def counted(told: Story, after: str, text: str, sequence: int, **state: Any) -> None:
    told.at(after, text, answers={asked("1"): says("1", sequence, **state)})


def test_a_version_that_is_as_good_takes_over_and_becomes_the_champion() -> None:
    told = begun("A new version proves itself and becomes the champion")
    up(told, "1h1m")
    good = {"stable": arm(), "canary": arm(), "compared": 300, "agreed": 297}
    counted(told, "1h3m", "copies of 300 requests were answered", 1, shadow=100, **good)
    counted(told, "1h7m", "the shadow step has lasted long enough", 1, shadow=100, **good)
    counted(told, "1h9m", "the next step begins to count", 2, weight=10, stable=arm(2700), canary=arm(100))
    counted(told, "1h14m", "it has lasted long enough", 2, weight=10, stable=arm(2700), canary=arm())
    told.at("1h15m", "nothing more happens")
    told.check("serving/canary_promoted.yaml")


def test_a_step_of_all_the_traffic_is_the_take_over() -> None:
    told = begun("A last step of weight 100 is the take-over itself", {"steps": [{"weight": 50, "hold": "5m"}, {"weight": 100, "hold": "5m"}]})
    up(told, "1h1m")
    counted(told, "1h3m", "the only step that is judged begins to count", 1, weight=50)
    counted(told, "1h9m", "it has lasted long enough", 1, weight=50, stable=arm(), canary=arm())
    told.check("serving/canary_of_everything.yaml")


def test_a_server_of_the_users_proves_itself_behind_our_runtime() -> None:
    runtime = {"type": "Custom", "image": "registry.example/vllm:1", "port": 8000, "proxy": True}
    spec: dict[str, Any] = {"runtime": runtime, "rollout": {"steps": [{"weight": 10, "hold": "5m"}], "analysis": {"minSamples": 100}}}
    told = Story("A server of the user's, with our runtime before it, proves itself like one of ours", KIND, make_deployment(**spec))
    pod, question = stable_pod("1", **spec), asked("1", **spec)
    first = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None, numbered("2"): version("2"), question: says("1")}
    told.at("0s", "applied", answers=first)
    told.at("1m", "its pod is ready", **{deployment_name("1", **spec): ready()}, objects=[pod])
    told.at("1h", "training registers another candidate", answers={CANDIDATE: version("2"), CHAMPION: version("1")})
    told.at("1h1m", "the canary's pod is ready", **{deployment_name("2", **spec): ready()})
    told.at("1h3m", "the stable pod obeys", answers={question: says("1", 1, weight=10)})
    told.at("1h9m", "it has lasted long enough", answers={question: says("1", 1, weight=10, stable=arm(2700), canary=arm())})
    told.check("serving/canary_behind.yaml")


def test_a_version_that_fails_more_often_is_rolled_back_and_never_tried_again() -> None:
    told = begun("A new version fails too often: its traffic goes back, then its pods go, and the registry says so")
    up(told, "1h1m")
    counted(told, "1h3m", "every fifth copy fails", 1, shadow=100, stable=arm(), canary=arm(300, 60))
    told.at("1h4m", "nothing more happens")
    told.at("2d", "the operator restarts")
    told.check("serving/canary_rolled_back.yaml")


def test_a_version_that_is_slower_is_rolled_back() -> None:
    told = begun("A new version is much slower")
    up(told, "1h1m")
    slow = {"stable": arm(300, 0, FAST), "canary": arm(300, 0, SLOW)}
    counted(told, "1h7m", "its answers take fifteen times as long", 1, shadow=100, **slow)
    told.check("serving/canary_slow.yaml")


def test_a_version_that_decides_otherwise_is_rolled_back() -> None:
    told = begun("A new version decides otherwise", {**SHORT, "analysis": {"minAgreement": "0.95"}})
    up(told, "1h1m")
    counted(told, "1h7m", "a fifth of its answers differ", 1, shadow=100, stable=arm(), canary=arm(), compared=300, agreed=240)
    told.check("serving/canary_disagrees.yaml")


def test_a_version_that_finds_no_node_is_told_after_ten_minutes_and_the_stable_one_stays() -> None:
    told = begun("No node has room for a new version; the stable one serves on", {**SHORT, "deadline": "3h"})
    waits = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
    }
    pod = stable_pod("2", "10.0.0.2")
    pod["status"] = {"conditions": [waits | {"lastTransitionTime": "2026-01-01T01:00:30Z"}]}
    told.at("1h1m", "no node has room", objects=[pod])
    told.at("1h11m", "ten minutes have passed")
    up(told, "1h20m", "a node was added", objects=[{**pod, "status": {}}])
    told.check("serving/canary_unschedulable.yaml")


def test_without_traffic_nothing_is_proven() -> None:
    told = begun("Five requests prove nothing; the deadline ends the wait", {**SHORT, "deadline": "3h"})
    up(told, "1h1m")
    counted(told, "2h", "five requests came", 1, shadow=100, stable=arm(5), canary=arm(5))
    told.at("5h", "nobody uses it")
    told.at("5h1m", "nothing more happens")
    told.check("serving/canary_without_traffic.yaml")


def test_too_little_evidence_is_a_rollback_where_the_user_wants_that() -> None:
    told = begun("Too little evidence is a rollback where the user wants that", {**SHORT, "analysis": {"onInconclusive": "Rollback"}})
    up(told, "1h1m")
    counted(told, "1h7m", "the step ends after five requests", 1, shadow=100, stable=arm(5), canary=arm(5))
    told.check("serving/canary_inconclusive.yaml")


def test_a_person_aborts_and_another_spares_the_rest() -> None:
    told = begun("A person aborts a canary; the next version is let through by hand")
    up(told, "1h1m")
    told.at("1h2m", "a person aborts it", this={"metadata": {"annotations": {names.ABORT: "2"}}})
    told.at("1d", "training registers another candidate", answers={CANDIDATE: version("3"), numbered("3"): version("3")})
    told.at("1d1m", "its pod is ready", **{deployment_name("3"): ready()})
    told.at("1d2m", "a person lets it through", this={"metadata": {"annotations": {names.PROMOTE: "3"}}})
    told.check("serving/canary_commands.yaml")


def test_a_newer_candidate_replaces_a_running_canary() -> None:
    told = begun("A newer candidate replaces a running canary, whose traffic goes back first")
    up(told, "1h1m")
    told.at("1h2m", "training registers another candidate", answers={CANDIDATE: version("3"), numbered("3"): version("3")})
    told.check("serving/canary_superseded.yaml")


def test_a_pod_that_does_not_answer_keeps_the_step_from_beginning() -> None:
    told = begun("A step begins when every stable pod obeys; one that is gone is not waited for", replicas=2)
    second = "10.0.0.2"
    silent = NoAnswer(why=f"pod {second} does not answer: ConnectTimeout")
    told.at("1h1m", "a second pod is ready, but silent", answers={asked("1", second): silent}, objects=[stable_pod("1", second)])
    up(told, "1h2m")
    told.at("1h3m", "it answers", answers={asked("1", second): says("1")})
    told.at("1h4m", "it is silent again", answers={asked("1", second): silent})
    told.at("1h5m", "it is gone", **{f"{deployment_name('1')}-2": None})
    told.check("serving/canary_silent_pod.yaml")


def test_a_pod_that_knows_a_later_order_is_given_a_still_later_one() -> None:
    told = begun("After a restore of an older status the pods know a later order; they are given a still later one")
    up(told, "1h1m")
    counted(told, "1h2m", "its pod carries out order 9", 9, weight=50)
    told.check("serving/canary_later_order.yaml")


def test_orders_are_renewed_before_they_expire() -> None:
    told = begun("Orders are renewed before they expire", {"steps": [{"weight": 10, "hold": "1h"}]})
    up(told, "1h1m")
    told.at("1h4m", "half of the time is over")
    told.check("serving/canary_renewed.yaml")
