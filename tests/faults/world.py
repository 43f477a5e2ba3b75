"""Where everything goes wrong: the real servers, a proxy before each of them, one operator that knows only the proxies, and a kubelet."""

import asyncio
import json
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import Cluster
from tests.crash import programs
from tests.faults.access import Pass, access
from tests.faults.grounds import Grounds
from tests.faults.kubelet import Kubelet
from tests.faults.misdeeds import Fault, answers
from tests.faults.operator import OperatorProcess, operator_process
from tests.faults.proxy import Proxy, proxy
from tests.integration import loopback
from tests.integration.control_plane import Place, place_in
from tests.integration.servers import LabelStudioServer, S3Server
from treadle.engine import Access, KubernetesCluster, Wire
from treadle.plan import Object

LOOK = 0.3
TOKEN = "token-of-the-operator-for-mlflow"
WRONG = "nobody-has-this-token"
SESSION = "secret-of-a-session"
"""What a redirect carries along."""


class System(StrEnum):
    """What can break."""

    API_SERVER = "API server"
    MLFLOW = "MLflow"
    LABEL_STUDIO = "Label Studio"
    S3 = "S3"


@dataclass
class Keys:
    """What tenants' Secrets hold: the keys of their store, which a test may spoil."""

    s3: S3Server
    label_studio_token: str
    spoilt: bool = False

    def __call__(self, secret: str, key: str) -> str:
        """See `Secrets`."""
        if key == "AWS_ACCESS_KEY_ID":
            return "nobody" if self.spoilt else self.s3.access_key
        return self.s3.secret_key if key == "AWS_SECRET_ACCESS_KEY" else self.label_studio_token


@dataclass(frozen=True, kw_only=True)
class World(Grounds):
    """One namespace with everything around it.

    Attributes:
        place: the namespace in its cluster.
        proxies: what the operator, and our Jobs, know of each system.
        elsewhere: a server that must hear no credentials.
        passport: the operator's token for the API server.
        folder: where files of the operator and its Jobs are.
        standing: names of the objects that were set up once and are there ever since.
    """

    place: Place
    operator: OperatorProcess
    kubelet: Kubelet
    keys: Keys
    proxies: Mapping[System, Proxy]
    elsewhere: Proxy
    passport: Pass
    mlflow: str
    label_studio: LabelStudioServer
    s3: S3Server
    folder: Path
    standing: set[str] = field(default_factory=set)

    @property
    def cluster(self) -> Cluster:
        """Whose API server it is."""
        return self.place.cluster

    async def until(self, what: str, kind: str, name: str, true: Callable[[Object], object], seconds: float) -> Object:
        """Wait until an object is as wanted; returns it.

        Raises:
            AssertionError: it was not in time; with its status instead.
        """
        this: Object | None = None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            this = await self.get(kind, name)
            if this is not None and true(this):
                return this
            await asyncio.sleep(LOOK)
        raise AssertionError(f"not within {seconds:.0f} s: {name} {what}: {json.dumps((this or {}).get('status'))[:1500]}")

    def made(self, since: int) -> Counter[str]:
        """How often the operator made each object since the audit log had that size."""
        found: Counter[str] = Counter()
        for event in self.cluster.audit_events(user=self.passport.user, offset=since):
            ref, code = event.get("objectRef") or {}, (event.get("responseStatus") or {}).get("code")
            if event["verb"] == "create" and code == 201 and "subresource" not in ref and ref.get("resource") not in ("events", "leases"):
                name = ref.get("name") or (event.get("requestObject") or {}).get("metadata", {}).get("name", "")
                found[f"{ref['resource']}/{name}"] += 1
        return found

    async def leaks(self) -> list[str]:
        """Credentials where users, or other hosts, can read them."""
        kinds = ("TrainingRun", "AnnotationProject", "ModelDeployment")
        told = json.dumps([this.get("status") for kind in kinds for this in await self.all(kind)])
        told += await asyncio.to_thread(self.place.kubectl, "get", "events", "--output=json")
        secrets = (TOKEN, WRONG, SESSION, self.label_studio.token, self.s3.access_key, self.s3.secret_key)
        headers = [heard.headers for heard in self.elsewhere.heard]
        return [f"{secret[:4]}... is told" for secret in secrets if secret in told] + [
            "credentials went elsewhere" for names in headers if "authorization" in {name.lower() for name in names}
        ]

    def spoil_label_studio_token(self, *, spoilt: bool) -> None:
        """Let the operator's token be wrong, or right again."""
        (self.folder / "label-studio-token").write_text(WRONG if spoilt else self.label_studio.token)


