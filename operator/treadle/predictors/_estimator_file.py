"""Reads an estimator from a file: in the skops format, whose types are named and loaded only when they are known to be harmless; or as a pickle,
which runs whatever code its author put in it, where the user allowed that.
"""

import pickle
from collections.abc import Mapping, Set
from typing import Any

from treadle.api.reasons import Reason
from treadle.predictors._errors import NotLoadable
from treadle.predictors._manifest import Manifest

PICKLES = ("cloudpickle", "pickle", "joblib")


def read_estimator(manifest: Manifest, settings: Mapping[str, Any], name: str, accepted: Set[str], saved: str) -> Any:
    """The estimator in the file `name`; `saved` says with what, for people.

    Args:
        manifest: of the model.
        settings: of the flavour: how the file was written, and which types its author listed.
        name: of the file.
        accepted: types that skops does not trust by itself, and that are loaded where the author listed them.
        saved: e.g. `saved with scikit-learn 1.9.1`.

    Raises:
        NotLoadable: when it is a pickle and may not be one, holds types that are not trusted, or cannot be read.
    """
    written_as = settings.get("serialization_format")
    if written_as != "skops" and not (manifest.trusted and written_as in PICKLES):
        advice = "log it with serialization_format='skops', or set spec.runtime.allowPickle if you trust its author as you trust an image's"
        raise NotLoadable(Reason.PickleNotAllowed, f"the model is stored as {written_as}, which runs code when it is read; {advice}")
    path = manifest.file(name)
    try:
        if written_as == "skops":
            return _skops(path, set(settings.get("skops_trusted_types") or ()), accepted)
        if written_as == "joblib":
            import joblib

            return joblib.load(path)
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301  (the user allowed it)
    except NotLoadable:
        raise
    except Exception as error:  # whatever a broken or newer file leads to
        raise NotLoadable(Reason.ModelNotReadable, f"{path.name} ({saved}) cannot be read: {type(error).__name__}: {error}") from error


def _skops(path: Any, listed: Set[str], accepted: Set[str]) -> Any:
    from skops import io as skops_io  # imports scikit-learn: only when a model of this kind is loaded

    untrusted = set(skops_io.get_untrusted_types(file=path))
    if refused := sorted(untrusted - (accepted & listed)):
        message = (
            f"the model holds types that are not loaded: {', '.join(refused[:10])}; accepted beside skops' own are {', '.join(sorted(accepted))}"
        )
        raise NotLoadable(Reason.ModelTypesNotTrusted, message)
    return skops_io.load(path, trusted=sorted(untrusted))


__all__ = ["read_estimator"]
