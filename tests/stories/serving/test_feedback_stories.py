"""Hard cases back to people, told: what is kept, and what keeps it from coming there."""

from typing import Any

from tests.stories.serving.test_drift_stories import KIND, asked, says
from tests.stories.story import Story
from tests.unit.serving.canaries import stable_pod
from tests.unit.serving.things import CANDIDATE, CHAMPION, deployment_name, make_deployment, numbered, ready, version
from treadle.api.reasons import Reason
from treadle.contracts import Failure

SELECT = [{"when": "Uncertain", "below": "0.6"}, {"when": "Drifted"}]
FEEDBACK: dict[str, Any] = {"destination": "s3://feedback/digits/", "select": SELECT}


def begun(title: str, feedback: dict[str, Any], **spec: Any) -> Story:
    """Version 1 serves with one pod."""
    told = Story(title, KIND, make_deployment(feedback=feedback, **spec))
    told.at("0s", "applied", answers={CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None})
    told.at("1m", "its pod is ready", **{deployment_name("1", **spec): ready()}, objects=[stable_pod("1", **spec)], answers={asked(): says(0)})
    return told


def test_items_flow_and_a_store_that_refuses_is_told() -> None:
    told = begun("Uncertain items go back to people; the store refuses for a while", FEEDBACK)
    refused = Failure.of(Reason.StoreAccessDenied, "the store refuses to write s3://feedback/digits/told/2026-01-01/00000000.json")
    told.at("1h", "the store refuses", answers={asked(): says(0).model_copy(update={"feedback": refused})})
    told.at("2h", "it takes them again", answers={asked(): says(0)})
    told.at("3h", "nothing is to be kept any more", this={"spec": {"feedback": None}})
    told.check("serving/feedback_flows.yaml")


def test_a_model_of_numbers_has_nothing_that_people_could_label() -> None:
    told = begun("A model of numbers feeds nothing back", FEEDBACK)
    numbers = Failure.of(Reason.SignatureNotSupported, "the model takes neither images nor texts as items: nobody could label them")
    told.at("2m", "its pod tells", answers={asked(): says(0).model_copy(update={"feedback": numbers})})
    told.check("serving/feedback_of_numbers.yaml")


def test_what_must_be_redacted_is_not_kept_unless_something_redacts_it() -> None:
    told = begun("Of sensitive requests nothing is kept, until a program redacts them", FEEDBACK, sensitive=True)
    told.at("1h", "a program of the user's redacts", this={"spec": {"feedback": FEEDBACK | {"redact": {"image": "registry.example/redact:1"}}}})
    told.check("serving/feedback_withheld.yaml")


def test_a_store_that_may_not_be_used_is_told() -> None:
    access = {"stores": [{"prefix": "s3://feedback/", "secret": "own-keys", "connection": "other"}]}
    told = begun("Items have nowhere to go", FEEDBACK, access=access)
    told.check("serving/feedback_not_granted.yaml")
