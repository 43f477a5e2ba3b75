"""Which objects are listed and watched: those of our own kinds whole, children by our label, and what others make for them by theirs."""

from treadle.api import names
from treadle.plan import Object

OWN_KINDS = ("AnnotationProject", "TrainingRun", "ModelDeployment")
SELECTOR = f"{names.MANAGED_BY}={names.MANAGED_BY_VALUE}"
"""What children are watched by; objects of our own kinds are watched whole."""
FOREIGN_SELECTORS = {"Workload": "kueue.x-k8s.io/job-uid"}
"""What objects are watched by that others make for our children, without our label."""


def selector_of(kind: str) -> str:
    """The label selector by which a kind is listed and watched."""
    return "" if kind in OWN_KINDS else FOREIGN_SELECTORS.get(kind, SELECTOR)


def strayed(this: Object) -> bool:
    """Whether somebody took our label off a child: no LIST and no watch tells of it any more, though it may be there for long."""
    return selector_of(this["kind"]) == SELECTOR and (this["metadata"].get("labels") or {}).get(names.MANAGED_BY) != names.MANAGED_BY_VALUE
