"""Several requests, one call of the model: most of what a call costs is the same for one row and for twenty."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from treadle.predictors._errors import BadInput
from treadle.predictors._model import Model, Prediction

Ask = Callable[[Model, Any], Prediction]
"""`Model.infer_given` or `Model.predict_given`."""


def answer_together(model: Model, requests: Sequence[Mapping[str, NDArray[Any]] | Exception], ask: Ask) -> Sequence[Prediction | Exception]:
    """The answer to each request, or why there is none; what is an error already stays one.

    Requests of the same form are asked about at once, where the model answers row by row. If that fails, each is asked about alone: whoever is to
    blame must not spoil it for the others.
    """
    given = [_caught(model.given, request) for request in requests]
    asked = [features for features in given if not isinstance(features, Exception)]
    joint = _joint(model, asked, ask) if len(asked) > 1 else None
    answers = iter(joint if joint is not None else [_caught(lambda features: ask(model, features), features) for features in asked])
    return [features if isinstance(features, Exception) else next(answers) for features in given]


def _caught(call: Callable[[Any], Any], argument: Any) -> Any:
    if isinstance(argument, Exception):
        return argument
    try:
        return call(argument)
    except BadInput as error:
        return error


def _joint(model: Model, several: Sequence[Any], ask: Ask) -> Sequence[Prediction] | None:
    """The answers of one call; None where it cannot be one."""
    if not model.estimator.by_row or len({_form(features) for features in several}) > 1:
        return None
    rows = [len(features) for features in several]
    try:
        whole = ask(model, pd.concat(several, ignore_index=True) if isinstance(several[0], pd.DataFrame) else np.concatenate(several))
    except BadInput:
        return None
    if any(len(values) != sum(rows) for values in whole.outputs.values()):
        return None
    ends = np.cumsum(rows).tolist()
    return [
        replace(whole, outputs={name: values[end - size : end] for name, values in whole.outputs.items()}, rows=size, given=features)
        for size, end, features in zip(rows, ends, several, strict=True)
    ]


def _form(features: Any) -> object:
    """Equal for what can be put together without changing it."""
    if isinstance(features, pd.DataFrame):
        return (tuple(features.columns), tuple(features.dtypes))
    return (features.dtype.str, features.shape[1:]) if isinstance(features, np.ndarray) and features.ndim else object()


__all__ = ["Ask", "answer_together"]
