"""The cluster as a connection: answers what plans ask beyond the objects that are watched."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from treadle.api.reasons import Reason
from treadle.engine._objects import controller_uid
from treadle.engine._wire import Refused, Request, Wire
from treadle.plan import Effect, Object, Question, Ref, Trouble, Unavailable
from treadle.workloads.add_ons import KindMissing
from treadle.workloads.config_map import ConfigMapText
from treadle.workloads.missing import StillThere
from treadle.workloads.refusal import KILLED, PREEMPTED, SUSPICIOUS, PodEnded, PodRefusal, VolumeTrouble

MANY_EVENTS = 1000
VOLUME_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")


class OwnCluster:
    """Implements `Connection` over the engine's own wire, which it does not close. What cannot be known yet is answered without a request.

    Args:
        lacks: whether the objects of a kind cannot be known.
        confirm: reads an object from the API server itself, so that it is known too if it is there.
    """

    def __init__(
        self, wire: Wire, clock: Callable[[], datetime], lacks: Callable[[str], bool], confirm: Callable[[Ref], Awaitable[Object | None]]
    ) -> None:
        self._wire = wire
        self._clock = clock
        self._lacks = lacks
        self._confirm = confirm

    async def answer(self, questions: Collection[Question[Any]]) -> Mapping[Question[Any], object]:
        """See `Connection.answer`."""
        answers: dict[Question[Any], object] = {}
        for question in questions:
            match question:
                case PodRefusal(job=job):
                    answers[question] = await self._told(question, f"Job {job}", ("FailedCreate",))
                case VolumeTrouble(pod=pod):
                    answers[question] = await self._told(question, f"pod {pod}", VOLUME_EVENTS)
                case PodEnded():
                    answers[question] = await self._ended(question)
                case ConfigMapText():
                    answers[question] = await self._text(question)
                case KindMissing(kind=kind):
                    answers[question] = self._lacks(kind)
                case StillThere(child=child, owner=owner):
                    answers[question] = await self._there(child, owner)
        return answers

    async def carry_out(self, effect: Effect) -> Mapping[Question[Any], object]:
        """Nothing is wished of the cluster but by the plan's own actions."""
        raise TypeError(f"the cluster cannot carry out {type(effect).__name__}")

    async def close(self) -> None:
        """Nothing to close."""

    async def _there(self, child: Ref, owner: str) -> bool | Unavailable:
        try:
            found = await self._confirm(child)
        except Trouble as trouble:
            if trouble.condition.reason is not Reason.Forbidden:
                raise
            return Unavailable(self._clock(), trouble.condition.message, Reason.Forbidden, stalled=True)  # of this kind; others must not suffer
        return found is not None and controller_uid(found) == owner

    async def _text(self, question: ConfigMapText) -> str | Unavailable | None:
        path = f"/api/v1/namespaces/{question.namespace}/configmaps/{question.name}"
        try:
            found = await self._wire.send(Request("GET", path, f"read ConfigMap {question.name}"))
        except Refused as refused:
            if refused.status == 404:
                return None
            if refused.status == 429 or refused.status >= 500:
                raise refused.trouble from refused
            return Unavailable(self._clock(), refused.trouble.condition.message)  # of this namespace; others must not suffer
        text = (found.get("data") or {}).get(question.key)
        return text if isinstance(text, str) else None

    async def _told(self, question: PodRefusal | VolumeTrouble, what: str, reasons: Collection[str]) -> str | Unavailable:
        """The words of the latest event of one of these reasons."""
        if self._clock() < question.since + SUSPICIOUS:
            return ""
        listed = await self._events(question.namespace, what, f"involvedObject.uid={question.uid}", question.since)
        if isinstance(listed, Unavailable):
            return listed
        told = [event for event in listed if event.get("reason") in reasons]
        told.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
        return str(told[-1].get("message") or "") if told else ""

    async def _ended(self, question: PodEnded) -> str | Unavailable:
        """The scheduler's word about any pod of the Job, else the kubelet's about its container."""
        rank = r"(-\d+)?" if question.ranked else ""
        pod = re.compile(rf"{re.escape(question.job)}{rank}-[a-z0-9]{{5}}")
        for reason, words in ((PREEMPTED, ""), (KILLED, f"Stopping container {question.container}")):
            selector = f"involvedObject.kind=Pod,reason={reason}"
            listed = await self._events(question.namespace, f"pods of Job {question.job}", selector, question.since)
            if isinstance(listed, Unavailable):
                return listed
            if any(pod.fullmatch(event["involvedObject"]["name"]) and str(event.get("message") or "").startswith(words) for event in listed):
                return reason
        return ""

    async def _events(self, namespace: str, what: str, selector: str, since: datetime) -> Sequence[Mapping[str, Any]] | Unavailable:
        query = {"fieldSelector": selector, "limit": str(MANY_EVENTS)}
        try:
            listed = await self._wire.send(Request("GET", f"/api/v1/namespaces/{namespace}/events", f"read the events of {what}", query=query))
        except Refused as refused:
            if refused.status == 429 or refused.status >= 500:
                raise refused.trouble from refused
            return Unavailable(since, refused.trouble.condition.message)  # of this namespace; others must not suffer
        return listed.get("items") or ()
