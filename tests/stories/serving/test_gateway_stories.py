"""The way from outside, told: a route that a Gateway serves, and a Gateway that divides the traffic of a rollout."""

from typing import Any

import pytest

from tests.stories.serving.test_canary_stories import begun
from tests.stories.story import Story
from tests.unit.serving.canaries import SIGNING, arm, asked, says, stable_pod
from tests.unit.serving.things import CANDIDATE, CHAMPION, deployment_name, make_deployment, numbered, ready, version
from treadle.serving import model_deployment
from treadle.serving.gateway import accepted
from treadle.workloads.add_ons import KindMissing

KIND = model_deployment(SIGNING)
MISSING = KindMissing(kind="HTTPRoute")
EXPOSE = {"gateway": "public", "hostnames": ["models.example"], "path": "/digits"}
CANARY_POD = "10.0.0.2"
STEPS = {"steps": [{"weight": 10, "hold": "5m"}], "analysis": {"minSamples": 100}, "traffic": "Gateway"}


def taken_up(generation: int, status: str = "True", message: str = "") -> dict[str, Any]:
    """What the Gateway's controller writes to the route."""
    condition = {"type": "Accepted", "status": status, "observedGeneration": generation, "message": message}
    return {"metadata": {"generation": generation}, "status": {"parents": [{"parentRef": {"name": "public"}, "conditions": [condition]}]}}


def test_a_route_comes_with_the_gateway_api_and_goes_when_nobody_wants_it() -> None:
    told = Story("An endpoint is reachable from outside, once a Gateway has accepted its route", KIND, make_deployment(expose=EXPOSE))
    registry = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None}
    told.at("0s", "applied in a cluster without the Gateway API", answers={**registry, MISSING: True})
    told.at("1h", "it is installed", answers={MISSING: False})
    told.at("2h", "the Gateway refuses", HTTPRoute__digits=taken_up(1, "False", "no listener for models.example"))
    told.at("3h", "it accepts", HTTPRoute__digits=taken_up(1))
    told.at("4h", "nobody wants it any more", this={"spec": {"expose": None}})
    told.check("serving/exposed.yaml")


def test_a_gateway_divides_the_traffic_and_both_sides_count_their_own_answers() -> None:
    told = begun("A Gateway sends a tenth of the requests to the new version, and all of them once it has proved itself", STEPS, expose=EXPOSE)
    told.moments[0].answers[MISSING] = False
    told.at("1h1m", "the Gateway serves the route", HTTPRoute__digits=taken_up(1))
    pod = stable_pod("2", CANARY_POD)
    told.at("1h2m", "the canary's pod is ready", **{deployment_name("2"): ready()}, objects=[pod], answers={asked("2", CANARY_POD): says("2")})
    told.at("1h3m", "the Gateway has taken up the weights", HTTPRoute__digits=taken_up(2))
    told.at("1h4m", "both obey", answers={asked("1"): says("1", 1), asked("2", CANARY_POD): says("2", 1)})
    good = {asked("1"): says("1", 1, stable=arm(2700)), asked("2", CANARY_POD): says("2", 1, stable=arm(300))}
    told.at("1h10m", "it has lasted long enough", answers=good)
    told.at("1h11m", "the Gateway still has the route as it was", HTTPRoute__digits={"metadata": {"generation": 3}})
    told.at("1h11m30s", "the Gateway has taken it up", HTTPRoute__digits=taken_up(3))
    told.check("serving/gateway_promoted.yaml")


def test_the_next_canary_waits_for_the_service_that_a_gateway_still_sends_to() -> None:
    title = "The next version leaves the canary's Service alone until the Gateway no longer sends the former one's share there"
    told = begun(title, STEPS, expose=EXPOSE)
    told.moments[0].answers[MISSING] = False
    told.at("1h1m", "the Gateway serves the route", HTTPRoute__digits=taken_up(1))
    pod = stable_pod("2", CANARY_POD)
    told.at("1h2m", "the canary's pod is ready", **{deployment_name("2"): ready()}, objects=[pod], answers={asked("2", CANARY_POD): says("2")})
    told.at("1h3m", "the Gateway has taken up the weights", HTTPRoute__digits=taken_up(2))
    good = {asked("1"): says("1", 1, stable=arm(2700)), asked("2", CANARY_POD): says("2", 1, stable=arm(300))}
    told.at("1h10m", "it has lasted long enough", answers=good)
    third = {CANDIDATE: version("3"), numbered("3"): version("3")}
    told.at("1h10m10s", "training registers another candidate", answers={**third, CHAMPION: version("2")}, HTTPRoute__digits=taken_up(3))
    pod = stable_pod("3", "10.0.0.3")
    told.at("1h10m30s", "its pod is ready", **{deployment_name("3"): ready()}, objects=[pod], answers={asked("3", "10.0.0.3"): says("3")})
    told.at("1h11m", "a minute has passed")
    told.check("serving/gateway_handed_over.yaml")


def test_a_candidate_that_comes_right_after_the_first_version_waits_until_the_gateway_has_followed_that_one() -> None:
    told = Story("A candidate comes as soon as the first version serves behind a Gateway", KIND, make_deployment(rollout=STEPS, expose=EXPOSE))
    first = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None, numbered("2"): version("2"), asked("1"): says("1"), MISSING: False}
    told.at("0s", "applied", answers=first)
    serving = {deployment_name("1"): ready(), "HTTPRoute__digits": taken_up(1)}
    told.at("1m", "its pod is ready, and the Gateway serves the route", **serving, objects=[stable_pod("1")])
    told.at("1m10s", "training registers another candidate", answers={CANDIDATE: version("2"), CHAMPION: version("1")})
    pod = stable_pod("2", CANARY_POD)
    told.at("1m30s", "its pod is ready", **{deployment_name("2"): ready()}, objects=[pod], answers={asked("2", CANARY_POD): says("2")})
    told.at("2m", "the Gateway has surely followed")
    told.check("serving/gateway_at_once.yaml")


@pytest.mark.parametrize(("seen", "known"), [(2, True), (1, False)])
def test_a_route_counts_as_taken_up_once_the_gateway_has_seen_its_last_change(seen: int, known: bool) -> None:
    made = taken_up(seen)
    made["metadata"]["generation"] = 2
    assert accepted(made) is known


def test_behind_a_gateway_a_worse_version_loses_its_share_before_its_pods_go() -> None:
    told = begun("A Gateway takes the traffic of a bad version back before its pods go", STEPS, expose=EXPOSE)
    told.moments[0].answers[MISSING] = False
    told.at("1h1m", "the Gateway serves the route", HTTPRoute__digits=taken_up(1))
    pod = stable_pod("2", CANARY_POD)
    told.at("1h2m", "the canary's pod is ready", **{deployment_name("2"): ready()}, objects=[pod], answers={asked("2", CANARY_POD): says("2")})
    told.at("1h3m", "the Gateway has taken up the weights", HTTPRoute__digits=taken_up(2))
    bad = {asked("1"): says("1", 1, stable=arm(2700)), asked("2", CANARY_POD): says("2", 1, stable=arm(300, 60))}
    told.at("1h6m", "every fifth answer of it fails", answers=bad)
    told.at("1h6m20s", "the Gateway has accepted the route", HTTPRoute__digits=taken_up(3))
    told.at("1h7m", "the Gateway surely sends it nothing more")
    told.check("serving/gateway_rolled_back.yaml")
