"""Reading what users asked for."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from treadle.api.reasons import Reason
from treadle.plan._trouble import Trouble

Spec = TypeVar("Spec", bound=BaseModel)
TOLD = 5
"""Wrong fields that one message names."""


def read_spec(this: Mapping[str, Any], model: type[Spec]) -> Spec:
    """The spec of an object. The API server checked it, but perhaps by a CRD of another version than ours.

    Raises:
        Trouble: naming the fields that are not understood.
    """
    try:
        return model.model_validate(this.get("spec") or {})
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        named = [f"{'.'.join(('spec', *map(str, fault['loc'])))}: {fault['msg']}" for fault in wrong[:TOLD]]
        more = f"; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
        raise Trouble(Reason.SpecNotUnderstood, "; ".join(named) + more, stalled=True) from error
