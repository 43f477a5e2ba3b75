"""The engine: carries out any plan of any kind. Its public face is `run`, and `dry_run` for looking without touching.

Beside them stand what they are given: a way to the cluster (`Access`, `Wire`, `KubernetesCluster`; `Request`, `Refused` and `path_of` for what that
has no method for; `AccessError` when there is none), and for `dry_run` what is known (`Memory`, filled with the facts `Seen` and `Answered`).
"""

from treadle.engine._access import Access, AccessError
from treadle.engine._cluster import KubernetesCluster
from treadle.engine._dry import dry_run
from treadle.engine._lease import LeaseName
from treadle.engine._memory import Memory
from treadle.engine._ports import Answered, Cluster, Connection, Seen
from treadle.engine._run import Clock, Settings, run
from treadle.engine._wire import Refused, Request, Wire, path_of

__all__ = [
    "Access",
    "AccessError",
    "Answered",
    "Clock",
    "Cluster",
    "Connection",
    "KubernetesCluster",
    "LeaseName",
    "Memory",
    "Refused",
    "Request",
    "Seen",
    "Settings",
    "Wire",
    "dry_run",
    "path_of",
    "run",
]
