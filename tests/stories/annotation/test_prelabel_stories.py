"""Proposals of labels: who is asked, what people see meanwhile, what is accepted unseen; each story is told again with every crash."""

from __future__ import annotations

from typing import Any

from tests.stories.annotation.telling import CHAMPION, START, Told, blob, make_project, version
from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, Failure
from treadle.contracts.rank import VoterNumbers
from treadle.plan import Unavailable

MODEL = {"model": {"name": "digits"}}
MARGIN = {"strategy": "Margin"}
VOTERS = (
    VoterNumbers(name="loops", votes=210, abstained=190, conflicts=12, accuracy=0.93),
    VoterNumbers(name="strokes", votes=160, abstained=240, conflicts=12, accuracy=0.81),
)


def proposing(title: str, **spec: Any) -> Told:
    """A project whose model is registered and has answered about 400 items, of which people see the proposals."""
    told = Told(title, make_project(**({"prelabel": MODEL} | spec)), answers={CHAMPION: version(3)})
    told.at("0s", "applied")
    told.synced("20s")
    told.ranked("40s")
    told.prelabelled("5m")
    told.ranked("6m", proposed=398, imported=398)
    return told


def test_a_model_proposes_and_the_next_version_takes_over() -> None:
    told = Told("A model proposes, then its next version", make_project(prelabel=MODEL, activeLearning=MARGIN), answers={CHAMPION: None})
    told.at("0s", "applied before the model is registered")
    told.synced("20s")
    told.ranked("30s")
    told.at("1h", "the model is registered", answers={CHAMPION: version(3)})
    told.at("61m", "the operator restarts")
    told.prelabelled("70m")
    told.ranked("71m", proposed=395, imported=395, invalid=3)
    told.at("2h", "the registry does not answer", answers={CHAMPION: Unavailable(START, "MLflow at http://mlflow.example:5000 does not answer")})
    told.at("3h", "the champion is another version", answers={CHAMPION: version(4)})
    told.prelabelled("190m")
    told.ranked("191m", proposed=400, imported=400)
    told.check("prelabelled")


def test_few_pods_ask_about_few_new_items() -> None:
    told = Told("Items come in after the model has answered", make_project(prelabel=MODEL, resync="1h"), answers={CHAMPION: version(3)})
    told.at("0s", "applied")
    told.synced("20s", items=100_000)
    assert told.pods("prelabel") == 50
    told.ranked("40s", items=100_000)
    told.prelabelled("45s", items=100_000)
    told.ranked("60s", items=100_000, proposed=100_000)
    told.at("1h", "the next sync is due")
    told.synced("61m", items=100_001, unasked=1)
    assert told.pods("prelabel") == 1
    told.asking("61m10s")
    told.ranked("61m20s", items=100_001, proposed=100_000)
    told.at("2h", "the next sync is due")
    told.synced("121m", items=104_000, unasked=4000)
    told.prelabelled("121m10s", items=1)
    assert told.pods("prelabel") == 2, "what came in while it answered is asked about next"
    told.check("few_are_new")


def test_a_shard_that_fails_is_asked_again_and_what_cannot_be_done_stalls() -> None:
    told = Told("A prelabel Job fails", make_project(prelabel=MODEL), answers={CHAMPION: version(3)})
    told.at("0s", "applied")
    told.synced("20s", items=5000)
    told.ranked("40s", items=5000)
    told.failed("5m", "prelabel", Failure.of(Reason.ItemsNotAccepted, "the model cannot answer the items: it takes no items"), ExitCode.BAD_INPUT)
    told.at("310s", "ten seconds later")
    told.prelabelled("10m", items=5000)
    told.check("prelabel_retried")


def test_people_see_the_items_that_are_left_when_a_batch_is_done() -> None:
    told = proposing("Items in batches", activeLearning={"strategy": "CoreSet", "batchSize": 50})
    told.answered("1h", 400, 49, 49)
    told.answered("2h", 400, 51, 51)
    told.ranked("121m", proposed=398)
    told.check("batches")


