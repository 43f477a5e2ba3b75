"""What callers ask the model, and how the answer is told: several requests of one kind at a time."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from treadle.contracts.model import LABEL
from treadle.predictors import PREDICTIONS, Ask, BadInput, Model, Prediction, answer_together, explain
from treadle.runtime._errors import Refused
from treadle.runtime._invocations import read_invocation
from treadle.runtime._labels import FEEDBACK_ID, feedback_id
from treadle.runtime._service import Service, Told
from treadle.runtime._tensors import plain, read_inputs, write_outputs

Body = Mapping[str, Any]
Write = Callable[[Body, Prediction, Model], Body]


class Questions:
    """The three kinds of questions to the model of a service. What is answered is noted for drift and feedback."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._named = {"model_name": service.spec.model_name, "model_version": service.spec.model_version}

    def infer(self, bodies: Sequence[Body], model: Model) -> Sequence[Told | Exception]:
        """By the Open Inference Protocol."""
        return self._answered(bodies, model, lambda body: read_inputs(body), Model.infer_given, self._tensors)

    def invoke(self, bodies: Sequence[Body], model: Model) -> Sequence[Told | Exception]:
        """By MLflow's protocol."""
        return self._answered(bodies, model, lambda body: read_invocation(body, model), Model.predict_given, self._predictions)

    def explain(self, bodies: Sequence[Body], model: Model) -> Sequence[Body | Exception]:
        """Which parts of an input made the model decide."""
        return [self._explained(body, model) for body in bodies]

    def _answered(
        self,
        bodies: Sequence[Body],
        model: Model,
        read: Callable[[Body], Mapping[str, Any]],
        ask: Ask,
        write: Write,
    ) -> Sequence[Told | Exception]:
        requests = [_caught(read, body) for body in bodies]
        answers: list[Told | Exception] = []
        for body, inputs, prediction in zip(bodies, requests, answer_together(model, requests, ask), strict=True):
            if isinstance(prediction, Exception):
                answers.append(prediction)
                continue
            answer = _caught(partial(_written, write, prediction, model), body)
            if isinstance(answer, Exception):
                answers.append(answer)
                continue
            self._service.seen(model, inputs, prediction)
            answers.append(Told(answer, inputs, prediction))
        return answers

    def _tensors(self, body: Body, prediction: Prediction, model: Model) -> Body:
        answer: dict[str, Any] = {**self._named, "outputs": write_outputs(prediction, model, body.get("outputs"))}
        if body.get("id") is None:
            return answer
        known = feedback_id(self._service.spec.model_version, prediction.outputs[LABEL].tolist()) if LABEL in prediction.outputs else None
        return answer | {"id": str(body["id"])} | ({"parameters": {FEEDBACK_ID: known}} if known else {})

    def _predictions(self, _: Body, prediction: Prediction, __: Model) -> Body:
        return {PREDICTIONS: plain(prediction.outputs[PREDICTIONS])}

    def _explained(self, body: Body, model: Model) -> Body:
        found = explain(model, read_inputs(body), self._service.drift.typical())
        told: dict[str, Any] = {**self._named, "label": found.label, "score": found.score, "method": found.method}
        if found.words is not None:
            return told | {"words": [{"word": word.text, "start": word.start, "change": word.change} for word in found.words]}
        if found.patches is None:
            return told | {"columns": found.columns}
        return told | {"patches": found.patches.tolist(), "picture": found.picture}


def _written(write: Write, prediction: Prediction, model: Model, body: Body) -> Body:
    return write(body, prediction, model)


def _caught(call: Callable[[Body], Any], body: Body) -> Any:
    """What comes of it; a request that is wrong spoils it for no other."""
    try:
        return call(body)
    except (Refused, BadInput) as error:
        return error


__all__ = ["Questions"]
