from collections import Counter

from hypothesis import given
from hypothesis import strategies as some

from treadle.statistics.splits import bucket, split_of


def test_shares_come_out_about_right() -> None:
    found = Counter(split_of(f"s3://raw/{number}.png", seed="", train=80, validation=10) for number in range(5000))
    assert abs(found["train"] - 4000) < 120
    assert abs(found["validation"] - 500) < 80
    assert abs(found["test"] - 500) < 80


@given(some.text(), some.text(max_size=5), some.integers(0, 100))
def test_an_item_never_moves_while_the_shares_stay(group: str, seed: str, train: int) -> None:
    assert split_of(group, seed=seed, train=train, validation=0) == split_of(group, seed=seed, train=train, validation=0)


@given(some.text(), some.integers(0, 99))
def test_more_for_training_takes_nothing_from_it(group: str, train: int) -> None:
    if split_of(group, seed="", train=train, validation=0) == "train":
        assert split_of(group, seed="", train=train + 1, validation=0) == "train"


def test_shares_of_nothing_and_of_all_are_kept() -> None:
    assert {split_of(str(number), seed="", train=0, validation=100) for number in range(200)} == {"validation"}
    assert {split_of(str(number), seed="", train=0, validation=0) for number in range(200)} == {"test"}


def test_the_hash_stays_for_ever() -> None:
    assert bucket("s3://raw/shelf/1.jpg", "") == 2310
