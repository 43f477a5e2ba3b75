"""What went wrong in other operators, each as a test: the case is named, and what would let it happen here is looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stories.contract import APPLIES, CREATES
from tests.unit.chart.render import EVERYTHING, NAMESPACED, installed, of_kind, render
from treadle.api.crd import build_crd
from treadle.api.kinds import KINDS
from treadle.connections.installation import parse_installation
from treadle.plan import KINDS as TOUCHED

ROOT = Path(__file__).parents[3]
EVERY_WAY = pytest.mark.parametrize("values", [None, NAMESPACED, EVERYTHING], ids=["cluster", "namespaces", "everything"])


def fields(schema: Any, path: str = "spec") -> Iterator[tuple[str, Any]]:
    """Every field below a schema, with its path."""
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from fields(child, f"{path}.{name}")
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(inner, dict):
            yield from fields(inner, f"{path}[]")


def spec_fields() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in KINDS:
        schema = build_crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
        found |= {f"{kind.kind} {path}": child for path, child in fields(schema)}
    return found


FIELDS = spec_fields()
LEAVES = {path: path.rsplit(".", 1)[-1] for path in FIELDS}


def operator_rules(values: Any) -> Iterator[dict[str, Any]]:
    for role in (*of_kind(installed(render(values=values)), "ClusterRole"), *of_kind(installed(render(values=values)), "Role")):
        if "treadle.dev/role" not in role["metadata"]["labels"]:
            yield from role["rules"]


def test_no_reference_reaches_another_namespace() -> None:
    """aiven-operator CVE-2026-39961: a `namespace` field let a tenant read any Secret through the operator. external-secrets GHSA-fcxq-v2r3-cc8h."""
    assert [path for path, name in LEAVES.items() if "namespace" in name.lower()] == []


@EVERY_WAY
def test_the_operator_cannot_read_or_make_secrets_accounts_or_roles(values: Any) -> None:
    """external-secrets CVE-2024-45041, kubean CVE-2024-41820, kanister CVE-2024-43403, piraeus CVE-2024-33398: an over-wide role alone is a CVE.
    observability-operator CVE-2025-2843: an operator made an account with rights that tenants could use.
    """
    forbidden = {"secrets", "serviceaccounts", "serviceaccounts/token", "roles", "rolebindings", "clusterroles", "clusterrolebindings", "nodes", "*"}
    forbidden |= {"pods/exec", "pods/attach", "pods/portforward", "pods/log", "namespaces", "validatingwebhookconfigurations", "nodes/proxy"}
    for rule in operator_rules(values):
        assert not forbidden & set(rule["resources"]), rule
        assert not {"*", "escalate", "bind", "impersonate", "deletecollection"} & set(rule["verbs"]), rule


def test_the_operator_makes_no_secret_account_role_or_configuration() -> None:
    """external-secrets CVE-2026-42876: a Secret whose type a user chose minted an account's token."""
    made = set().union(*CREATES.values(), *APPLIES.values())
    assert made & {"Secret", "ConfigMap", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Pod"} == set()
    assert {"Secret", "ServiceAccount", "Role"} & set(TOUCHED) == set()


def test_no_field_takes_an_object_or_a_template_of_one() -> None:
    """gitops-operator CVE-2025-13888, capsule CVE-2026-22872: raw manifests were applied with the operator's rights."""
    open_ = [
        path for path, child in FIELDS.items() if child.get("x-kubernetes-preserve-unknown-fields") or child.get("x-kubernetes-embedded-resource")
    ]
    assert open_ == []
    assert [path for path, name in LEAVES.items() if name in {"podSpec", "podTemplate", "manifests", "objects", "raw"}] == []


def test_nobody_chooses_the_security_of_pods() -> None:
    """bundle-kubeflow#700: a notebook's user could make privileged pods. Every pod that any story builds is checked in tests/stories/contract.py."""
    chosen = {"securityContext", "privileged", "hostNetwork", "hostPID", "hostIPC", "hostPath", "hostPort", "hostUsers", "capabilities", "runAsUser"}
    chosen |= {"procMount", "seccompProfile", "automountServiceAccountToken", "initContainers", "sidecars"}
    assert {path for path, name in LEAVES.items() if name in chosen} == set()


def test_no_field_pairs_credentials_with_an_address() -> None:
    """Label Studio's SSRF issues, and operators that sent a token where a resource pointed: addresses of systems are the admin's alone."""
    addresses = {path for path, name in LEAVES.items() if re.search(r"url$|endpoint|host$|server|trackingUri", name, re.IGNORECASE)}
    assert addresses == set()


def test_users_without_rights_get_none_from_the_chart() -> None:
    """red-hat-data-services/ods-ci#2922: a role was bound to everybody who is logged in."""
    for values in (None, NAMESPACED, EVERYTHING):
        objects = render(values=values)
        for binding in (*of_kind(objects, "ClusterRoleBinding"), *of_kind(objects, "RoleBinding")):
            assert [subject["kind"] for subject in binding["subjects"]] == ["ServiceAccount"]
            assert binding["roleRef"]["name"] not in {"cluster-admin", "admin", "edit"}


def test_nothing_that_trains_or_tracks_is_exposed() -> None:
    """Ray CVE-2023-48022, MLflow CVE-2023-1177: unauthenticated job and tracking ports on the network. We make Services inside the cluster alone."""
    for path in (ROOT / "tests").rglob("*.yaml"):
        for this in yaml.safe_load_all(path.read_text()) if "kind: Service\n" in path.read_text() else ():
            if isinstance(this, dict) and this.get("kind") == "Service":
                assert this["spec"].get("type", "ClusterIP") == "ClusterIP", path


def test_the_policy_on_images_looks_wherever_an_image_may_stand() -> None:
    """A field that came later would be a way round it."""
    (policy,) = [this for this in of_kind(render(values=EVERYTHING), "ValidatingAdmissionPolicy") if this["metadata"]["name"].endswith("-images")]
    (looked,) = [variable["expression"] for variable in policy["spec"]["variables"] if variable["name"] == "images"]
    for path in (path.partition(" ")[2] for path, name in LEAVES.items() if name == "image"):
        whole, listed, _ = path.partition("[].")
        chain = "object.spec." + ".".join(f"?{step}" for step in whole.removeprefix("spec.").split("."))
        assert re.search(re.escape(chain) + (r"\.orValue\(\[\]\)" if listed else r"[,\]]"), looked), path


def test_nothing_that_is_used_to_build_can_be_changed_under_its_name() -> None:
    """Trivy CVE-2026-33634: tags were moved to malware. Actions are pinned by commit and packages by hash (test_supply_chain.py), and nothing comes
    from the network into an image that is released.
    """
    for path in (ROOT / "operator" / "images").glob("treadle-*/Containerfile"):
        text = path.read_text()
        assert "--no-index" in text
        assert not re.search(r"\b(curl|wget|ADD)\b", text), path


def test_the_samples_of_outside_systems_ask_who_somebody_is_and_reach_no_metadata() -> None:
    """MLflow CVE-2023-1177 and -2356, Label Studio's SSRF (#2450, #4665): what people copy is not open."""
    studio = (ROOT / "manifests" / "demo" / "services" / "label-studio.yaml").read_text()
    assert '{name: USER_ADDITIONAL_BANNED_SUBNETS, value: "169.254.0.0/16,127.0.0.0/8"}' in studio
    assert '{name: LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK, value: "true"}' in studio
    for path in (ROOT / "manifests" / "demo" / "services").glob("*.yaml"):
        for this in yaml.safe_load_all(path.read_text()):
            if this["kind"] == "Service":
                assert this["spec"].get("type", "ClusterIP") == "ClusterIP", path


def test_no_address_carries_credentials_into_messages() -> None:
    """Secrets hygiene: what an admin configures is repeated in conditions and events."""
    with pytest.raises(ValueError, match="must hold no credentials"):
        parse_installation("id: a\nimages: {jobs: j, runtime: r}\nconnections: {mlflow: {default: {url: 'https://u:p@mlflow.corp'}}}")


OTHER_CASES = {
    "an owner is known by its UID, not by a name or label (kueue 0.19)": ("tests/stories/serving/forged.yaml", "forged"),
    "pickled models are refused": ("tests/stories/serving/never_served.yaml", "PickleNotAllowed"),
    "a child of somebody else is never taken over": ("tests/stories/training/name_conflict.yaml", "NameConflict"),
}


@pytest.mark.parametrize("case", OTHER_CASES)
def test_a_story_tells_of_it(case: str) -> None:
    path, word = OTHER_CASES[case]
    assert word.lower() in (ROOT / path).read_text().lower()
