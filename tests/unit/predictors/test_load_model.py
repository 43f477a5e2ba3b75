from pathlib import Path

import pytest
import yaml

from tests.unit.predictors.models import save_digits, save_iris, save_line
from treadle.api.reasons import Reason
from treadle.predictors import NotLoadable, Tensor, load_model


def refused(directory: Path) -> NotLoadable:
    with pytest.raises(NotLoadable) as caught:
        load_model(directory)
    return caught.value


def rewritten(directory: Path, **changes: object) -> Path:
    manifest = yaml.safe_load((directory / "MLmodel").read_text())
    (directory / "MLmodel").write_text(yaml.safe_dump(manifest | changes))
    return directory


def test_a_model_of_images_tells_what_it_takes_and_gives(tmp_path: Path) -> None:
    model = load_model(save_digits(tmp_path))
    assert list(model.inputs) == [Tensor("item", "BYTES", (-1,)), Tensor("input-0", "FP64", (-1, 64))]
    assert list(model.outputs) == [Tensor("label", "BYTES", (-1,)), Tensor("score", "FP64", (-1,))]


def test_a_model_of_a_table_tells_its_columns(tmp_path: Path) -> None:
    model = load_model(save_iris(tmp_path))
    assert [tensor.name for tensor in model.inputs] == ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]
    assert {tensor.datatype for tensor in model.inputs} == {"FP64"}


def test_a_model_without_a_signature_is_served(tmp_path: Path) -> None:
    assert load_model(save_line(tmp_path)).inputs == ()


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    save_iris(tmp_path, serialization_format="cloudpickle", pickled_model="model.pkl")
    (tmp_path / "model.pkl").write_bytes(b"would run code")
    error = refused(tmp_path)
    assert error.reason is Reason.PickleNotAllowed
    assert "serialization_format='skops'" in str(error)


def test_trees_need_the_author_to_list_their_type(tmp_path: Path) -> None:
    assert refused(save_iris(tmp_path / "silent", forest=True)).reason is Reason.ModelTypesNotTrusted
    load_model(save_iris(tmp_path / "listed", forest=True, skops_trusted_types=["sklearn.tree._tree.Tree"]))


def test_listing_a_type_does_not_make_it_harmless(tmp_path: Path) -> None:
    import os

    from sklearn.preprocessing import FunctionTransformer

    from tests.unit.predictors.models import save

    save(tmp_path, FunctionTransformer(os.system), skops_trusted_types=["posix.system", "os.system"])
    error = refused(tmp_path)
    assert error.reason is Reason.ModelTypesNotTrusted
    assert "system" in str(error)


def test_an_unknown_flavour_is_named(tmp_path: Path) -> None:
    error = refused(rewritten(save_iris(tmp_path), flavors={"python_function": {}, "pytorch": {}}))
    assert error.reason is Reason.ModelFlavourNotSupported
    assert "pytorch" in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no MLmodel"),
        ("{", "cannot be read"),
        ("[]", "no `flavors`"),
        ("flavors: {sklearn: {serialization_format: skops, pickled_model: gone.skops}}", "gone.skops"),
        ("flavors: {sklearn: {serialization_format: skops, pickled_model: ../../etc/passwd}}", "outside"),
        ("flavors: {sklearn: {serialization_format: skops, pickled_model: MLmodel}}", "cannot be read"),
        ("{flavors: {sklearn: {}}, signature: {inputs: '{'}}", "not JSON"),
        ("{flavors: {sklearn: {}}, signature: {inputs: '" + 20_000 * "[" + "'}}", "not JSON"),
        ("""{flavors: {sklearn: {}}, signature: {inputs: '[{"type": "map", "name": "a"}]'}}""", "'map'"),
        ("{flavors: {sklearn: {}}, metadata: {treadle.input: video/8x8}}", "treadle.input"),
    ],
)
def test_a_broken_model_is_told_in_words(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "MLmodel").write_text(content)
    error = refused(tmp_path)
    assert error.reason is Reason.ModelNotReadable
    assert words in str(error)


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": ["x"]},
        {"signature": {"inputs": '[{"type": "tensor", "tensor-spec": "float64"}]'}},
        {"signature": {"inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": ["many", 64]}}]'}},
        {"signature": {"inputs": '[{"name": ["x"], "type": "double", "required": false}]'}},
        {"signature": {"inputs": '[{"name": "x", "type": ["double"]}]'}},
    ],
)
def test_a_signature_that_makes_no_sense_is_told(changes: dict[str, object], tmp_path: Path) -> None:
    assert refused(rewritten(save_digits(tmp_path), **changes)).reason is Reason.ModelNotReadable


def test_a_file_nested_without_end_is_told(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("flavors: " + "[" * 100_000)
    assert refused(tmp_path).reason is Reason.ModelNotReadable


def test_images_that_do_not_fit_the_signature_are_told_when_the_model_is_loaded(tmp_path: Path) -> None:
    """Else every single request would fail."""
    error = refused(rewritten(save_digits(tmp_path), metadata={"treadle.input": "image/rgb/8x8"}))
    assert error.reason is Reason.ModelNotReadable
    assert "192 numbers" in str(error)
