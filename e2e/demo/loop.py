"""The loop, driven from outside as its users do: data into the store, three YAML files, two people who annotate, others who use the served model."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from e2e.cluster import Problem
from e2e.demo.answer import Answers, ask
from e2e.demo.stations import FIRST_TURN, Objects, Station
from e2e.demo.view import View
from e2e.environment import DEMO_NAMESPACE, Target, tenant_secrets
from e2e.environment.target import get, kubectl, namespace
from manifests.demo.data.digits import held_out, scanned_held_out

DEMO = Path(__file__).resolve().parents[2] / "manifests" / "demo"
NAMESPACE = DEMO_NAMESPACE
PATIENCE = 15 * 60
KINDS = "annotationprojects,trainingruns,modeldeployments"


class Loop:
    """The loop in one namespace."""

    def __init__(self, target: Target, images: Mapping[str, str], view: View, namespace: str = NAMESPACE) -> None:
        self.target, self.images, self.view, self.namespace = target, images, view, namespace

    def bring_data(self) -> None:
        """Make the namespace as a platform team would, and put the images into the object store."""
        self._apply(namespace(self.namespace))
        tenant_secrets(self.target, self.namespace)
        self._apply(self._manifest(DEMO / "data" / "job.yaml"))
        self._wait_for_job("digits-data")

    def apply(self) -> None:
        """`kubectl apply` the three files."""
        for name in ("project", "run", "deployment"):
            self.view.say(f"kubectl apply -f manifests/demo/loop/{name}.yaml")
            self._apply(self._manifest(DEMO / "loop" / f"{name}.yaml"))

    def start_annotators(self) -> None:
        """Two people sit down and annotate, in a Job of their own. Who sits there already begins anew, and goes on where they were."""
        self._leave("annotators")
        self._apply(self._manifest(DEMO / "annotators" / "job.yaml"))

    def start_visitors(self) -> None:
        """People begin to use the served model, with digits from another scanner, and go on until they are stopped."""
        self._leave("visitors")
        self._apply(self._manifest(DEMO / "visitors" / "job.yaml"))

    def visits(self) -> dict[str, Any]:
        """How it went for them so far."""
        said = kubectl(self.target, "logs", "job/visitors", f"--namespace={self.namespace}", "--tail=1").strip()
        return dict(json.loads(said)) if said else {"requests": 0, "failed": 0, "first": [], "versions": {}}

    def stop_visitors(self) -> None:
        """They leave."""
        self._leave("visitors")

    def follow(self, stations: Sequence[Station] = FIRST_TURN, then: str = "answer") -> None:
        """Show each station until it is reached. `then`: what comes after the last one.

        Raises:
            Problem: a station is not reached in time; the text holds the operator's words.
        """
        for number, station in enumerate(stations):
            follows = stations[number + 1].name if number + 1 < len(stations) else then
            self.view.begin(station.name, f"{station.kind} {station.object}", follows)
            deadline = time.monotonic() + PATIENCE
            while True:
                reached, said = station.look(self.objects())
                if reached:
                    break
                self.view.say(said)
                if time.monotonic() > deadline:
                    raise Problem(
                        f"{station.name} was not reached in {PATIENCE // 60} min: {said} (kubectl -n {self.namespace} describe {station.kind})"
                    )
                time.sleep(1)
            self.view.finish(station.name, said)

    def ask_held_out(self) -> Answers:
        """Send every held-out image to the model and compare its answers with the truth."""
        return ask(self.target, self.namespace, "digits", held_out())

    def ask_scanned(self) -> Answers:
        """The same with images from the other scanner that visitors do not send. What comes back of them is too late for a version that is there."""
        return ask(self.target, self.namespace, "digits", scanned_held_out())

    def status(self, kind: str, name: str) -> dict[str, Any]:
        """Of one object, live."""
        found: dict[str, Any] = dict(self.objects()[kind, name]["status"])
        return found

    def objects(self) -> Objects:
        """Every Treadle object of the namespace, live."""
        items: list[dict[str, Any]] = get(self.target, KINDS, f"--namespace={self.namespace}")["items"]
        return {(item["kind"], item["metadata"]["name"]): item for item in items}

    def _manifest(self, path: Path) -> str:
        return path.read_text().replace("treadle.local/demo-train:0.1.0", self.images["demo-train"])

    def _apply(self, manifest: str) -> None:
        kubectl(self.target, "apply", f"--namespace={self.namespace}", "--filename=-", stdin=manifest)

    def _leave(self, people: str) -> None:
        kubectl(self.target, "delete", "job", people, f"--namespace={self.namespace}", "--ignore-not-found", "--timeout=50s")

    def _wait_for_job(self, name: str) -> None:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            status = get(self.target, "job", name, f"--namespace={self.namespace}").get("status", {})
            ended = {c["type"] for c in status.get("conditions", ()) if c["status"] == "True"}
            if "Complete" in ended:
                return
            if "Failed" in ended:
                break
            time.sleep(0.5)
        raise Problem(f"Job {name} did not succeed:\n{kubectl(self.target, 'logs', f'job/{name}', f'--namespace={self.namespace}', '--tail=20')}")