@asynccontextmanager
async def opened(cluster: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, folder: Path) -> AsyncIterator[World]:
    """A world, with an operator at work, while the block runs."""
    place = place_in(cluster)
    upstreams = {System.MLFLOW: mlflow, System.LABEL_STUDIO: label_studio.url, System.S3: s3.endpoint}
    trust = ssl.create_default_context(cafile=str(cluster.layout.pki / "ca.crt"))
    with ExitStack() as stack:
        proxies = {system: stack.enter_context(proxy(url)) for system, url in upstreams.items()}
        proxies[System.API_SERVER] = stack.enter_context(proxy(cluster.server, trust=trust))
        elsewhere = stack.enter_context(proxy("http://127.0.0.1:9"))
        elsewhere.set(Fault(answers(200, "{}")))
        passport = access(place, proxies[System.API_SERVER].url, folder)
        config = _configured(folder, place, proxies, label_studio)
        async with AsyncExitStack() as running:
            admin = KubernetesCluster(Wire(Access(str(cluster.kubeconfig))))
            running.push_async_callback(admin.close)
            await programs.warm_up()
            keys = Keys(s3, label_studio.token)
            kubelet = Kubelet(Grounds(admin=admin, namespace=place.namespace), folder, keys)
            await running.enter_async_context(kubelet.running())
            with operator_process(passport.kubeconfig, config, place.namespace, folder) as operator:
                await asyncio.to_thread(operator.wait_for_lead)
                yield World(
                    admin=admin,
                    namespace=place.namespace,
                    place=place,
                    operator=operator,
                    kubelet=kubelet,
                    keys=keys,
                    proxies=proxies,
                    elsewhere=elsewhere,
                    passport=passport,
                    mlflow=mlflow,
                    label_studio=label_studio,
                    s3=s3,
                    folder=folder,
                )


def _configured(folder: Path, place: Place, proxies: Mapping[System, Proxy], label_studio: LabelStudioServer) -> Path:
    (folder / "mlflow-token").write_text(TOKEN)
    (folder / "label-studio-token").write_text(label_studio.token)
    connections: dict[str, dict[str, Any]] = {
        "mlflow": {"url": proxies[System.MLFLOW].url, "tokenFile": str(folder / "mlflow-token"), "experimentPrefix": "{namespace}."},
        "labelStudio": {"url": proxies[System.LABEL_STUDIO].url, "tokenFile": str(folder / "label-studio-token")},
        "store": {"endpoint": proxies[System.S3].url},
    }
    content = {
        "id": place.namespace,
        "images": {"jobs": "registry.example/jobs:1", "runtime": "registry.example/runtime:1"},
        "namespaces": [place.namespace],
        "connections": {system: {"default": settings} for system, settings in connections.items()},
    }
    config = folder / "installation.yaml"
    config.write_text(yaml.safe_dump(content))
    return config


def tracked_runs(world: World) -> dict[str, list[str]]:
    """Status of each run in MLflow that is ours, by the name of the TrainingRun."""
    found: dict[str, list[str]] = {}
    with loopback.Client(base_url=f"{world.mlflow}/api/2.0/mlflow", timeout=30) as http:
        experiments = http.post("/experiments/search", json={"max_results": 1000}).json().get("experiments", [])
        ours = [e["experiment_id"] for e in experiments if e["name"].startswith(f"{world.namespace}.")]
        for run in http.post("/runs/search", json={"experiment_ids": ours, "max_results": 1000}).json().get("runs", []) if ours else ():
            found.setdefault(run["info"]["run_name"], []).append(run["info"]["status"])
    return found


def labelling_projects(world: World) -> dict[str, list[int]]:
    """How many tasks each project of ours in Label Studio has, by the name of the AnnotationProject."""
    found: dict[str, list[int]] = {}
    headers = {"Authorization": f"Token {world.label_studio.token}"}
    query: dict[str, str | int] = {"page_size": 1000, "include": "id,title,task_number"}
    answer = loopback.get(f"{world.label_studio.url}/api/projects/", params=query, headers=headers, timeout=30)
    for project in answer.json()["results"]:
        if f"({world.namespace})" in project["title"]:
            found.setdefault(project["title"].partition(" ")[0], []).append(project["task_number"])
    return found
