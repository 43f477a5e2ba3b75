from typing import Any

import pytest

from treadle.contracts.labels import ClassLabel, LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy, GoldPolicy, RawAnnotation, ReviewPolicy
from treadle.contracts.sync import Item
from treadle.jobs._consensus import Judged, Judgement, Verdict, judge_all, wanted_of
from treadle.tasks import TASKS

SCHEMA = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"), LabelClass(name="bottle")))


def says(
    who: str, label: str | None, *, key: str = "s3://b/1.png", wanted: int = 2, number: int = 1, at: str = "1", sha256: str = "1"
) -> RawAnnotation:
    result: tuple[dict[str, Any], ...] = ({"from_name": "label", "value": {"choices": [label]}},) if label else ()
    return RawAnnotation(
        key=key,
        uri=key,
        sha256=sha256 * 64,
        task=1,
        annotation=number,
        annotator=who,
        wanted=wanted,
        skipped=label is None,
        updated_at=at,
        result=result,
    )


def judgement(*annotations: RawAnnotation, listing: list[Item] | None = None, **policy: Any) -> Judgement:
    return judge_all(
        sorted(annotations, key=lambda each: each.key), wanted_of(listing), SCHEMA, TASKS["ImageClassification"], ConsensusPolicy(**policy)
    )


def judge(*annotations: RawAnnotation, listing: list[Item] | None = None, **policy: Any) -> list[Judged]:
    return list(judgement(*annotations, listing=listing, **policy).items)


@pytest.mark.parametrize(
    ("annotations", "verdict"),
    [
        ([says("u1", "can"), says("u2", "can")], Verdict.AGREED),
        ([says("u1", "can"), says("u2", "bottle")], Verdict.DISPUTED),
        ([says("u1", "can")], Verdict.INCOMPLETE),
        ([says("u1", "can", wanted=1)], Verdict.AGREED),
        ([says("u1", None), says("u2", None)], Verdict.SKIPPED),
        ([says("u1", "can"), says("u2", None)], Verdict.AGREED),
        ([says("u1", "can"), says("u2", "jar")], Verdict.INVALID),
    ],
)
def test_what_becomes_of_an_item(annotations: list[RawAnnotation], verdict: Verdict) -> None:
    (judged,) = judge(*annotations)
    assert judged.verdict is verdict
    assert (judged.consensus is not None) == (verdict is Verdict.AGREED)


def test_who_answers_twice_counts_once_with_the_last_word() -> None:
    (judged,) = judge(says("u1", "can", number=1, at="2026-01-02"), says("u1", "bottle", number=2, at="2026-01-01"), says("u2", "can", number=3))
    assert [label.names for _, label in judged.answers] == [("can",), ("can",)]


def test_answers_of_twin_tasks_are_answers_about_one_item() -> None:
    (judged,) = judge(says("u1", "can", number=1), says("u2", "can", number=2).model_copy(update={"task": 99}))
    assert judged.verdict is Verdict.AGREED


def test_an_item_that_is_gone_or_has_other_content_is_removed() -> None:
    here = Item(key="s3://b/1.png", source="s", uri="s3://b/1.png", sha256="1" * 64, size=1)
    gone = [says(who, "can", key="s3://b/2.png") for who in ("u1", "u2")]
    old = [says(who, "can", sha256="2") for who in ("u1", "u2")]
    now = [says(who, "can") for who in ("u1", "u2")]
    judged = judge(*gone, *old, *now, listing=[here])
    assert [(each.key, each.verdict) for each in judged] == [
        ("s3://b/1.png", Verdict.AGREED),
        ("s3://b/1.png", Verdict.REMOVED),
        ("s3://b/2.png", Verdict.REMOVED),
    ]


def test_items_come_in_the_order_of_their_keys_whatever_the_order_of_the_answers() -> None:
    annotations = [says("u1", "can", key=f"s3://b/{number}.png") for number in (3, 1, 2)]
    assert judge(*annotations) == judge(*annotations[::-1])
    assert [each.key for each in judge(*annotations)] == ["s3://b/1.png", "s3://b/2.png", "s3://b/3.png"]


def gold(count: int, right: str = "can") -> list[Item]:
    keys = [f"s3://gold/{number}.png" for number in range(count)]
    return [Item(key=key, source="gold", uri=key, sha256="1" * 64, size=1, gold=ClassLabel(label=right)) for key in keys]


def to_gold(who: str, words: str) -> list[RawAnnotation]:
    return [says(who, word, key=f"s3://gold/{number}.png") for number, word in enumerate(words.split())]


HERE = Item(key="s3://b/1.png", source="s", uri="s3://b/1.png", sha256="1" * 64, size=1)
POLICY = GoldPolicy(minimum="0.80")


def test_gold_items_measure_people_and_are_never_released() -> None:
    answers = [*to_gold("u1", "can can can can bottle"), *to_gold("u2", "can bottle bottle bottle can"), says("u1", "can"), says("u2", "can")]
    found = judgement(*answers, listing=[HERE, *gold(5)], gold=POLICY)
    assert [each.verdict for each in found.items] == [Verdict.AGREED, *[Verdict.GOLD] * 5]
    assert [each.consensus for each in found.items[1:]] == [None] * 5
    people = found.people
    assert {who: (each.answers, each.gold, each.gold_accuracy, each.below) for who, each in people.items()} == {
        "u1": (1, 5, 0.8, False),
        "u2": (1, 5, 0.4, True),
    }
    assert not any(each.excluded for each in people.values())


