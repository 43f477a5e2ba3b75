"""The language in which deciding speaks to doing. Data only: no I/O, no clock, no client.

A kind *observes* the world in memory, *plans* what should be, and an engine carries the plan out. Everything that passes between the two is
defined here, so that a plan can be printed, compared, replayed and told as a story.
"""

from treadle.plan._actions import Action, Apply, Create, Delete, Effect, HoldFinalizer, Object, ReleaseFinalizer
from treadle.plan._kind import Kind, Usage
from treadle.plan._plan import Condition, Plan, do, say
from treadle.plan._refs import KINDS, Ref, Resource, ref_of
from treadle.plan._spec import read_spec
from treadle.plan._trouble import Trouble
from treadle.plan._world import Question, Unanswered, Unavailable, World

__all__ = [
    "KINDS",
    "Action",
    "Apply",
    "Condition",
    "Create",
    "Delete",
    "Effect",
    "HoldFinalizer",
    "Kind",
    "Object",
    "Plan",
    "Question",
    "Ref",
    "ReleaseFinalizer",
    "Resource",
    "Trouble",
    "Unanswered",
    "Unavailable",
    "Usage",
    "World",
    "do",
    "read_spec",
    "ref_of",
    "say",
]
