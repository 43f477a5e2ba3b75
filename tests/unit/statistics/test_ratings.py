import pytest

from treadle.contracts.labels import Rating
from treadle.statistics.ordinal import ordinal_alpha
from treadle.statistics.shapes import SHAPES
from treadle.statistics.shapes.counting import counts

RATINGS = SHAPES["Rating"]
NAMES = list("12345")


def rated(*steps: int) -> list[Rating]:
    return [Rating(step=step, label=str(step)) for step in steps]


def test_the_alphas_are_krippendorff_s() -> None:
    """The reliability data of Krippendorff (2011), sections C to F: four observers, twelve units; nominal 0.743, ordinal 0.815, interval 0.849."""
    units = ["111", "2232", "3333", "3333", "2222", "1234", "4444", "1121", "2222", "555", "11", "3"]
    found = RATINGS.agreement([rated(*map(int, unit)) for unit in units], NAMES)
    assert found.overall == pytest.approx(0.815, abs=5e-4)
    assert found.others["NominalAlpha"] == pytest.approx(0.743, abs=5e-4)
    assert found.others["IntervalAlpha"] == pytest.approx(0.849, abs=5e-4)


def test_near_answers_agree_more_than_far_ones() -> None:
    near, far = ordinal_alpha(counts(["12", "45", "33"], NAMES)), ordinal_alpha(counts(["15", "42", "33"], NAMES))
    assert near is not None
    assert far is not None
    assert near > 0.5 > 0 > far


@pytest.mark.parametrize("items", [[], ["1"], ["11", "11"]])
def test_where_nothing_can_be_told_there_is_no_number(items: list[str]) -> None:
    assert ordinal_alpha(counts(items, NAMES)) is None


MIDDLES = [((), None), ((4,), 4), ((1, 5), None), ((3, 3), 3), ((1, 2, 5), 2), ((1, 2, 2, 5), 2), ((1, 2, 3, 5), None)]


@pytest.mark.parametrize(("steps", "middle"), MIDDLES)
def test_the_one_in_the_middle_decides(steps: tuple[int, ...], middle: int | None) -> None:
    found = RATINGS.consensus(rated(*steps))
    assert (found and found.label.step) == middle


def test_agreement_is_of_the_whole_scale() -> None:
    found = RATINGS.agreement([rated(1, 1), rated(4, 5)], NAMES)
    assert found.overall is not None
    assert found.others["PercentAgreement"] == 0.5
    assert set(found.by_label.values()) == {None}
