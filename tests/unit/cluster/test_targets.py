"""Where Treadle is brought up: what is missing is said before anything takes minutes, and only what the demo made is removed."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from e2e.cluster import Problem, preflight
from e2e.environment import existing, things
from e2e.environment.existing import Existing, choose
from e2e.environment.target import Embedded, Kind, Target


def little_room(wanted: int) -> None:
    raise Problem(f"{wanted} GB are wanted")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Embedded("check"), "GB are wanted"),
        (Kind("check"), "`kind` is not installed"),
        (Existing(Path("kubeconfig")), "set TREADLE_REGISTRY"),
    ],
    ids=["embedded", "kind", "existing"],
)
def test_what_is_missing_is_told_before_any_image_is_built(target: Target, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(preflight, "check_room", little_room)
    monkeypatch.setattr(things, "built", lambda *_: begun.append("images"))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TREADLE_REGISTRY", raising=False)
    with pytest.raises(Problem, match=words):
        things.prepare(target, begun.append)
    assert begun == []


@pytest.mark.parametrize("own", [Embedded("check"), Kind("check")], ids=["embedded", "kind"])
def test_the_file_that_the_demo_exports_still_means_its_own_cluster(own: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(own.kubeconfig))
    chosen = choose("check")
    assert type(chosen) is type(own)
    assert chosen.kubeconfig == own.kubeconfig


def test_any_other_file_means_a_cluster_that_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert isinstance(choose("check"), Existing)


KINDS = ("annotationprojects.treadle.dev", "modeldeployments.treadle.dev", "trainingruns.treadle.dev")


class Somewhere:
    """What `kubectl` and `helm` are told in somebody's cluster, and what they answer."""

    def __init__(self, installation: str = "", release: str = "treadle", objects: str = "", made: Sequence[str] = existing.NAMESPACES) -> None:
        self.installation, self.objects, self.made = installation, objects, made
        self.annotations = {"meta.helm.sh/release-name": release, "meta.helm.sh/release-namespace": "treadle-system"} if release else {}
        self.removed: list[str] = []

    def kubectl(self, target: Target, *words: str, timeout: float = 60) -> str:
        match words:
            case ("get", "configmap", *_):
                return f"id: {self.installation}" if self.installation else ""
            case ("get", *_):
                return self.objects
            case ("delete", kind, *names):
                self.removed += [f"{kind} {name}" for name in names if not name.startswith("-")]
        return ""

    def get(self, target: Target, *words: str) -> dict[str, object]:
        if words == ("namespaces",):
            labels = {name: {"app.kubernetes.io/part-of": "treadle-demo"} if name in self.made else {} for name in (*existing.NAMESPACES, "team-a")}
            return {"items": [{"metadata": {"name": name, "labels": labels[name]}} for name in labels]}
        found = [{"metadata": {"name": name, "annotations": self.annotations}} for name in (*KINDS, "jobsets.jobset.x-k8s.io")]
        answer: dict[str, object] = json.loads(json.dumps({"items": found}))
        return answer

    def run(self, *command: str, timeout: float = 60) -> str:
        self.removed.append(" ".join(["helm", *command[1:3]]))
        return ""


OWN = ["namespace treadle-demo", "namespace treadle-demo-services"]
RELEASED = ["helm uninstall treadle", "namespace treadle-system"]
DEFINITIONS = [f"customresourcedefinitions {name}" for name in ("annotationprojects.treadle.dev", "trainingruns.treadle.dev", KINDS[1])]


@pytest.mark.parametrize(
    ("somewhere", "removed", "told"),
    [
        (Somewhere("demo"), [*OWN, *RELEASED, *DEFINITIONS], "the images that were pushed"),
        (Somewhere("demo", objects="team-a   theirs\n"), [*OWN, *RELEASED], "are left in team-a: the definitions of the kinds stay"),
        (Somewhere("demo", release="theirs"), [*OWN, *RELEASED], "are not the demo's: they stay"),
        (Somewhere("demo", release=""), [*OWN, *RELEASED], "are not the demo's: they stay"),
        (Somewhere("demo", made=["treadle-demo", "team-a"]), [OWN[0], RELEASED[0], *DEFINITIONS], "treadle-system is not the demo's: it stays"),
        (Somewhere(made=[]), [], "treadle-demo is not the demo's: it stays"),
        (Somewhere("production"), OWN, "installed as production, which is not the demo's: it stays"),
        (Somewhere(), OWN, "no Treadle of the demo"),
    ],
    ids=[
        "all",
        "objects of others",
        "definitions of others",
        "definitions of nobody",
        "namespaces of others",
        "all of others",
        "an installation of others",
        "nothing installed",
    ],
)
def test_of_a_cluster_of_others_only_what_the_demo_made_is_removed(
    somewhere: Somewhere, removed: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(existing, "kubectl", somewhere.kubectl)
    monkeypatch.setattr(existing, "get", somewhere.get)
    monkeypatch.setattr(existing, "run", somewhere.run)
    monkeypatch.setattr(existing, "tool", lambda name: name)
    Existing(Path("kubeconfig")).down(said.append)
    assert sorted(somewhere.removed) == sorted(removed)
    assert any(told in line for line in said), said


def test_an_installation_of_others_is_not_turned_into_the_demos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREADLE_REGISTRY", "registry.example")
    monkeypatch.setattr(existing, "kubectl", Somewhere("production").kubectl)
    with pytest.raises(Problem, match="as production: give the demo another cluster"):
        Existing(Path("kubeconfig")).check(lambda line: None)


def test_a_namespace_of_others_is_not_used_for_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    somewhere = Somewhere(made=["treadle-system"])
    monkeypatch.setenv("TREADLE_REGISTRY", "registry.example")
    monkeypatch.setattr(existing, "kubectl", somewhere.kubectl)
    monkeypatch.setattr(existing, "get", somewhere.get)
    with pytest.raises(Problem, match="There is treadle-demo already, which the demo did not make"):
        Existing(Path("kubeconfig")).check(lambda line: None)
    somewhere.made = existing.NAMESPACES
    Existing(Path("kubeconfig")).check(lambda line: None)
