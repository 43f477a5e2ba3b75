"""How the nodes of one run find each other: rank, world size and rendezvous, in the words that torchrun, PyTorch and TensorFlow read."""

import json
from collections.abc import Iterator

from treadle.training.run import Run
from treadle.workloads.jobset import host
from treadle.workloads.pod import Variable
from treadle.workloads.pods import RANK

PORT = 29500
"""Where rank 0 listens; the default of torchrun."""
TENSORFLOW_PORT = 2222
"""Where every worker of TensorFlow listens."""
RANK_VARIABLE = "TREADLE_NODE_RANK"


def variables(run: Run, jobset: str) -> Iterator[Variable]:
    """The variables of a run on several nodes, of which `jobset` is the current attempt; none for one node.

    `RANK` and `WORLD_SIZE` count nodes: they are right for one process per node. torchrun starts several, and gives each its own.
    """
    nodes = run.spec.nodes
    if nodes == 1:
        return
    rank = f"$({RANK_VARIABLE})"
    hosts = [host(jobset, number) for number in range(nodes)]
    yield Variable(name=RANK_VARIABLE, field=f"metadata.annotations['{RANK}']")
    yield Variable(name="TREADLE_NODES", value=str(nodes))
    yield Variable(name="MASTER_ADDR", value=hosts[0])
    yield Variable(name="MASTER_PORT", value=str(PORT))
    yield Variable(name="RANK", value=rank)
    yield Variable(name="WORLD_SIZE", value=str(nodes))
    yield Variable(name="PET_NNODES", value=str(nodes))
    yield Variable(name="PET_NODE_RANK", value=rank)
    yield Variable(name="PET_NPROC_PER_NODE", value=str(run.spec.resources.gpu or 1))
    yield Variable(name="PET_MASTER_ADDR", value=hosts[0])
    yield Variable(name="PET_MASTER_PORT", value=str(PORT))
    yield Variable(name="TF_CONFIG", value=_tensorflow(hosts, rank))


def _tensorflow(hosts: list[str], rank: str) -> str:
    """The index stands unquoted, since TensorFlow reads a number."""
    workers = json.dumps([f"{host}:{TENSORFLOW_PORT}" for host in hosts], separators=(",", ":"))
    return f'{{"cluster":{{"worker":{workers}}},"task":{{"type":"worker","index":{rank}}}}}'
