"""MLflow's REST API, as far as Treadle uses it: one method per call, errors as Trouble, absence as None."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from treadle.api.reasons import Reason
from treadle.connections._http import JsonClient, Reply, read_token
from treadle.connections._mlflow_answers import (
    Done,
    Download,
    Experiment,
    Experiments,
    MadeExperiment,
    Model,
    Models,
    OneExperiment,
    OneRun,
    OneVersion,
    Run,
    Runs,
    Version,
    Versions,
)
from treadle.connections.installation import MlflowSettings
from treadle.plan import Trouble

API = "/api/2.0/mlflow"
ABSENT = "RESOURCE_DOES_NOT_EXIST"
EXISTS = "RESOURCE_ALREADY_EXISTS"
PAGE = 100
"""Runs per search: an IN-list of 100 costs 55 ms, of 500 already half a second."""

PAGES = 1000
"""Pages of a listing; a server that has still more is not in its right mind."""

Pairs = Mapping[str, str]
Answer = TypeVar("Answer", bound=BaseModel)


class Refused(Trouble):
    """MLflow understood the request and does not want it: what was asked is wrong, not the connection."""


class TokenAuth(httpx.Auth):
    """Credentials from the mounted file, read anew for each request: Bearer, or Basic when a user name is configured."""

    def __init__(self, settings: MlflowSettings) -> None:
        self._settings = settings

    def auth_flow(self, request: httpx.Request) -> Any:
        """See `httpx.Auth`."""
        token = read_token(self._settings.token_file)
        if self._settings.username:
            yield from httpx.BasicAuth(self._settings.username, token).auth_flow(request)
            return
        request.headers["authorization"] = f"Bearer {token}"
        yield request


class MlflowApi:
    """One tracking server and registry."""

    def __init__(self, settings: MlflowSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        auth = TokenAuth(settings) if settings.token_file else None
        self._http = JsonClient("MLflow", settings.url, auth=auth, ca_file=settings.ca_file, transport=transport)

    async def close(self) -> None:
        """Close sockets."""
        await self._http.close()

    async def experiment(self, name: str) -> Experiment | None:
        """The experiment of this name, deleted ones included."""
        found = await self._get(OneExperiment, "experiments/get-by-name", absent=(ABSENT,), experiment_name=name)
        return found.experiment if found else None

    async def create_experiment(self, name: str) -> str:
        """Make an experiment; returns its id, also when somebody else was faster."""
        made = await self._post(MadeExperiment, "experiments/create", exists=True, name=name)
        if made is not None:
            return made.experiment_id
        found = await self.experiment(name)
        if found is None:
            raise self._http.trouble(Reason.UnexpectedAnswer, f"says that experiment {name} exists, and does not know it")
        return found.experiment_id

    async def experiment_ids(self) -> AsyncIterator[Sequence[str]]:
        """The ids of all active experiments, page by page."""
        fields: dict[str, Any] = {"max_results": PAGE}
        for _ in range(PAGES):
            page = self._required(await self._post(Experiments, "experiments/search", **fields), "experiments/search")
            if found := [experiment.experiment_id for experiment in page.experiments]:
                yield found
            if not page.next_page_token:
                return
            fields["page_token"] = page.next_page_token
        raise self._http.trouble(Reason.UnexpectedAnswer, f"has experiments without end: more than {PAGES} pages")

    async def search_runs(self, experiment_id: str, filter_: str, limit: int = PAGE) -> Sequence[Run]:
        """Active runs of an experiment that match, earliest first; at most `limit`."""
        return await self.search_runs_in([experiment_id], filter_, limit)

    async def search_runs_in(self, experiment_ids: Sequence[str], filter_: str, limit: int = PAGE) -> Sequence[Run]:
        """Active runs of some experiments that match, earliest first; at most `limit`."""
        page = await self._post(
            Runs,
            "runs/search",
            experiment_ids=list(experiment_ids),
            filter=filter_,
            max_results=limit,
            run_view_type="ACTIVE_ONLY",
            order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
        )
        return self._required(page, "runs/search").runs

    async def create_run(self, experiment_id: str, run_name: str, start_time: int, tags: Pairs) -> Run:
        """Make a run (times in milliseconds since 1970); it counts as RUNNING at once."""
        fields: dict[str, Any] = {"experiment_id": experiment_id, "run_name": run_name, "start_time": start_time, "tags": _pairs(tags)}
        return self._required(await self._post(OneRun, "runs/create", **fields), "runs/create").run

    async def log_batch(self, run_id: str, *, params: Pairs | None = None, tags: Pairs | None = None) -> None:
        """Log parameters and tags in one transaction."""
        await self._post(Done, "runs/log-batch", run_id=run_id, params=_pairs(params or {}), tags=_pairs(tags or {}))

    async def log_dataset(self, run_id: str, *, name: str, digest: str, uri: str) -> None:
        """Log a dataset as an input of a run. MLflow refuses it while another run logs the same one, and knows it once that is done."""
        source = json.dumps({"uri": uri})
        dataset = {"name": name, "digest": digest, "source_type": "treadle", "source": source}
        context = {"key": "mlflow.data.context", "value": "training"}
        fields: dict[str, Any] = {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": [context]}]}
        try:
            await self._post(Done, "runs/log-inputs", **fields)
        except Refused:
            await self._post(Done, "runs/log-inputs", **fields)

    async def run(self, run_id: str) -> Run | None:
        """A run by id, also a deleted one."""
        found = await self._get(OneRun, "runs/get", absent=(ABSENT,), run_id=run_id)
        return found.run if found else None

    async def update_run(self, run_id: str, status: str, end_time: int) -> None:
        """End a run."""
        await self._post(Done, "runs/update", run_id=run_id, status=status, end_time=end_time)

    async def logged_models(self, experiment_id: str, run_id: str) -> Sequence[Model]:
        """Models that a run logged."""
        filter_ = f"source_run_id = '{run_id}'"
        page = await self._post(Models, "logged-models/search", experiment_ids=[experiment_id], filter=filter_, max_results=50)
        return self._required(page, "logged-models/search").models

    async def create_model(self, name: str, tags: Pairs) -> None:
        """Make a registered model, unless there is one of this name."""
        await self._post(Done, "registered-models/create", exists=True, name=name, tags=_pairs(tags))

    async def alias(self, model: str, alias: str) -> Version | None:
        """The model version that an alias points at; absent also when there is no such model."""
        found = await self._get(OneVersion, "registered-models/alias", absent=(ABSENT, "INVALID_PARAMETER_VALUE"), name=model, alias=alias)
        return found.model_version if found else None

    async def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias at a version."""
        await self._post(Done, "registered-models/alias", name=model, alias=alias, version=version)

    async def version(self, model: str, version: str) -> Version | None:
        """A model version by number."""
        found = await self._get(OneVersion, "model-versions/get", absent=(ABSENT,), name=model, version=version)
        return found.model_version if found else None

    async def versions_of_run(self, model: str, run_id: str) -> Sequence[Version]:
        """The versions of a model that came from a run, lowest first."""
        filter_ = f"name = '{model}' and run_id = '{run_id}'"
        page = self._required(await self._get(Versions, "model-versions/search", filter=filter_, max_results=PAGE), "model-versions/search")
        return sorted(page.model_versions, key=lambda version: int(version.version))

    async def create_version(self, model: str, source: str, run_id: str, tags: Pairs) -> Version:
        """Make the next version of a model. A source `models:/m-...` is a logged model, which MLflow wants named a second time."""
        fields: dict[str, Any] = {"name": model, "source": source, "run_id": run_id, "tags": _pairs(tags)}
        scheme, _, model_id = source.partition(":/")
        if scheme == "models":
            fields["model_id"] = model_id
        return self._required(await self._post(OneVersion, "model-versions/create", **fields), "model-versions/create").model_version

    async def tag_version(self, model: str, version: str, key: str, value: str) -> None:
        """Set one tag of a version."""
        await self._post(Done, "model-versions/set-tag", name=model, version=version, key=key, value=value)

    async def download_uri(self, model: str, version: str) -> str:
        """Where the files of a version are; empty when the server does not say."""
        found = await self._get(Download, "model-versions/get-download-uri", absent=(ABSENT,), name=model, version=version)
        return found.artifact_uri if found else ""

    async def _get(self, kind: type[Answer], path: str, absent: tuple[str, ...] = (), **query: object) -> Answer | None:
        return self._judged(kind, path, await self._http.send("GET", f"{API}/{path}", query=query), absent)

    async def _post(self, kind: type[Answer], path: str, exists: bool = False, **body: object) -> Answer | None:
        return self._judged(kind, path, await self._http.send("POST", f"{API}/{path}", body=body), (EXISTS,) if exists else ())

    def _judged(self, kind: type[Answer], path: str, reply: Reply, expected: tuple[str, ...]) -> Answer | None:
        """The answer; None for an expected error code. Only the code proves absence: a 404 of a proxy must not."""
        if reply.ok and isinstance(reply.body, Mapping):
            return self._read(kind, path, reply.body)
        code = reply.body.get("error_code") if isinstance(reply.body, Mapping) else None
        if code in expected:
            return None
        words = str(reply.body.get("message") or reply.detail) if isinstance(reply.body, Mapping) else reply.detail
        first_line = next(iter(words.splitlines()), "")  # statements and their values may follow
        message = f"MLflow at {self._http.url} refused {path} ({reply.status} {code or ''}): {first_line}"
        raise Refused(Reason.UnexpectedAnswer, message, stalled=True) if code else Trouble(Reason.UnexpectedAnswer, message)

    def _read(self, kind: type[Answer], path: str, body: Mapping[str, Any]) -> Answer:
        try:
            return kind.model_validate(body)
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(step) for step in wrong["loc"])
            raise self._http.trouble(Reason.UnexpectedAnswer, f"answered {path} in a way not understood: {where}: {wrong['msg']}") from error

    def _required(self, answer: Answer | None, path: str) -> Answer:
        if answer is None:
            raise self._http.trouble(Reason.UnexpectedAnswer, f"answered {path} with nothing")
        return answer

    def deleted_experiment(self, name: str) -> Trouble:
        """The experiment is in MLflow's bin: it can be neither used nor made anew."""
        return self._http.trouble(Reason.UnexpectedAnswer, f'has experiment "{name}" deleted: restore it, or name another one', stalled=True)


def _pairs(values: Pairs) -> list[dict[str, Any]]:
    return [{"key": key, "value": value} for key, value in values.items()]
