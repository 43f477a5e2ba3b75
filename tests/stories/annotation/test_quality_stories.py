"""How far people agree, and what follows: bounds, disputes, gold, reviews, rules, label errors."""

from __future__ import annotations

from tests.stories.annotation.telling import (
    AGREEMENT,
    TWICE,
    Told,
    blob,
    labelled,
    make_project,
    moment,
)
from treadle.api.reasons import Reason
from treadle.contracts import ExitCode, Failure
from treadle.contracts.quality import AnnotatorNumbers, RuleNumbers

GOLD = {"gold": {"uri": "s3://gold/digits/", "minimumAccuracy": "0.90"}}

CARELESS = AnnotatorNumbers(annotator="u7", annotations=140, agreement=0.61, gold=21, gold_accuracy=0.62)


def test_a_missed_bound_waits_for_corrections() -> None:
    told = labelled("A bound is missed", workforce=TWICE, quality=AGREEMENT)
    told.measured("61m", agreement=0.78, disputed=88)
    told.answered("70m", 400, 400, 800, text="somebody corrects answers")
    told.at("75m", "nobody changed anything for five minutes")
    told.measured("76m", agreement=0.91, disputed=12, content=2)
    told.released("77m", items=388)
    told.check("bound_missed")


def test_a_missed_bound_is_measured_again_when_a_tenth_more_is_answered() -> None:
    release = {"release": {"minItems": 100}}
    told = Told("A bound is missed, and met as people go on", make_project(workforce=TWICE, quality=AGREEMENT, dataset=release))
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("10m", 400, 140, 280)
    told.measured("11m", complete=140, disputed=30, agreement=0.7)
    told.answered("12m", 400, 149, 298)
    told.answered("13m", 400, 151, 302)
    told.measured("14m", complete=151, disputed=30, agreement=0.85, content=2)
    told.released("15m", items=121)
    told.check("bound_met_later")


def test_disputed_items_get_one_more_annotator_and_hold_nothing_up() -> None:
    told = labelled("Disputed items get one more annotator", workforce=TWICE | {"annotators": [{"id": "7", "maxItems": 100}]})
    told.measured("61m", disputed=12, asked_again=12, above_limit=1, settled_at=moment("61m20s"))
    told.answered("61m20s", 400, 388, 800, text="they are open again, which is no news of people")
    told.released("61m30s", items=388)
    told.at("67m", "nobody did anything, so nothing is measured again")
    told.answered("70m", 400, 398, 810, text="ten of them are answered by a third person")
    told.at("75m", "nobody changed anything for five minutes")
    told.measured("76m", disputed=3, asked_again=2, content=2, complete=398)
    told.released("77m", version=2)
    told.check("asked_again")


def test_a_project_that_is_made_again_while_disputed_items_wait_goes_on_to_its_version() -> None:
    told = Told("A project is made again while disputed items wait for one more", make_project(workforce=TWICE))
    told.at("0s", "applied again, to a labelling project where people are done but for a third answer to 12 items")
    told.synced("20s", asked_again=12)
    told.answered("21s", 400, 388, 800)
    told.measured("61s", disputed=12, asked_again=12)
    told.released("2m", items=388, created=False)
    told.check("made_again_while_disputed_items_wait")


def test_an_agreement_that_cannot_be_told_never_passes() -> None:
    told = labelled("An agreement cannot be told", workforce=TWICE, quality=AGREEMENT)
    told.measured("61m", agreement=None, disputed=0)
    told.check("agreement_unknown")


def test_programs_refuse_labels_before_they_count() -> None:
    check = {"name": "spelling", "image": "registry.example/acme/check:1", "command": ["check", "--strict"]}
    told = labelled("Programs refuse labels", quality={"validation": [check]})
    wrong = Failure(kind="failure", reason="CheckInvalid", message="spelling left no refused.jsonl in TREADLE_OUTPUT_DIR")
    told.failed("61m", "quality", wrong, ExitCode.BAD_INPUT)
    told.at("62m", "the next attempt begins")
    told.measured("63m", disputed=7, by_rule=(RuleNumbers(rule="spelling", items=4),), refused=blob("refused", 4))
    told.released("64m", items=393)
    told.check("checked")


