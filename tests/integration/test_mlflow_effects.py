"""Every effect on tracking and registry against a real MLflow: once, twice, and cut before and after each of its calls."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from treadle.api.reasons import Reason
from treadle.connections.installation import MlflowSettings, Owner
from treadle.connections.mlflow import Mlflow
from treadle.connections.registry import EnsureAlias, EnsureModelVersion, ModelAlias, ModelVersion, ModelVersionOf, TagModelVersion
from treadle.connections.tracking import (
    NEVER,
    CloseTrackingRun,
    DescribeTrackingRun,
    EnsureTrackingRun,
    FindTrackingRun,
    OpenRun,
    OpenTrackingRuns,
    Report,
    TrackedDataset,
    TrackingReport,
    TrackingRun,
    TrackingRunState,
    TrackingStatus,
)
from treadle.engine._polls import CADENCE
from treadle.plan import Effect, Question, Trouble, Unavailable

KEY = "mlflow/default"
MOMENT = 1_700_000_000_000


def now() -> datetime:
    return datetime.now(UTC)


class Cut(httpx.AsyncBaseTransport):
    """The network, which breaks at the call number `at` (from 1): before the server got the request, or after it answered."""

    def __init__(self, at: int = 0, late: bool = False) -> None:
        self._network = httpx.AsyncHTTPTransport()
        self._at, self._late, self.calls = at, late, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.calls == self._at and not self._late:
            raise httpx.ConnectError("cut before the call")
        response = await self._network.handle_async_request(request)
        if self.calls == self._at:
            await response.aread()
            raise httpx.ReadError("cut after the call")
        return response

    async def aclose(self) -> None:
        await self._network.aclose()


@pytest.fixture
async def server(mlflow: str) -> AsyncIterator[Mlflow]:
    client = Mlflow(MlflowSettings(url=mlflow), now)
    yield client
    await client.close()


def new_owner() -> Owner:
    name = f"run-{uuid4().hex[:8]}"
    return Owner("test", "ml", name, str(uuid4()))


def ensure_run(owner: Owner) -> EnsureTrackingRun:
    parameters = (("epochs", "10"), ("lr", "0.1"))
    return EnsureTrackingRun(connection=KEY, experiment=owner.name, run_name=owner.name, owner=owner, spec_hash="hash", parameters=parameters)


async def made_run(server: Mlflow, owner: Owner) -> TrackingRun:
    wish = ensure_run(owner)
    answers = await server.carry_out(wish)
    (run,) = answers.values()
    assert isinstance(run, TrackingRun)
    return run


async def made_version(server: Mlflow, owner: Owner) -> ModelVersion:
    run = await made_run(server, owner)
    wish = EnsureModelVersion(connection=KEY, model=owner.name, run_id=run.id, source="s3://models/x", owner=owner)
    (version,) = (await server.carry_out(wish)).values()
    assert isinstance(version, ModelVersion)
    return version


@dataclass(frozen=True)
class Case:
    """An effect, made for an owner whose world was prepared for it, and the question that tells what became of it."""

    effect: Effect
    question: Question[Any]


async def ensure_tracking_run(server: Mlflow, owner: Owner) -> Case:
    return Case(ensure_run(owner), FindTrackingRun(connection=KEY, experiment=owner.name, owner=owner, spec_hash="hash"))


async def close_tracking_run(server: Mlflow, owner: Owner) -> Case:
    run = await made_run(server, owner)
    place = {"connection": KEY, "experiment_id": run.experiment_id, "run_id": run.id}
    return Case(CloseTrackingRun(**place, owner_uid=owner.uid, status=TrackingStatus.FINISHED, ending='{"result":{}}'), TrackingRunState(**place))


async def describe_tracking_run(server: Mlflow, owner: Owner) -> Case:
    run = await made_run(server, owner)
    dataset = TrackedDataset(name="digits-v1", digest="d" * 64, uri="s3://datasets/digits/v0001/")
    wish = DescribeTrackingRun(
        connection=KEY, owner_uid=owner.uid, experiment_id=run.experiment_id, run_id=run.id, tags=(("treadle.attempt", "1"),), dataset=dataset
    )
    return Case(wish, wish.question)


async def ensure_model_version(server: Mlflow, owner: Owner) -> Case:
    run = await made_run(server, owner)
    wish = EnsureModelVersion(
        connection=KEY, model=owner.name, run_id=run.id, source="s3://models/x", owner=owner, tags=(("treadle.gates", "Passed"),)
    )
    return Case(wish, wish.question)


async def ensure_alias(server: Mlflow, owner: Owner) -> Case:
    version = await made_version(server, owner)
    wish = EnsureAlias(connection=KEY, model=owner.name, alias="candidate", version=version.version, expected=None)
    return Case(wish, ModelAlias(connection=KEY, model=owner.name, alias="candidate"))


async def tag_model_version(server: Mlflow, owner: Owner) -> Case:
    version = await made_version(server, owner)
    wish = TagModelVersion(connection=KEY, model=owner.name, version=version.version, tags=(("a", "1"), ("b", "2")))
    return Case(wish, ModelVersionOf(connection=KEY, model=owner.name, version=version.version))


CASES = [ensure_tracking_run, describe_tracking_run, close_tracking_run, ensure_model_version, ensure_alias, tag_model_version]
Prepare = Callable[[Mlflow, Owner], Awaitable[Case]]


def test_every_effect_has_its_case() -> None:
    assert {case.__name__ for case in CASES} == {
        "ensure_tracking_run",
        "describe_tracking_run",
        "close_tracking_run",
        "ensure_model_version",
        "ensure_alias",
        "tag_model_version",
    }
    known = {EnsureTrackingRun, DescribeTrackingRun, CloseTrackingRun, EnsureModelVersion, EnsureAlias, TagModelVersion}
    assert {cls for cls in Effect.__subclasses__() if cls.__module__ in ("treadle.connections.tracking", "treadle.connections.registry")} == known


@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
async def test_an_effect_carried_out_twice_is_the_same_as_once(server: Mlflow, prepare: Prepare) -> None:
    case = await prepare(server, new_owner())
    once = await server.carry_out(case.effect)
    assert await server.carry_out(case.effect) == once
    assert once[case.question] == (await server.answer([case.question]))[case.question]
    assert set(once) <= set(case.effect.assumed()), "a dry run assumes answers to the same questions"


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("prepare", CASES, ids=lambda case: case.__name__)
async def test_an_effect_cut_at_any_call_is_made_true_by_the_next_try(server: Mlflow, mlflow: str, prepare: Prepare, late: bool) -> None:
    whole = Cut()
    counting = Mlflow(MlflowSettings(url=mlflow), now, whole)
    expected = (await counting.carry_out((await prepare(server, new_owner())).effect)).values()
    for at in range(1, whole.calls + 1):
        owner = new_owner()
        case = await prepare(server, owner)
        broken = Mlflow(MlflowSettings(url=mlflow), now, Cut(at, late))
        with pytest.raises(Trouble) as trouble:
            await broken.carry_out(case.effect)
        assert trouble.value.condition.reason is Reason.Unreachable
        after = await server.carry_out(case.effect)
        assert [shape(answer) for answer in after.values()] == [shape(answer) for answer in expected], f"cut at call {at}"
        await only_one(mlflow, owner)
        await broken.close()
    await counting.close()


def shape(answer: object) -> object:
    """An answer without the ids that differ from owner to owner."""
    match answer:
        case TrackingRun():
            return replace(answer, id="", experiment_id="", owner_uid="", artifact_uri="")
        case Report():
            known = {name: value for name, value in answer.tags.items() if name not in ("treadle.claim", "treadle.owner", "treadle.uid")}
            return replace(answer, owner_uid="", changed_at=NEVER, tags=known)
        case ModelVersion():
            return replace(answer, model="", run_id="", tags={k: v for k, v in answer.tags.items() if k not in ("treadle.claim", "treadle.owner")})
    return answer


async def only_one(mlflow: str, owner: Owner) -> None:
    """However often it was tried, there is one run with all its parameters, and at most one version."""
    async with httpx.AsyncClient(base_url=f"{mlflow}/api/2.0/mlflow", timeout=10) as http:
        experiment = (await http.get("/experiments/get-by-name", params={"experiment_name": owner.name})).json()["experiment"]["experiment_id"]
        runs = (await http.post("/runs/search", json={"experiment_ids": [experiment]})).json()["runs"]
        assert len(runs) == 1
        assert {p["key"]: p["value"] for p in runs[0]["data"]["params"]} == {"epochs": "10", "lr": "0.1"}
        versions = (await http.get("/model-versions/search", params={"filter": f"name = '{owner.name}'"})).json()
        assert len(versions.get("model_versions", ())) <= 1


async def test_of_two_runs_made_by_a_zombie_and_its_successor_the_first_wins(server: Mlflow, mlflow: str) -> None:
    owner = new_owner()
    first = await made_run(server, owner)
    async with httpx.AsyncClient(base_url=f"{mlflow}/api/2.0/mlflow", timeout=10) as http:
        tags = [{"key": "treadle.claim", "value": owner.uid}, {"key": "treadle.owner", "value": owner.identity}]
        body = {"experiment_id": first.experiment_id, "start_time": int(now().timestamp() * 1000) + 1000, "tags": tags}
        second = (await http.post("/runs/create", json=body)).json()["run"]["info"]["run_id"]
        assert (await made_run(server, owner)).id == first.id
        closed = (await http.get("/runs/get", params={"run_id": second})).json()["run"]["info"]["status"]
    assert closed == "KILLED"


@dataclass(frozen=True)
class Registering:
    """A program that registers the model of each of its attempts by itself, as `log_model(registered_model_name=...)` does."""

    http: httpx.AsyncClient
    run: TrackingRun
    model: str

    async def logs(self) -> str:
        """It logs a model; returns what a version is made from."""
        body = {"experiment_id": self.run.experiment_id, "name": "model", "source_run_id": self.run.id}
        made = (await self.http.post("/logged-models", json=body)).raise_for_status().json()["model"]["info"]["model_id"]
        (await self.http.patch(f"/logged-models/{made}", json={"model_id": made, "status": 2})).raise_for_status()
        return f"models:/{made}"

    async def registers(self, source: str) -> str:
        """It registers it; returns the number of the version."""
        await self.http.post("/registered-models/create", json={"name": self.model})
        body = {"name": self.model, "source": source, "run_id": self.run.id, "model_id": source.removeprefix("models:/")}
        return str((await self.http.post("/model-versions/create", json=body)).raise_for_status().json()["model_version"]["version"])

    async def tags(self) -> dict[str, set[str]]:
        """Names of the tags of each version of the run."""
        asked = {"filter": f"name = '{self.model}' and run_id = '{self.run.id}'"}
        found = (await self.http.get("/model-versions/search", params=asked)).json().get("model_versions", ())
        return {str(version["version"]): {tag["key"] for tag in version.get("tags", ())} for version in found}


@pytest.fixture
async def registering(server: Mlflow, mlflow: str) -> AsyncIterator[Registering]:
    owner = new_owner()
    async with httpx.AsyncClient(base_url=f"{mlflow}/api/2.0/mlflow", timeout=10) as http:
        yield Registering(http, await made_run(server, owner), owner.name)


def registration(program: Registering, source: str) -> EnsureModelVersion:
    owner = Owner("test", "ml", program.model, program.run.owner_uid)
    tags = (("treadle.gates", "Passed"),)
    return EnsureModelVersion(connection=KEY, model=program.model, run_id=program.run.id, source=source, owner=owner, tags=tags)


async def test_of_two_models_that_a_program_registered_the_one_that_was_judged_is_taken(server: Mlflow, registering: Registering) -> None:
    """Its first attempt was evicted after `log_model`, its second went on in the same run."""
    first, second = await registering.logs(), await registering.logs()
    assert [await registering.registers(source) for source in (first, second, second)] == ["1", "2", "3"]
    wish = registration(registering, second)
    for _ in range(2):
        answer = (await server.carry_out(wish))[wish.question]
        assert isinstance(answer, ModelVersion)
        assert (answer.version, answer.source) == ("2", second), "of several made from it the lowest"
        assert (await server.answer([wish.question]))[wish.question] == answer
    assert {number: "treadle.gates" in tags for number, tags in (await registering.tags()).items()} == {"1": False, "2": True, "3": False}


async def test_a_model_is_registered_once_beside_one_that_an_earlier_attempt_registered(
    server: Mlflow, mlflow: str, registering: Registering
) -> None:
    await registering.registers(await registering.logs())
    for at in range(1, 5):
        wish = registration(registering, await registering.logs())
        assert (await server.answer([wish.question]))[wish.question] is None
        broken = Mlflow(MlflowSettings(url=mlflow), now, Cut(at, late=True))
        with pytest.raises(Trouble):
            await broken.carry_out(wish)
        await broken.close()
        answer = (await server.carry_out(wish))[wish.question]
        assert isinstance(answer, ModelVersion)
        assert (answer.version, answer.source) == (str(at + 1), wish.source), f"one more version, although cut after call {at}"


async def test_an_alias_moves_only_forward_and_only_from_where_it_was_expected(server: Mlflow) -> None:
    owner = new_owner()
    for number in ("1", "2", "3"):
        version = await made_version(server, replace(owner, uid=str(uuid4())))
        assert version.version == number

    async def moved(version: str, expected: str | None) -> str | None:
        wish = EnsureAlias(connection=KEY, model=owner.name, alias="candidate", version=version, expected=expected)
        (answer,) = (await server.carry_out(wish)).values()
        return answer.version if isinstance(answer, ModelVersion) else None

    assert await moved("2", expected="1") is None, "it was absent, not at 1"
    assert await moved("2", expected=None) == "2"
    assert await moved("1", expected="2") == "2", "never back"
    assert await moved("3", expected="1") == "2", "somebody moved it meanwhile"
    assert await moved("3", expected="2") == "3"


async def test_a_finished_run_is_found_by_a_later_life_with_the_same_spec_only(server: Mlflow) -> None:
    owner = new_owner()
    run = await made_run(server, owner)
    later = replace(owner, uid=str(uuid4()))
    same = FindTrackingRun(connection=KEY, experiment=owner.name, owner=later, spec_hash="hash")
    other = FindTrackingRun(connection=KEY, experiment=owner.name, owner=later, spec_hash="another")
    stranger = FindTrackingRun(connection=KEY, experiment=owner.name, owner=replace(later, installation="elsewhere"), spec_hash="hash")
    assert (await server.answer([same]))[same] is None, "it has not ended"
    place = {"connection": KEY, "experiment_id": run.experiment_id, "run_id": run.id}
    await server.carry_out(CloseTrackingRun(**place, owner_uid=owner.uid, status=TrackingStatus.FINISHED, ending="{}"))
    answers = await server.answer([same, other, stranger])
    assert isinstance(found := answers[same], TrackingRun)
    assert (found.id, found.ending) == (run.id, "{}")
    assert answers[other] is None
    assert answers[stranger] is None


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_run_is_taken_up_by_a_later_life_only_once_it_counts_as_ended(server: Mlflow, mlflow: str, late: bool) -> None:
    for at in range(1, 10):
        owner = new_owner()
        case = await close_tracking_run(server, owner)
        broken = Mlflow(MlflowSettings(url=mlflow), now, network := Cut(at, late))
        with suppress(Trouble):
            await broken.carry_out(case.effect)
        await broken.close()
        later = FindTrackingRun(connection=KEY, experiment=owner.name, owner=replace(owner, uid=str(uuid4())), spec_hash="hash")
        found = (await server.answer([later]))[later]
        assert found is None or found.status is TrackingStatus.FINISHED, f"the sweeper would close it as KILLED; cut at call {at}"
        if network.calls < at:
            break
    assert found is not None


async def test_what_is_not_there_is_confirmed_absent(server: Mlflow) -> None:
    owner = new_owner()
    questions: list[Question[Any]] = [
        FindTrackingRun(connection=KEY, experiment=owner.name, owner=owner, spec_hash="hash"),
        TrackingRunState(connection=KEY, experiment_id="0", run_id="0" * 32),
        ModelAlias(connection=KEY, model=owner.name, alias="champion"),
        ModelVersionOf(connection=KEY, model=owner.name, version="1"),
        ModelVersionOf(connection=KEY, model=owner.name, run_id="0" * 32, source="s3://models/x"),
    ]
    assert await server.answer(questions) == dict.fromkeys(questions)


async def test_a_question_that_is_wrong_does_not_silence_the_others(server: Mlflow) -> None:
    wrong = ModelVersionOf(connection=KEY, model="it's", run_id="x", source="s3://models/x")
    right = ModelAlias(connection=KEY, model="nothing", alias="champion")
    first = await server.answer([wrong, right])
    assert isinstance(first[wrong], Unavailable)
    assert first[right] is None
    assert await server.answer([wrong, right]) == first, "the same outage is no news"


async def test_many_runs_are_asked_for_in_one_batch(mlflow: str, server: Mlflow) -> None:
    owner = new_owner()
    runs = [await made_run(server, replace(owner, uid=str(uuid4()))) for _ in range(12)]
    network = Cut()
    client = Mlflow(MlflowSettings(url=mlflow), now, network)
    questions = [TrackingRunState(connection=KEY, experiment_id=run.experiment_id, run_id=run.id) for run in runs]
    answers = await client.answer(questions)
    await client.close()
    assert [answer.id for answer in answers.values() if isinstance(answer, TrackingRun)] == [run.id for run in runs]
    assert network.calls <= 1 + len(runs), "one search, and the logged models of each"


async def test_two_hundred_live_runs_cost_the_server_less_than_one_request_a_second(mlflow: str, server: Mlflow) -> None:
    owner = new_owner()
    few = asyncio.Semaphore(4)
    async with httpx.AsyncClient(base_url=f"{mlflow}/api/2.0/mlflow", timeout=60) as http:

        async def made(experiment: str) -> TrackingReport:
            async with few:
                run = (await http.post("/runs/create", json={"experiment_id": experiment})).json()["run"]["info"]["run_id"]
            return TrackingReport(connection=KEY, experiment_id=experiment, run_id=run)

        experiments = [(await http.post("/experiments/create", json={"name": f"{owner.name}-{n}"})).json()["experiment_id"] for n in range(20)]
        questions = await asyncio.gather(*(made(experiment) for experiment in experiments * 10))
    network = Cut()
    client = Mlflow(MlflowSettings(url=mlflow), now, network)
    first = await client.answer(questions)
    assert len(first) == 200
    assert all(isinstance(report, Report) for report in first.values())
    assert network.calls / CADENCE < 1, "every question is asked once in so many seconds"
    assert await client.answer(questions) == first, "the same reports are no news"
    await client.close()


async def test_a_live_run_is_read_with_its_step_its_totals_and_its_data(mlflow: str, server: Mlflow) -> None:
    owner = new_owner()
    case = await describe_tracking_run(server, owner)
    await server.carry_out(case.effect)
    assert isinstance(case.question, TrackingReport)
    run_id = case.question.run_id
    async with httpx.AsyncClient(base_url=f"{mlflow}/api/2.0/mlflow", timeout=10) as http:
        metrics = [{"key": "loss", "value": 1.5, "timestamp": MOMENT, "step": 3}, {"key": "worst", "value": "NaN", "timestamp": MOMENT, "step": 7}]
        (await http.post("/runs/log-batch", json={"run_id": run_id, "metrics": metrics})).raise_for_status()
        logged = (await http.get("/runs/get", params={"run_id": run_id})).json()["run"]["inputs"]["dataset_inputs"][0]
    report = (await server.answer([case.question]))[case.question]
    assert isinstance(report, Report)
    assert (report.owner_uid, report.metrics, report.step) == (owner.uid, {"loss": 1.5}, 7)
    assert report.latest == datetime.fromtimestamp(MOMENT / 1000, UTC)
    assert report.totals == {"epochs": 10}
    assert report.datasets == {"d" * 36}
    assert (logged["dataset"]["name"], logged["tags"][0]["value"]) == ("digits-v1", "training")


@pytest.mark.parametrize("problem", ["refused", "redirect", "garbage", "page", "server error"])
async def test_trouble_is_worded_and_credentials_stay_at_home(problem: str, tmp_path: Any) -> None:
    seen: list[httpx.Request] = []
    answers = {
        "refused": (httpx.Response(401, json={"error_code": "UNAUTHENTICATED"}), Reason.Unauthorized, True),
        "redirect": (httpx.Response(302, headers={"location": "http://evil.example/"}), Reason.UnexpectedAnswer, True),
        "garbage": (httpx.Response(200, text="<html>sign in</html>"), Reason.UnexpectedAnswer, False),
        "page": (httpx.Response(404, json={"detail": "Not Found"}), Reason.UnexpectedAnswer, False),
        "server error": (httpx.Response(503, text="down"), Reason.Unreachable, False),
    }
    response, reason, stalled = answers[problem]

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return response

    token = tmp_path / "token"
    token.write_text("secret\n")
    client = Mlflow(MlflowSettings(url="http://mlflow.example", token_file=str(token)), now, httpx.MockTransport(answer))
    with pytest.raises(Trouble) as trouble:
        await client.answer([ModelAlias(connection=KEY, model="m", alias="champion")])
    await client.close()
    assert (trouble.value.condition.reason, trouble.value.condition.stalled) == (reason, stalled)
    assert "secret" not in trouble.value.condition.message
    assert [request.url.host for request in seen] == ["mlflow.example"]
    assert seen[0].headers["authorization"] == "Bearer secret"


async def test_the_open_runs_of_an_installation_are_found_in_every_experiment_until_they_end(server: Mlflow) -> None:
    installation = f"i-{uuid4().hex[:8]}"
    first, second = replace(new_owner(), installation=installation), replace(new_owner(), installation=installation)
    runs = [await made_run(server, owner) for owner in (first, second)]
    await made_run(server, new_owner())
    question = OpenTrackingRuns(connection=KEY, installation=installation)
    open_runs = (await server.answer([question]))[question]
    assert isinstance(open_runs, tuple)
    assert set(open_runs) == {OpenRun(run.id, run.experiment_id, owner) for run, owner in zip(runs, (first, second), strict=True)}
    wish = CloseTrackingRun(connection=KEY, owner_uid=first.uid, experiment_id=runs[0].experiment_id, run_id=runs[0].id, status=TrackingStatus.KILLED)
    await server.carry_out(replace(wish, owner_uid="somebody-else"))
    assert (await server.answer([question]))[question] == open_runs, "the run of somebody else is left alone"
    await server.carry_out(wish)
    assert (await server.answer([question]))[question] == (OpenRun(runs[1].id, runs[1].experiment_id, second),)


async def test_a_second_run_that_a_late_call_made_is_ended_with_the_first(server: Mlflow) -> None:
    owner = new_owner()
    run = await made_run(server, owner)
    late = await server._api.create_run(run.experiment_id, "late", 1, {"treadle.claim": owner.uid})
    place = {"connection": KEY, "experiment_id": run.experiment_id, "run_id": run.id}
    await server.carry_out(CloseTrackingRun(**place, owner_uid=owner.uid, status=TrackingStatus.FINISHED))
    rival = TrackingRunState(connection=KEY, experiment_id=run.experiment_id, run_id=late.id)
    answers = await server.answer([rival, TrackingRunState(**place)])
    assert {answer.status for answer in answers.values() if isinstance(answer, TrackingRun)} == {TrackingStatus.KILLED, TrackingStatus.FINISHED}


async def test_runs_that_begin_at_once_on_the_same_data_all_have_them_as_input(server: Mlflow) -> None:
    """MLflow refuses all but one of them at that moment: UNIQUE constraint failed."""
    for turn in range(5):
        experiment, owners = f"shared-{uuid4().hex[:8]}", [new_owner() for _ in range(4)]
        dataset = TrackedDataset(name="digits-v1", digest=f"{turn}" * 64, uri="s3://datasets/digits/v0001/")

        async def described(owner: Owner, experiment: str = experiment, dataset: TrackedDataset = dataset) -> object:
            (run,) = (await server.carry_out(replace(ensure_run(owner), experiment=experiment))).values()
            assert isinstance(run, TrackingRun)
            place = {"connection": KEY, "experiment_id": run.experiment_id, "run_id": run.id}
            wish = DescribeTrackingRun(**place, owner_uid=owner.uid, tags=(("treadle.attempt", "1"),), dataset=dataset)
            return (await server.carry_out(wish))[wish.question]

        for report in await asyncio.gather(*map(described, owners)):
            assert isinstance(report, Report)
            assert report.datasets == {dataset.short_digest}
