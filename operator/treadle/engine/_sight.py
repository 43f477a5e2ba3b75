"""What is exported of the objects themselves: the gauges of `api/measures.py`, and how many objects there are.

Only who leads tells of objects, so that each is told once. What is told of an object is read when a worker has looked at it, not when Prometheus
asks: asking costs the same however much is at rest. Bounded on both sides: of runs that have ended only the latest are told one by one, the others
are counted; and of each kind no more than `SHOWN` objects, with the number of those left out.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from heapq import nlargest
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from treadle.api.measures import MEASURES, OBJECT, Sample, finished_at, measured
from treadle.plan import Object, Ref

SHOWN = 2_000
"""Objects of a kind that are told one by one."""
ENDED = 100
"""Ended runs that are told one by one."""
UNSAID = "Pending"
"""The phase of an object that was never looked at before; Prometheus would take an empty label for none."""
COUNT = ("treadle_objects", "Objects, by phase.", ("kind", "tenant_namespace", "phase"))
LEFT_OUT = ("treadle_objects_left_out", "Objects that are only counted: more than can be told one by one, or ended long ago.", ("kind",))


class _Seen(NamedTuple):
    """An object as it was when it was looked at last; of an ended run the samples are read again when they are asked for."""

    phase: str
    ended: float | None
    samples: tuple[Sample, ...]


class Sight(Collector):
    """Keeps what objects said last, and tells it to Prometheus.

    Args:
        known: the object of this name, as it is remembered.
    """

    def __init__(self, known: Callable[[Ref], Object | None]) -> None:
        self._known = known
        self._seen: dict[Ref, _Seen] = {}

    def see(self, ref: Ref, this: Object) -> None:
        """An object was looked at."""
        ended = finished_at(this)
        status = this.get("status")
        phase = status.get("phase") if isinstance(status, dict) else None
        samples = () if ended is not None else tuple(measured(this))
        self._seen[ref] = _Seen(phase if isinstance(phase, str) and phase else UNSAID, ended, samples)

    def forget(self, ref: Ref) -> None:
        """The object is gone."""
        self._seen.pop(ref, None)

    def close(self) -> None:
        """Somebody else leads and tells of objects."""
        self._seen.clear()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge, without values."""
        yield from self._families().values()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every gauge with what is known now."""
        families = self._families()
        counted = Counter((ref.kind, ref.namespace, seen.phase) for ref, seen in self._seen.items())
        for labels, number in counted.items():
            families[COUNT[0]].add_metric(labels, number)
        told: Counter[str] = Counter()
        for ref, samples in self._told():
            told[ref.kind] += 1
            for sample in samples:
                families[sample.measure.name].add_metric((ref.namespace, ref.name, *sample.labels), sample.value)
        for kind, number in Counter(ref.kind for ref in self._seen).items():
            families[LEFT_OUT[0]].add_metric((kind,), number - told[kind])
        yield from families.values()

    def _told(self) -> Iterator[tuple[Ref, tuple[Sample, ...]]]:
        """The objects that are told one by one."""
        shown: Counter[str] = Counter()
        for ref, seen in self._seen.items():
            if seen.ended is None and shown[ref.kind] < SHOWN:
                shown[ref.kind] += 1
                yield ref, seen.samples
        ended = ((seen.ended, ref) for ref, seen in self._seen.items() if seen.ended is not None)
        for _, ref in nlargest(ENDED, ended):
            if (this := self._known(ref)) is not None:
                yield ref, tuple(measured(this))

    @staticmethod
    def _families() -> dict[str, GaugeMetricFamily]:
        plain = (COUNT, LEFT_OUT, *((measure.name, measure.help, (*OBJECT, *measure.labels)) for measure in MEASURES))
        return {name: GaugeMetricFamily(name, help_, labels=labels) for name, help_, labels in plain}
