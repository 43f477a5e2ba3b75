"""TrainingRuns of versions: what starts one, what becomes of those before."""

from __future__ import annotations

from tests.stories.annotation.telling import (
    TEMPLATE,
    labelled,
)


def test_another_template_trains_anew_on_the_same_version() -> None:
    told = labelled("Another template", train=TEMPLATE | {"triggers": ["Release", "TemplateChange"]})
    told.measured("61m")
    told.released("62m")
    told.at("2h", "the operator restarts")
    told.at("3h", "the template names another image", this={"spec": {"train": {"template": {"spec": {"image": "registry.example/acme/train:2"}}}}})
    told.at("4h", "nothing more happens")
    told.check("another_template")


def test_a_release_that_is_no_trigger_starts_no_run_but_the_first() -> None:
    told = labelled("A release is no trigger", train=TEMPLATE | {"triggers": ["TemplateChange"]})
    told.measured("61m")
    told.released("62m")
    told.answered("70m", 400, 400, 810, text="somebody corrects answers")
    told.at("75m", "nobody changed anything for five minutes")
    told.measured("76m", content=2)
    told.released("77m", version=2)
    told.check("no_trigger")


def test_a_newer_version_replaces_a_run_that_goes_on() -> None:
    for concurrency in ("Replace", "Forbid"):
        told = labelled(f"A newer version, {concurrency}", train={**TEMPLATE, "concurrency": concurrency})
        told.measured("61m")
        told.released("62m")
        told.answered("70m", 400, 400, 810, text="somebody corrects answers")
        told.at("75m", "nobody changed anything for five minutes")
        told.measured("76m", content=2)
        told.released("77m", version=2)
        if concurrency == "Forbid":
            told.at("80m", "the first run ends", digits_v1={"status": {"result": {"outcome": "Succeeded", "reason": "RunSucceeded"}}})
        told.check(f"newer_version_{concurrency.lower()}")


def test_only_finished_runs_beyond_the_limit_are_deleted() -> None:
    told = labelled("History", train={**TEMPLATE, "history": {"succeeded": 0, "failed": 0}})
    told.measured("61m")
    told.released("62m")
    told.at("63m", "the run fails", digits_v1={"status": {"result": {"outcome": "Failed", "reason": "GateFailed"}}})
    told.at("64m", "the operator restarts")
    told.check("history")
