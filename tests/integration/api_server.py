"""What the API tests share: an API server with the CRDs, asked over plain HTTP, and objects that are changed in one place."""

import base64
import copy
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import yaml

from e2e.cluster import Cluster
from treadle.api.crd import build_crd
from treadle.api.kinds import KINDS

REPOSITORY = Path(__file__).parents[2]
GROUP_PATH = "/apis/treadle.dev/v1alpha1"
MISSING = object()
"""As a value: the field is taken away."""

Object = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """An object that is refused, and why; and its like that is accepted, once the advice of the message was followed.

    Attributes:
        what: is tried.
        bad: changes by path (`spec.env.0.name`) that make a good object bad.
        message: part of what the API server says to it.
        good: changes that make it good again; empty where that would say nothing.
        before: changes of the object that exists, for rules about updates.
    """

    what: str
    bad: Mapping[str, Any]
    message: str
    good: Mapping[str, Any] = field(default_factory=dict)
    before: Mapping[str, Any] | None = None


class ApiServer:
    """The API server, as a client that keeps what it creates only when asked to."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.client = httpx.Client(base_url=cluster.server, verify=_context(Path(cluster.kubeconfig)), timeout=20)

    def collection(self, this: Object) -> str:
        """The path of the collection of an object's kind."""
        plural = next(kind.plural for kind in KINDS if kind.kind == this["kind"])
        return f"{GROUP_PATH}/namespaces/{self.namespace}/{plural}"

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """kubectl in the module's namespace."""
        return self.cluster.kubectl(f"--namespace={self.namespace}", *words, stdin=stdin)

    def create(self, this: Object, *, keep: bool = False) -> tuple[int, Object]:
        """POST with strict validation: the status code and the answer."""
        answer = self.client.post(self.collection(this), params={"fieldValidation": "Strict"} | ({} if keep else {"dryRun": "All"}), json=this)
        return answer.status_code, answer.json()

    def replace(self, this: Object) -> tuple[int, Object]:
        """PUT with strict validation, as a dry run."""
        path = f"{self.collection(this)}/{this['metadata']['name']}"
        answer = self.client.put(path, params={"fieldValidation": "Strict", "dryRun": "All"}, json=this)
        return answer.status_code, answer.json()

    def delete(self, this: Object) -> None:
        """DELETE; gone or not."""
        self.client.delete(f"{self.collection(this)}/{this['metadata']['name']}")

    def refuses(self, base: Object, case: Case) -> str:
        """What the API server says to the bad object of `case`; empty when it takes it."""
        return self._says(changed(base, case.bad), base, case)

    def accepts(self, base: Object, case: Case) -> str:
        """What the API server says against the good object of `case`; empty when it takes it."""
        return self._says(changed(base, case.good), base, case)

    def _says(self, wanted: Object, base: Object, case: Case) -> str:
        if case.before is None:
            code, answer = self.create(wanted)
        else:
            code, existing = self.create(changed(base, case.before), keep=True)
            assert code == 201, existing["message"]
            try:
                code, answer = self.replace(wanted | {"metadata": existing["metadata"]})
            finally:
                self.delete(existing)
        return "" if code in (200, 201) else str(answer["message"])


@pytest.fixture(scope="module")
def api_server(control_plane: Cluster) -> ApiServer:
    """An API server with Treadle's CRDs, and a namespace for the module."""
    namespace = f"api-{uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", namespace)
    return ApiServer(control_plane, namespace)


def sample(file: str, kind: str) -> Object:
    """The object of `kind` in a file of `manifests/samples`."""
    found: Object = next(this for this in samples(file) if this["kind"] == kind)
    return found


def samples(file: str = "*.yaml") -> list[Object]:
    """The objects in files of `manifests/samples`."""
    return [this for path in sorted((REPOSITORY / "manifests/samples").glob(file)) for this in yaml.safe_load_all(path.read_text())]


def changed(base: Object, changes: Mapping[str, Any]) -> Object:
    """A copy of `base` with the values at these paths; steps that are missing are made."""
    this = copy.deepcopy(base)
    for path, value in changes.items():
        places: list[Any] = [int(step) if step.isdigit() else step for step in path.split(".")]
        *steps, last = places
        parent: Any = this
        for step in steps:
            parent = parent[step] if isinstance(parent, list) else parent.setdefault(step, {})
        if value is MISSING:
            del parent[last]
        else:
            parent[last] = value
    return this


def rules(kind: str) -> set[str]:
    """The messages of all rules in the CRD of `kind`."""
    crd = build_crd(next(known for known in KINDS if known.kind == kind))
    return set(_messages(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))


def _messages(schema: Object) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield rule["message"]
    for child in [*schema.get("properties", {}).values(), *(schema[word] for word in ("items", "additionalProperties") if word in schema)]:
        yield from _messages(child)


def _context(kubeconfig: Path) -> ssl.SSLContext:
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
    with tempfile.NamedTemporaryFile() as certificate:
        certificate.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
        certificate.flush()
        context.load_cert_chain(certificate.name)
    return context