def test_the_measure_that_the_bound_is_about_can_be_chosen() -> None:
    told = labelled("Fleiss' kappa is what counts", quality={"agreement": {"metric": "FleissKappa", "minimum": "0.80"}}, workforce=TWICE)
    told.measured("61m", agreement=0.84, measures={"PercentAgreement": 0.9, "FleissKappa": 0.79})
    told.check("measure_chosen")


def test_who_misses_the_bound_of_gold_items_is_told_and_can_be_left_out() -> None:
    told = labelled("Somebody misses the bound of gold items", quality=GOLD)
    told.measured("61m", gold=21, below_gold=1, by_annotator=(CARELESS,))
    told.at("90m", "the person shall be left out", this={"spec": {"quality": {"gold": {"onFail": "ExcludeAnnotator"}}}})
    left_out = CARELESS.model_copy(update={"excluded": True})
    told.measured("91m", gold=21, below_gold=1, unheard=4, agreed=392, by_annotator=(left_out,), content=2)
    told.released("92m", items=392)
    told.check("gold_missed")


def test_gold_items_that_nobody_answers_prove_nothing() -> None:
    told = labelled("Nobody answers gold items", quality=GOLD)
    told.measured("61m")
    told.check("gold_unknown")


def test_items_that_wait_for_review_are_left_out_and_counted() -> None:
    told = labelled("Disputed items wait for review", workforce=TWICE, quality={**AGREEMENT, "review": {"lowAgreement": True, "reviewers": ["u9"]}})
    told.measured("61m", agreement=0.81, disputed=0, in_review=88, agreed=312)
    told.released("62m", items=312)
    told.answered("70m", 400, 400, 888, text="a reviewer decides all of them")
    told.at("75m", "nobody changed anything for five minutes")
    told.measured("76m", agreement=0.81, disputed=0, reviewed=88, content=2)
    told.released("77m", version=2, items=400)
    told.check("reviewed")


def test_people_count_by_how_reliable_they_are() -> None:
    told = labelled("By Dawid and Skene", workforce=TWICE, quality={"consensus": {"method": "DawidSkene"}})
    told.measured("61m", by_annotator=(CARELESS.model_copy(update={"reliability": 0.58}),))
    told.released("62m")
    told.check("dawid_skene")


def test_labels_that_are_probably_wrong_are_counted() -> None:
    told = labelled("Labels that are probably wrong", quality={"labelErrors": {"enabled": True}})
    told.measured("61m", suspected=17, model_accuracy=0.97, findings=blob("finding", 1))
    told.released("62m")
    told.check("label_errors")


def test_labels_that_break_a_rule_are_left_out_and_told() -> None:
    told = labelled("Labels that break a rule", quality={"validation": [{"name": "known", "rule": "label.label != 'unknown'"}]})
    told.measured("61m", by_rule=[{"rule": "known", "items": 3}])
    told.check("rule_broken")
    told = labelled("A rule that cannot be asked", quality={"validation": [{"name": "known", "rule": "label.width > 4"}]})
    told.failed("61m", "quality", Failure.of(Reason.RuleInvalid, "rule known: No such key: width"), ExitCode.BAD_INPUT)
    told.check("rule_invalid")


def test_more_than_a_job_can_be_told_is_said_and_not_tried_in_silence() -> None:
    annotators = [{"id": f"{number:0100}", "maxItems": 100} for number in range(200)]
    labels = [{"name": f"{number} of a hundred and fifty kinds of things that look alike"} for number in range(150)]
    told = labelled("Too much for one Job", workforce=TWICE | {"annotators": annotators}, task={"type": "ImageClassification", "labels": labels})
    told.at("2h", "somebody names the first ten only", this={"spec": {"workforce": {"annotators": annotators[:10]}}})
    told.check("too_much_for_a_job")
