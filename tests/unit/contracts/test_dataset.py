import pytest
from pydantic import ValidationError

from treadle.contracts.dataset import Identity, Splits, identity_digest, version_directory
from treadle.contracts.labels import LABEL, ClassLabel, LabelClass, LabelSchema
from treadle.contracts.quality import ConsensusPolicy
from treadle.contracts.sync import TaskMark

SCHEMA = LabelSchema(task="ImageClassification", labels=(LabelClass(name="can"), LabelClass(name="bottle")))
IDENTITY = Identity(items="1" * 64, labels=SCHEMA, policy=ConsensusPolicy(), splits=Splits())


def test_versions_sort_by_name_and_go_on_beyond_four_digits() -> None:
    assert [version_directory(version) for version in (1, 42, 10000)] == ["v0001", "v0042", "v10000"]


@pytest.mark.parametrize(
    "change",
    [
        {"items": "2" * 64},
        {"labels": SCHEMA.model_copy(update={"labels": SCHEMA.labels[::-1]})},
        {"guidelines": "abc"},
        {"splits": Splits(train=70, validation=20, test=10)},
        {"splits": Splits(seed="other")},
        {"formats": ("Jsonl",)},
    ],
)
def test_whatever_makes_a_version_another_one_changes_its_digest(change: dict[str, object]) -> None:
    assert identity_digest(IDENTITY.model_copy(update=change)) != identity_digest(IDENTITY)


def test_the_digest_of_a_version_stays_for_ever() -> None:
    assert identity_digest(IDENTITY) == "5c3d307c7bdba4ff9f68c2c74e93c517bffc4d2407ba362ad232268cc9161855"


def test_a_label_tells_its_shape() -> None:
    label = ClassLabel(label="can")
    assert LABEL.validate_json(label.to_json()) == label
    with pytest.raises(ValidationError):
        LABEL.validate_python({"shape": "Boxes", "label": "can"})


def test_other_content_under_the_same_key_is_another_task() -> None:
    mark = TaskMark(key="s3://b/1.png", uri="s3://b/1.png", sha256="1" * 64)
    assert mark.task_key == TaskMark(key="s3://b/1.png", uri="s3://b/1.png", sha256="1" * 64).task_key
    assert mark.task_key != mark.model_copy(update={"sha256": "2" * 64}).task_key
    assert "s3:" not in mark.task_key