def test_the_answers_of_people_below_the_bound_count_for_nothing_when_that_is_asked_for() -> None:
    answers = [*to_gold("u2", "bottle " * 5), says("u1", "can"), says("u2", "bottle")]
    alone = [says("u2", "can", key="s3://b/2.png", wanted=1)]
    listing = [HERE, HERE.model_copy(update={"key": "s3://b/2.png"}), *gold(5)]
    found = judgement(*answers, *alone, listing=listing, gold=GoldPolicy(minimum="0.80", exclude=True))
    first, second = found.items[:2]
    assert (first.verdict, first.consensus and first.consensus.label) == (Verdict.AGREED, ClassLabel(label="can"))
    assert first.answers == (("u1", ClassLabel(label="can")),)
    assert second.verdict is Verdict.UNHEARD
    assert found.people["u2"].excluded


def test_a_few_gold_items_judge_nobody() -> None:
    found = judgement(*to_gold("u2", "bottle " * 4), listing=gold(4), gold=POLICY)
    assert (found.people["u2"].gold_accuracy, found.people["u2"].below) == (0.0, False)


def test_disputed_items_wait_for_a_review_and_the_reviewer_s_word_wins() -> None:
    disputed = [says("u1", "can"), says("u2", "bottle")]
    policy = ReviewPolicy(disputed=True, reviewers=("u9",))
    assert [each.verdict for each in judge(*disputed, review=policy)] == [Verdict.IN_REVIEW]
    (judged,) = judge(*disputed, says("u9", "bottle", at="2"), says("u9", "can", at="3", number=2), review=policy)
    assert (judged.verdict, judged.reviewed) == (Verdict.AGREED, True)
    assert judged.consensus
    assert (judged.consensus.label, judged.consensus.agreement) == (ClassLabel(label="can"), 0.5)
    assert [who for who, _ in judged.answers] == ["u1", "u2"]


def test_a_reviewer_s_word_stands_against_all_others_and_before_them() -> None:
    policy = ReviewPolicy(disputed=True, reviewers=("u9",))
    for answers in ([says("u1", "can"), says("u2", "can")], []):
        (judged,) = judge(*answers, says("u9", "bottle"), review=policy)
        assert (judged.verdict, judged.consensus and judged.consensus.label) == (Verdict.AGREED, ClassLabel(label="bottle"))


def test_without_names_who_comes_after_as_many_as_wanted_is_the_reviewer() -> None:
    came = [
        says(who, label).model_copy(update={"created_at": when})
        for who, label, when in (("u3", "bottle", "3"), ("u1", "can", "1"), ("u2", "can", "2"))
    ]
    (judged,) = judge(*came, review=ReviewPolicy(disputed=True))
    assert (judged.reviewed, judged.consensus and judged.consensus.label) == (True, ClassLabel(label="bottle"))
    (judged,) = judge(*came[:2], review=ReviewPolicy(disputed=True))
    assert judged.verdict is Verdict.IN_REVIEW


def test_a_sample_waits_for_review_whatever_people_say_and_always_the_same_items() -> None:
    keys = [f"s3://b/{number}.png" for number in range(400)]
    answers = [says(who, "can", key=key) for key in keys for who in ("u1", "u2")]
    some = {each.key for each in judge(*answers, review=ReviewPolicy(sample_percent=10)) if each.verdict is Verdict.IN_REVIEW}
    more = {each.key for each in judge(*answers, review=ReviewPolicy(sample_percent=20)) if each.verdict is Verdict.IN_REVIEW}
    assert 25 < len(some) < 55
    assert some < more
    unfinished = judge(*answers[:1], review=ReviewPolicy(sample_percent=100))
    assert [each.verdict for each in unfinished] == [Verdict.INCOMPLETE]


def test_by_dawid_and_skene_the_reliable_person_decides_and_the_label_says_how_sure_it_is() -> None:
    keys = [f"s3://b/{number:02}.png" for number in range(40)]
    truth = {key: ("can", "bottle")[number % 2] for number, key in enumerate(keys)}
    other = {"can": "bottle", "bottle": "can"}
    guesses = {key: truth[key] if number % 3 else other[truth[key]] for number, key in enumerate(keys)}
    answers = [says(who, said[key], key=key, wanted=3) for key in keys for who, said in (("u1", truth), ("u2", truth), ("u3", guesses))]
    alone = [says("u1", "can", key="s3://b/z.png"), says("u3", "bottle", key="s3://b/z.png")]
    assert judge(*answers, *alone)[-1].verdict is Verdict.DISPUTED
    found = judgement(*answers, *alone, method="DawidSkene")
    last = found.items[-1]
    assert (last.verdict, last.consensus and last.consensus.label) == (Verdict.AGREED, ClassLabel(label="can"))
    assert last.consensus
    assert last.consensus.confidence
    assert 0.8 < last.consensus.confidence < 1
    assert last.consensus.agreement == 0.5
    reliability = {who: each.reliability or 0 for who, each in found.people.items()}
    assert reliability["u1"] > 0.9 > reliability["u3"]
