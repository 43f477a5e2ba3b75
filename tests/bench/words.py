"""What the page says besides figures."""

from collections.abc import Collection

INTRODUCTION = """# Performance of the control plane

Made by `make bench-control` (about 40 min on two cores; `PARTS`, `RUNS` and `ROUNDS` choose less); do not edit.

N objects are applied by 32 hands, the controller makes their Jobs, the test plays kubelet and marks each Job Complete as soon as it sees it, and the
controller says that the object is finished. A real API server and etcd; nothing else shares the machine with what is measured, as far as that is in
our hands. Ratios are taken between rounds that ran right after each other.
"""

TARGETS = """That 100 % of the places to die at lead to the same end is measured by `make crash`: see [evidence/crash.md](evidence/crash.md)."""

DISTURBED = """**Other work ran on this machine meanwhile** (it used up to {most:.0f} % of it in a round): the absolute rates are too low, and ratios
of single rounds scatter. Run it again on a quiet machine before quoting a figure."""

SYSTEMS = {
    "treadle": """
- *Treadle*: `python -m treadle.main` as it is shipped, with its defaults and the rights that its chart grants; TrainingRuns with a trivial image and
  tracking off, their full behaviour: a launch confirmed by a live read, Events, conditions. It looks at new runs before those it knows: under load
  Jobs are made first and ends are told later, which is why it can come near the raw limit in Jobs, or pass it, and not in runs finished.""",
    "raw": """
- *Raw limit*: the same load, kubelet and watches, and in the operator's place a bare client that makes nothing but the two writes which cannot be
  spared (the Job and the last status, the same bytes that the operator sends), 32 at once and in the order in which they become due, without a
  read, a watch or an Event of its own.""",
    "jobset": """
- *JobSet*: `controllers.SetupJobSetIndexes` and `NewJobSetReconciler` with its release's defaults (500 calls/s, 1 worker), without webhooks: each
  JobSet holds what they would fill in. One Job of the same shape per JobSet.""",
    "jobset-lean": """
- *JobSet, lean*: the same without a limit, with 10 workers, and with `network.enableDNSHostnames: false`, which saves the Service of each JobSet.""",
}
"""What each system is, in the order of the page."""

NOT_DONE = {
    "jobset": """
JobSet's webhooks, certificates, leader election and metrics endpoint are off, and it makes no live read before it creates.""",
    "treadle": """
Treadle has no webhooks; its lease, metrics, Events and probes are on; it makes no Service.""",
    "raw": """
The raw limit does nothing for anybody who looks: no Events, no retries, no Running in between.""",
}


def of_systems(measured: Collection[str]) -> str:
    """What the systems are that were measured, and what each does not do."""
    told = (text for system, text in SYSTEMS.items() if system in measured)
    left_out = (text for system, text in NOT_DONE.items() if system in measured)
    return f"{''.join(told)}\n\nWhat each does not do here:{''.join(left_out)}"


METHOD = """
Every round gets an API server and an etcd of its own, with the CRDs of the system that is measured, 20 objects of warm-up, and begins when the API
server and the controller rest (an API server cuts its watches just after a CRD was installed; the test's watches list anew when they are cut).
`created` and `finished` are seen by the test's own watches, the same for every system. Requests come from the API server's audit log (level
Metadata, the same for all), CPU seconds and memory (VmHWM) from the kernel. Finished runs are made by the raw limit's client while the operator is
away, with the very status that the operator wrote in a real life, so that it finds nothing to do.

What is measured runs at a raised priority, where the kernel lets it. A round of the throughput waits up to ten seconds for a quiet moment; one in
which other processes used more than {calm:.0f} % of the machine is taken anew, {tries} times at most and whatever came out; of its tries
the quietest counts. Of a part's last measurement nothing else is left out. Every part keeps its figures as
JSON below `build/bench`; the page is made from all that is there: `make bench-control PARTS=page` only writes it anew.
"""
