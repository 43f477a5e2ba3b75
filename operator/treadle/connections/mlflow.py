"""The MLflow connection: answers questions about tracking and registry in batches, and makes wishes about them true, twice is once.

What is ours is found by tags before anything is made. Two calls make a run: `runs/create` claims it for the owner's UID, `runs/log-batch` completes
it with parameters and the tag that questions look for; whoever is cut in between claims the same run again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import httpx

from treadle.connections._mlflow_answers import Model, Run, Version
from treadle.connections._mlflow_api import PAGE, MlflowApi, Refused
from treadle.connections._mlflow_further import FurtherRuns
from treadle.connections._mlflow_reports import TOGETHER, Reports
from treadle.connections._recent import Recent
from treadle.connections._together import together
from treadle.connections.installation import MlflowSettings, Owner
from treadle.connections.registry import EnsureAlias, EnsureModelVersion, ModelAlias, ModelVersion, ModelVersionOf, TagModelVersion
from treadle.connections.tracking import (
    CloseTrackingRun,
    DescribeTrackingRun,
    EnsureTrackingRun,
    FindTrackingRun,
    LoggedModel,
    OpenRun,
    OpenTrackingRuns,
    TrackingReport,
    TrackingRun,
    TrackingRunState,
    TrackingStatus,
)
from treadle.plan import Effect, Question, Trouble, Unavailable

AT_ONCE = 4
"""Concurrent calls for questions, and as many for wishes: one worker of MLflow answers about 140 a second, and it is not only ours."""

OWNER = "treadle.owner"
INSTALLATION = "treadle.installation"
CLAIM = "treadle.claim"
UID = "treadle.uid"
SPEC_HASH = "treadle.spec-hash"
ENDING = "treadle.ending"
ENDING_LIMIT = 4000  # characters; MLflow keeps 8000 of a tag's value, older ones 5000

Asked = TypeVar("Asked")
Answers = Mapping[Question[Any], object]


class Mlflow:
    """One MLflow, as an engine's `Connection`.

    Args:
        settings: as the admin configured it.
        clock: the time, for the start and end of runs.
        transport: in tests, what stands for the network.
    """

    def __init__(self, settings: MlflowSettings, clock: Callable[[], datetime], transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._api = MlflowApi(settings, transport)
        self._clock = clock
        self._places = asyncio.Semaphore(AT_ONCE)
        self._wishes = asyncio.Semaphore(AT_ONCE)
        self._experiments: Recent[str, str] = Recent()
        self._artifacts: Recent[tuple[str, str], str] = Recent()
        self._unanswerable: Recent[Question[Any], Unavailable] = Recent()
        self._further = FurtherRuns(self._api)
        self._reports = Reports(self._api, UID, CLAIM, clock)

    async def close(self) -> None:
        """Close sockets."""
        await self._api.close()

    async def answer(self, questions: Collection[Question[Any]]) -> Answers:
        """See `Connection.answer`. A question that MLflow refuses for itself (400) is answered with Unavailable; the others must not suffer."""
        states: defaultdict[str, list[TrackingRunState]] = defaultdict(list)
        live = [question for question in questions if isinstance(question, TrackingReport)]
        single: list[Coroutine[Any, Any, Answers]] = []
        for question in questions:
            if isinstance(question, TrackingRunState):
                states[question.experiment_id].append(question)
            elif not isinstance(question, TrackingReport):
                single.append(self._bounded(self._one, question))
        batches = [self._bounded(self._states, asked[i : i + PAGE]) for asked in states.values() for i in range(0, len(asked), PAGE)]
        batches += [self._bounded(self._reports.read, live[i : i + TOGETHER]) for i in range(0, len(live), TOGETHER)]
        answers: dict[Question[Any], object] = {}
        try:
            for found in await together([*single, *batches]):
                answers |= found
        except Trouble:
            self._reports.forget()
            raise
        return answers

    async def carry_out(self, effect: Effect) -> Answers:
        """See `Connection.carry_out`. Where many are wished for at once, the last ones wait here, and not in calls that would time out."""
        async with self._wishes:
            return await self._carry_out(effect)

    async def _carry_out(self, effect: Effect) -> Answers:
        match effect:
            case EnsureTrackingRun():
                return await self._ensure_run(effect)
            case CloseTrackingRun():
                return await self._close_run(effect)
            case DescribeTrackingRun():
                return {effect.question: await self._reports.describe(effect)}
            case EnsureModelVersion():
                return await self._ensure_version(effect)
            case EnsureAlias():
                return await self._ensure_alias(effect)
            case TagModelVersion():
                return await self._tag_version(effect)
        raise TypeError(f"MLflow knows no {type(effect).__name__}")

    async def _bounded(self, call: Callable[[Asked], Awaitable[Answers]], asked: Asked) -> Answers:
        async with self._places:
            return await call(asked)

    async def _one(self, question: Question[Any]) -> Answers:
        try:
            answer = await self._ask(question)
        except Refused as refused:
            told = refused.condition
            known = self._unanswerable.get(question) or Unavailable(self._clock(), told.message, told.reason, told.stalled)
            return {question: self._unanswerable.put(question, known)}
        self._unanswerable.forget(question)
        return {question: answer}

    async def _ask(self, question: Question[Any]) -> object:
        match question:
            case FindTrackingRun():
                return await self._find_run(question)
            case OpenTrackingRuns():
                return await self._open_runs(question)
            case ModelAlias():
                found = await self._api.alias(question.model, question.alias)
                return await self._version(found) if found else None
            case ModelVersionOf(version=str() as version):
                found = await self._api.version(question.model, version)
                return await self._version(found) if found else None
            case ModelVersionOf(run_id=str() as run_id, source=str() as source):
                made = await self._made_version(question.model, run_id, source)
                return await self._version(made) if made else None
        raise TypeError(f"MLflow cannot answer {type(question).__name__}")

    async def _find_run(self, question: FindTrackingRun) -> TrackingRun | None:
        if (id_ := self._experiments.get(question.experiment) or await self._experiment_id(question.experiment)) is None:
            return None
        ours = await self._api.search_runs(id_, _tagged(UID, question.owner.uid), limit=1)
        earlier = ours or [
            run
            for run in await self._api.search_runs(id_, f"{_tagged(OWNER, question.owner.identity)} and {_tagged(SPEC_HASH, question.spec_hash)}")
            if ENDING in run.tags
        ]
        return replace(_tracking_run(earlier[0]), metrics={}) if earlier else None

    async def _experiment_id(self, name: str) -> str | None:
        """Remembered for who looks for a run: an experiment keeps its id, and its runs. Who makes a run asks again: it may be in the bin by now."""
        experiment = await self._api.experiment(name)
        return self._experiments.put(name, experiment.experiment_id) if experiment else None

    async def _open_runs(self, question: OpenTrackingRuns) -> tuple[OpenRun, ...]:
        filter_ = f"attributes.status = 'RUNNING' and {_tagged(INSTALLATION, question.installation)}"
        found: list[Run] = []
        async for experiment_ids in self._api.experiment_ids():
            found += await self._api.search_runs_in(experiment_ids, filter_)
        return tuple(run for run in map(_open_run, found) if run)

    async def _states(self, questions: Sequence[TrackingRunState]) -> Answers:
        by_id = {question.run_id: question for question in questions}
        listed = ", ".join(f"'{id_}'" for id_ in by_id)
        answers: dict[Question[Any], object] = dict.fromkeys(questions)
        for run in await self._api.search_runs(questions[0].experiment_id, f"attributes.run_id IN ({listed})"):
            if run.id in by_id:
                answers[by_id[run.id]] = await self._with_models(run)
        return answers

    async def _with_models(self, run: Run) -> TrackingRun:
        models = await self._api.logged_models(run.info.experiment_id, run.id)
        return replace(_tracking_run(run, models), further=await self._further.of(run, run.tags.get(UID, "")))

    async def _version(self, found: Version) -> ModelVersion:
        key = (found.name, found.version)
        artifact_uri = self._artifacts.get(key) or self._artifacts.put(key, await self._api.download_uri(*key))
        return ModelVersion(
            model=key[0],
            version=key[1],
            run_id=found.run_id,
            source=found.source,
            artifact_uri=artifact_uri,
            tags=found.tags,
        )

    async def _ensure_run(self, wish: EnsureTrackingRun) -> Answers:
        experiment = await self._api.experiment(wish.experiment)
        if experiment and experiment.deleted:
            raise self._api.deleted_experiment(wish.experiment)
        id_ = self._experiments.put(wish.experiment, experiment.experiment_id if experiment else await self._api.create_experiment(wish.experiment))
        claimed = await self._api.search_runs(id_, _tagged(CLAIM, wish.owner.uid))
        run = claimed[0] if claimed else await self._api.create_run(id_, wish.run_name, self._milliseconds(), _claim(wish.owner))
        complete = {**dict(wish.tags), SPEC_HASH: wish.spec_hash, UID: wish.owner.uid}
        if UID not in run.tags:
            await self._api.log_batch(run.id, params=dict(wish.parameters), tags=complete)
        await self._end(claimed[1:])
        question = FindTrackingRun(connection=wish.connection, experiment=wish.experiment, owner=wish.owner, spec_hash=wish.spec_hash)
        return {question: replace(_tracking_run(run), metrics={}, owner_uid=wish.owner.uid)}

    async def _close_run(self, wish: CloseTrackingRun) -> Answers:
        question = TrackingRunState(connection=wish.connection, experiment_id=wish.experiment_id, run_id=wish.run_id)
        claimed = await self._api.search_runs(wish.experiment_id, _tagged(CLAIM, wish.owner_uid))
        run = next((run for run in claimed if run.id == wish.run_id), None)
        if run is None:
            return {question: None}
        await self._end([rival for rival in claimed if rival is not run])
        if run.info.status is not wish.status:
            await self._api.update_run(wish.run_id, wish.status.value, self._milliseconds())
        wanted = {**dict(wish.tags), **({ENDING: wish.ending[:ENDING_LIMIT]} if wish.ending else {})}
        if not wanted.items() <= run.tags.items():  # last: a later life takes up what it finds here, and must not find what the sweeper still closes
            await self._api.log_batch(wish.run_id, tags=wanted)
        known = await self._with_models(run)
        return {question: replace(known, status=wish.status, ending=wanted.get(ENDING, known.ending))}

    async def _end(self, rivals: Sequence[Run]) -> None:
        """Where two runs exist for one owner (a zombie's call came late), only one may go on."""
        for rival in rivals:
            if rival.info.status is TrackingStatus.RUNNING:
                await self._api.update_run(rival.id, TrackingStatus.KILLED.value, self._milliseconds())

    async def _ensure_version(self, wish: EnsureModelVersion) -> Answers:
        tags = {**dict(wish.tags), **_claim(wish.owner)}
        if made := await self._made_version(wish.model, wish.run_id, wish.source):
            await self._tag(wish.model, made.version, tags, made.tags)
            tagged = await self._api.version(wish.model, made.version)
            return {wish.question: await self._version(tagged) if tagged else None}
        await self._api.create_model(wish.model, {INSTALLATION: wish.owner.installation})
        return {wish.question: await self._version(await self._api.create_version(wish.model, wish.source, wish.run_id, tags))}

    async def _made_version(self, model: str, run_id: str, source: str) -> Version | None:
        """An earlier attempt may have registered another model by itself: which one was judged is told by the source alone."""
        return next((made for made in await self._api.versions_of_run(model, run_id) if made.source == source), None)

    async def _ensure_alias(self, wish: EnsureAlias) -> Answers:
        question = ModelAlias(connection=wish.connection, model=wish.model, alias=wish.alias)
        now = await self._api.alias(wish.model, wish.alias)
        current = now.version if now else None
        if current == wish.expected != wish.version and (current is None or int(current) < int(wish.version)):
            await self._api.set_alias(wish.model, wish.alias, wish.version)
            now = await self._api.version(wish.model, wish.version)
        return {question: await self._version(now) if now else None}

    async def _tag_version(self, wish: TagModelVersion) -> Answers:
        question = ModelVersionOf(connection=wish.connection, model=wish.model, version=wish.version)
        found = await self._api.version(wish.model, wish.version)
        if found is None:
            return {question: None}
        await self._tag(wish.model, wish.version, dict(wish.tags), found.tags)
        tagged = await self._api.version(wish.model, wish.version)
        return {question: await self._version(tagged) if tagged else None}

    async def _tag(self, model: str, version: str, wanted: Mapping[str, str], present: Mapping[str, str]) -> None:
        for key, value in wanted.items():
            if present.get(key) != value:
                await self._api.tag_version(model, version, key, value)

    def _milliseconds(self) -> int:
        return int(self._clock().timestamp() * 1000)


def _claim(owner: Owner) -> dict[str, str]:
    return {CLAIM: owner.uid, OWNER: owner.identity, INSTALLATION: owner.installation}


def _tagged(key: str, value: str) -> str:
    return f"tags.`{key}` = '{value}'"


def _tracking_run(run: Run, models: Sequence[Model] = ()) -> TrackingRun:
    logged = [LoggedModel(model.info.model_id, model.info.name, model.info.creation_timestamp_ms, model.info.artifact_uri) for model in models]
    return TrackingRun(
        id=run.id,
        experiment_id=run.info.experiment_id,
        status=run.info.status,
        owner_uid=run.tags.get(UID, ""),
        ending=run.tags.get(ENDING, ""),
        metrics={metric.key: metric.value for metric in run.data.metrics},
        logged_models=tuple(sorted(logged, key=lambda model: (model.name, model.id))),
        artifact_uri=run.info.artifact_uri,
    )


def _open_run(run: Run) -> OpenRun | None:
    """None when the tags are not all there or not in our form: it is not clear whose it is."""
    tags = run.tags
    match tags.get(OWNER, "").split("/"), tags.get(CLAIM, ""):
        case [installation, namespace, name], uid if uid:
            return OpenRun(run.id, run.info.experiment_id, Owner(installation, namespace, name, uid))
    return None
