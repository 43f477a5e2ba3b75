"""Which cluster and namespace a command is about, and which objects a file holds."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from treadle.cli import complete, main
from treadle.cli._place import CommandError, Place, find_place
from treadle.cli._plan import read_manifests
from treadle.engine import Access

CONFIG: dict[str, Any] = {"current-context": "b", "contexts": [{"name": "a", "context": {}}, {"name": "b", "context": {"namespace": "retail"}}]}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / ".kube" / "config"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(CONFIG))
    return path


def test_options_win_over_the_environment_and_that_over_home(kubeconfig: Path, tmp_path: Path) -> None:
    assert find_place(None, None, None, tmp_path) == Place(str(kubeconfig), "retail", "b")
    assert find_place(None, None, f"{kubeconfig}:/other", Path("/nowhere")) == Place(str(kubeconfig), "retail", "b")
    assert find_place(str(kubeconfig), "mine", "/other", Path("/nowhere")) == Place(str(kubeconfig), "mine", "b")


async def test_several_kubeconfigs_are_one_as_kubectl_reads_them(tmp_path: Path) -> None:
    """The context is named in the first file, described in the second, and the third's word comes too late."""
    cluster = {"name": "c", "cluster": {"server": "https://api.example:6443"}}
    context = {"name": "b", "context": {"namespace": "retail", "cluster": "c", "user": "u"}}
    files = [
        {"current-context": "b"},
        {"clusters": [cluster], "users": [{"name": "u", "user": {}}], "contexts": [context]},
        {"current-context": "a", "contexts": [{"name": "b", "context": {"namespace": "other"}}]},
    ]
    paths = [tmp_path / str(number) for number in range(len(files))]
    for path, content in zip(paths, files, strict=True):
        path.write_text(yaml.safe_dump(content))
    place = find_place(None, None, ":".join(["/nowhere", *map(str, paths)]), Path("/nowhere"))
    assert place == Place(":".join(map(str, paths)), "retail", "b")
    assert (await Access(place.kubeconfig, place.context).load()).server == "https://api.example:6443"


def test_a_context_without_a_namespace_means_default(kubeconfig: Path, tmp_path: Path) -> None:
    kubeconfig.write_text(yaml.safe_dump(CONFIG | {"current-context": "a"}))
    assert find_place(None, None, None, tmp_path).namespace == "default"


def test_a_missing_kubeconfig_is_told_with_its_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="set KUBECONFIG or --kubeconfig"):
        find_place(None, None, None, tmp_path)
    assert main(["status", "--kubeconfig", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("error: cannot read the kubeconfig")


def test_another_context_brings_its_own_namespace(kubeconfig: Path, tmp_path: Path) -> None:
    contexts = [*CONFIG["contexts"], {"name": "c", "context": {"namespace": "vision"}}]
    kubeconfig.write_text(yaml.safe_dump(CONFIG | {"contexts": contexts}))
    assert find_place(None, None, None, tmp_path, context="c") == Place(str(kubeconfig), "vision", "c")
    assert find_place(None, "mine", None, tmp_path, context="c") == Place(str(kubeconfig), "mine", "c")


def test_a_context_that_is_not_there_is_told_with_those_that_are(kubeconfig: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match=r"has no context x: use one of those there \(a, b\)"):
        find_place(None, None, None, tmp_path, context="x")
    assert main(["status", f"--kubeconfig={kubeconfig}", "--context=x"]) == 1
    assert capsys.readouterr().err.startswith("error: the kubeconfig")


def test_a_kubeconfig_without_contexts_is_told_and_completes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("apiVersion: v1\nkind: Config\nclusters: []\n")
    assert main(["status", f"--kubeconfig={tmp_path / 'config'}"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: no way to the API server")
    assert "Traceback" not in told
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert complete(["approve", ""]) == 0
    assert capsys.readouterr().out == ":4\n"


def config(**differs: Any) -> dict[str, Any]:
    """A kubeconfig that is whole but for what is given."""
    return {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **differs.pop("cluster", {})}}],
        "users": [{"name": "u", "user": differs.pop("user", {})}],
        **differs,
    }


@pytest.mark.parametrize(
    "broken",
    [
        config(contexts="a"),
        config(contexts=["a"]),
        config(contexts={"a": {}}),
        config(contexts=[{"name": "a", "context": "a"}]),
        config(cluster={"server": 5}),
        config(cluster={"certificate-authority-data": "YWJj"}),
        config(user={"client-certificate-data": "YWJj", "client-key-data": "YWJj"}),
        config(user={"auth-provider": {"name": "gcp"}}),
        config(user="u"),
    ],
    ids=str,
)
def test_a_kubeconfig_that_cannot_be_used_is_told_and_not_traced(broken: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config").write_text(yaml.safe_dump(broken))
    assert main(["status", f"--kubeconfig={tmp_path / 'config'}"]) == 1
    assert capsys.readouterr().err.startswith("error: no way to the API server")


def test_in_a_pod_its_service_account_is_enough(kubeconfig: Path, tmp_path: Path) -> None:
    pod = tmp_path / "serviceaccount"
    pod.mkdir()
    (pod / "token").write_text("t")
    (pod / "namespace").write_text("ci\n")
    nobody = tmp_path / "nobody"
    assert find_place(None, None, None, nobody, pod=pod) == Place(None, "ci")
    assert find_place(None, "mine", None, nobody, pod=pod) == Place(None, "mine")
    assert find_place(None, None, None, tmp_path, pod=pod) == Place(str(kubeconfig), "retail", "b"), "who has a kubeconfig means it"
    assert find_place(str(kubeconfig), None, None, nobody, pod=pod).kubeconfig == str(kubeconfig)


def test_a_kubeconfig_that_is_no_yaml_is_told(kubeconfig: Path) -> None:
    kubeconfig.write_text("{")
    with pytest.raises(CommandError, match="is not YAML"):
        find_place(str(kubeconfig), None, None, Path("/nowhere"))


RUN = "apiVersion: treadle.dev/v1alpha1\nkind: TrainingRun\nmetadata: {name: a}\nspec: {image: b}\n"


def test_only_objects_of_ours_are_planned_in_the_namespace_of_the_command() -> None:
    text = f"{RUN}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\n---\n{RUN.replace('{name: a}', '{name: d, namespace: other}')}"
    assert [this["metadata"] for this in read_manifests(text, "retail")] == [
        {"name": "a", "namespace": "retail"},
        {"name": "d", "namespace": "other"},
    ]


def test_a_list_is_opened() -> None:
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(RUN)]})
    assert [this["metadata"]["name"] for this in read_manifests(text, "retail")] == ["a"]


@pytest.mark.parametrize("text", ["", "a: b", "- 1", "[", "kind: TrainingRun"])
def test_a_file_without_our_objects_is_told(text: str) -> None:
    with pytest.raises(CommandError, match="the file"):
        read_manifests(text, "retail")
