"""GitOps tools as far as health goes: Argo CD's Lua and actions in Lua 5.1 without libraries, kstatus, and Flux's CEL."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cel
import yaml
from lupa import lua51

HERE = Path(__file__).parents[1] / "manifests" / "gitops"
CUSTOMIZATIONS = HERE / "argocd" / "resource_customizations" / "treadle.dev"


def argo_health(this: Any) -> Mapping[str, Any]:
    """What Argo CD says of an object: `status` and `message`."""
    return dict(run(CUSTOMIZATIONS / this["kind"] / "health.lua", this))


def argo_actions(this: Any) -> dict[str, Any]:
    """The actions that Argo CD offers for an object, by name."""
    return _plain(run(CUSTOMIZATIONS / this["kind"] / "actions" / "discovery.lua", this)) or {}


def argo_action(this: Any, name: str) -> Any:
    """The object as an action leaves it."""
    return _plain(run(CUSTOMIZATIONS / this["kind"] / "actions" / name / "action.lua", this))


def run(path: Path, this: Any) -> Any:
    """What a script returns of an object: Argo CD gives it `obj`, and only the basic functions."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    for library in ("io", "os", "package", "require", "debug", "dofile", "loadfile", "python", "coroutine"):
        lua.globals()[library] = None
    lua.globals()["obj"] = lua.table_from(this, recursive=True)
    return lua.execute(path.read_text())


def _plain(value: Any) -> Any:
    """A table as a list or mapping; an empty one as a mapping."""
    if lua51.lua_type(value) != "table":
        return value
    keys = list(value.keys())
    if keys and keys == list(range(1, len(keys) + 1)):
        return [_plain(value[key]) for key in keys]
    return {str(key): _plain(value[key]) for key in keys}


def kstatus(this: Any) -> str:
    """What kstatus says of an object: its generic rules, in their order."""
    metadata, status = this["metadata"], this.get("status") or {"observedGeneration": -1}
    said = {condition["type"]: condition["status"] for condition in status.get("conditions", ())}
    if "deletionTimestamp" in metadata:
        return "Terminating"
    if status.get("observedGeneration", metadata["generation"]) != metadata["generation"]:
        return "InProgress"
    if said.get("Reconciling") == "True":
        return "InProgress"
    if said.get("Stalled") == "True":
        return "Failed"
    return {"True": "Current", None: "Current"}.get(said.get("Ready"), "InProgress")


@cache
def flux_checks() -> Mapping[str, Mapping[str, str]]:
    """Flux's expressions, by kind."""
    text = yaml.safe_load((HERE / "flux" / "kustomization.yaml").read_text())
    return {check["kind"]: check for check in text["spec"]["healthCheckExprs"]}


def flux_health(this: Any) -> str:
    """What Flux says of an object: the first expression that holds, in progress when none does."""
    if "deletionTimestamp" in this["metadata"]:
        return "Terminating"
    known = {"metadata": this["metadata"], "spec": this["spec"], "status": this.get("status") or {"observedGeneration": -1}}
    for field, word in (("inProgress", "InProgress"), ("failed", "Failed"), ("current", "Current")):
        expression = flux_checks()[this["kind"]].get(field)
        if expression and cel.evaluate(expression, known):
            return word
    return "InProgress"


def write_tests() -> None:
    """Write each kind's health_test.yaml as Argo CD's own tests read it, from the test data and what the Lua says of it: review the difference."""
    for folder in sorted(path for path in CUSTOMIZATIONS.iterdir() if path.is_dir()):
        tests = [
            {"healthStatus": dict(sorted(argo_health(yaml.safe_load(path.read_text())).items())), "inputPath": f"testdata/{path.name}"}
            for path in sorted((folder / "testdata").glob("*.yaml"))
        ]
        (folder / "health_test.yaml").write_text(yaml.safe_dump({"tests": tests}, sort_keys=True, width=220, allow_unicode=True))


if __name__ == "__main__":
    write_tests()