def test_however_small_batches_are_items_are_not_put_in_order_for_every_answer() -> None:
    told = proposing("Items one by one", activeLearning={"strategy": "CoreSet", "batchSize": 1})
    told.answered("1h", 400, 1, 1)
    told.ranked("60m10s", proposed=398)
    told.answered("60m30s", 400, 2, 2)
    told.answered("61m", 400, 3, 3)
    told.at("62m10s", "the order is two minutes old")
    told.ranked("62m20s", proposed=397)
    told.check("batches_of_one")


def test_an_image_of_a_users_proposes() -> None:
    image = {"image": "registry.example/acme/propose:1", "command": ["propose", "--fast"], "resources": {"gpu": 1}}
    told = Told("An image of a user's proposes", make_project(prelabel=image))
    told.at("0s", "applied")
    told.synced("20s")
    told.ranked("40s")
    told.failed("5m", "prelabel", Failure.of(Reason.NothingPredicted, "model left no predictions.jsonl"), ExitCode.BAD_INPUT)
    told.at("310s", "ten seconds later")
    told.prelabelled("10m")
    told.check("prelabel_image")


def test_labelling_functions_vote() -> None:
    functions = [{"name": "strokes", "image": "registry.example/acme/strokes:1"}, {"name": "loops", "image": "registry.example/acme/loops:1"}]
    told = Told("Labelling functions vote", make_project(labelingFunctions=functions, activeLearning={"strategy": "Disagreement"}))
    told.at("0s", "applied")
    told.synced("20s")
    told.ranked("40s")
    told.prelabelled("5m")
    told.ranked("6m", proposed=320, imported=320, conflicts=12, by_voter=VOTERS)
    told.check("functions")


def test_who_cannot_propose_is_told() -> None:
    for name, spec in {
        "prelabel_no_connection": {"prelabel": {"model": {"name": "digits", "connection": "other"}}},
        "prelabel_boxes_by_functions": {
            "task": {"type": "ObjectDetection", "labels": [{"name": "0"}]},
            "labelingFunctions": [{"name": "a", "image": "registry.example/a:1"}],
        },
    }.items():
        told = Told("Nobody can propose", make_project(**spec))
        told.at("0s", "applied")
        told.check(name)


ACCEPT = {"prelabel": MODEL | {"autoAccept": {"minConfidence": "0.99", "auditPercent": 10}}}


def accepting(title: str) -> Told:
    """A project in which 300 labels are accepted, 30 more audited, and people have answered all that they are to answer."""
    told = Told(title, make_project(**ACCEPT), answers={CHAMPION: version(3)})
    told.at("0s", "applied")
    told.synced("20s")
    told.ranked("40s")
    told.prelabelled("5m")
    told.ranked("6m", proposed=400, imported=400, taken=300, audits=30, accepted=blob("accepted", 3))
    told.answered("1h", 400, 99, 99)
    told.answered("2h", 400, 100, 100)
    return told


def test_sure_proposals_are_accepted_and_a_share_is_audited() -> None:
    told = accepting("Sure proposals are accepted")
    told.measured("121m", accepted=300, audited=30, audited_right=30, accepted_list=blob("accepted", 3))
    told.released("122m")
    told.check("accepted")


def test_accepting_ends_by_itself_when_its_audit_fails() -> None:
    told = accepting("An audit fails")
    told.measured("121m", accepted=300, audited=30, audited_right=26, accepted_list=blob("accepted", 3))
    told.ranked("130m", proposed=400)
    told.at("131m", "the operator restarts")
    told.at("5h", "the champion is another version", answers={CHAMPION: version(4)})
    told.prelabelled("310m")
    told.ranked("311m", proposed=400, imported=400, taken=290, audits=29, accepted=blob("accepted", 4))
    told.check("audit_failed")
