"""The admin's configuration: what is read, what is refused, and who may use which connection."""

import pytest

from treadle.api.reasons import Reason
from treadle.connections.installation import Granted, ImagePolicy, Installation, MlflowSettings, Refusal, parse_installation

CONFIGURATION = """
id: prod-1
images: {jobs: registry.example/jobs:1, runtime: registry.example/runtime:1}
connections:
  store: {default: {endpoint: "https://s3.corp", tenantSecret: my-store}}
  mlflow:
    default: {url: "https://mlflow.corp", tokenFile: /token, namespaces: ["retail-*"], modelPrefix: "{namespace}.", artifactStore: "s3://mlflow/"}
    open: {url: "https://mlflow.corp", shared: true}
    forgotten: {url: "https://mlflow.corp"}
  labelStudio: {default: {url: "http://ls", namespaces: [retail-a]}}
"""


def granted(answer: object) -> str:
    return answer.key if isinstance(answer, Granted) else answer.reason.name if isinstance(answer, Refusal) else "?"


def test_a_connection_is_granted_by_namespace() -> None:
    installation = parse_installation(CONFIGURATION)
    assert granted(installation.mlflow("default", "retail-a")) == "mlflow/default"
    assert granted(installation.mlflow("default", "clinic")) == "ConnectionNotGranted"
    assert granted(installation.mlflow("missing", "retail-a")) == "ConnectionNotFound"
    assert granted(installation.mlflow("open", "clinic")) == "mlflow/open"
    assert granted(installation.label_studio("default", "retail-a")) == "labelStudio/default"
    assert granted(installation.store("default", "anywhere")) == "store/default", "it carries no credentials of ours"


def test_in_cluster_scope_a_connection_must_say_whom_it_is_for() -> None:
    installation = parse_installation(CONFIGURATION)
    assert granted(installation.mlflow("forgotten", "retail-a")) == "ConnectionNotGranted"
    narrow = installation.model_copy(update={"namespaces": ("retail-a",)})
    assert granted(narrow.mlflow("forgotten", "retail-a")) == "mlflow/forgotten", "watching few namespaces is a limit too"


def test_a_refusal_names_what_is_configured() -> None:
    refused = parse_installation(CONFIGURATION).mlflow("missing", "retail-a")
    assert isinstance(refused, Refusal)
    assert refused.reason is Reason.ConnectionNotFound
    assert "default, forgotten, open" in refused.message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("id: Prod", "id"),
        ("surprise: 1", "surprise"),
        ("connections: {mlflow: {default: {url: x, tokenfile: y}}}", "tokenfile"),
        ('connections: {mlflow: {default: {url: x, modelPrefix: "{namespace}-"}}}', "after {namespace} must follow"),
        ('connections: {mlflow: {default: {url: x, modelPrefix: "{team}."}}}', "the only placeholder is {namespace}"),
        ("images: [", "not YAML"),
    ],
)
def test_a_wrong_configuration_is_told_by_field(change: str, expected: str) -> None:
    text = "id: prod\nimages: {jobs: a, runtime: b}\n"
    key = change.partition(":")[0]
    text = "\n".join(line for line in text.splitlines() if not line.startswith(f"{key}:")) + "\n" + change + "\n"
    with pytest.raises(ValueError, match=expected):
        parse_installation(text)


def test_prefixes_tell_namespaces_apart() -> None:
    settings = MlflowSettings(url="http://mlflow", model_prefix="{namespace}.", experiment_prefix="team/{namespace}_")
    assert settings.model_name("a", "b") == "a.b"
    assert settings.experiment_name("a", "b") == "team/a_b"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("mlflow-artifacts:/1/models/m-1/artifacts", "s3://mlflow/1/models/m-1/artifacts"),
        ("mlflow-artifacts://host:5000/1/x", "s3://mlflow/1/x"),
        ("s3://own/bucket", "s3://own/bucket"),
    ],
)
def test_artifacts_are_found_where_they_really_live(uri: str, expected: str) -> None:
    assert MlflowSettings(url="http://mlflow", artifact_store="s3://mlflow/").artifact_uri(uri) == expected
    assert MlflowSettings(url="http://mlflow").artifact_uri(uri) == uri


def test_service_accounts_must_be_allowed() -> None:
    installation = Installation.model_validate({"id": "a", "images": {"jobs": "a", "runtime": "b"}, "serviceAccounts": ["train-*", "retail-*/irsa"]})
    assert installation.allows_account("train-gpu", "anywhere")
    assert not installation.allows_account("default", "anywhere")
    assert installation.allows_account("irsa", "retail-a")
    assert not installation.allows_account("irsa", "clinic")


def test_a_namespace_may_have_images_of_its_own() -> None:
    policy = ImagePolicy(allowed=("registry.example/",), namespaces={"clinic-*": ("vault.example/",), "clinic-a": ("registry.example/a/",)})
    assert policy.refusal(["registry.example/x:1"], "retail") is None
    assert policy.refusal(["vault.example/x:1", "registry.example/a/x:1"], "clinic-a") is None
    assert "must begin with vault.example/" in str(policy.refusal(["registry.example/x:1"], "clinic-b"))
    assert ImagePolicy(namespaces={"clinic-*": ("vault.example/",)}).refusal(["anything:1"], "retail") is None


def test_an_owner_is_told_by_identity_and_uid() -> None:
    installation = parse_installation(CONFIGURATION)
    owner = installation.owner_of({"metadata": {"namespace": "ml", "name": "digits", "uid": "u"}})
    assert (owner.identity, owner.uid) == ("prod-1/ml/digits", "u")


@pytest.mark.parametrize("url", ["mlflow:5000", "file:///etc/passwd", "http://", "http://user:secret@mlflow:5000", "https://mlflow?token=secret"])
@pytest.mark.parametrize(
    "field", ["mlflow: {default: {url: %s}}", "labelStudio: {default: {url: 'http://ls', browserUrl: %s}}", "store: {default: {endpoint: %s}}"]
)
def test_an_address_that_messages_repeat_holds_no_credentials(url: str, field: str) -> None:
    with pytest.raises(ValueError, match="must") as refused:
        parse_installation(f"id: prod\nimages: {{jobs: a, runtime: b}}\nconnections: {{{field % repr(url)}}}\n")
    assert "secret" not in str(refused.value)


def test_a_configuration_without_end_is_none() -> None:
    with pytest.raises(ValueError, match="not YAML"):
        parse_installation("[" * 100_000)


def test_images_are_allowed_by_the_beginning_of_their_names() -> None:
    policy = parse_installation(CONFIGURATION + "imagePolicy: {allowed: [registry.example/acme/, 'registry.example/lab/']}").image_policy
    assert policy.refusal(["registry.example/acme/train:1", "registry.example/lab/x"], "ml") is None
    assert "registry.example/acmes/train:1 is not allowed" in (policy.refusal(["registry.example/acmes/train:1"], "ml") or "")
    assert "must begin with registry.example/acme/ or registry.example/lab/" in (policy.refusal(["registry.example/acme/a", "train"], "ml") or "")


def test_images_without_a_digest_can_be_refused() -> None:
    policy = parse_installation(CONFIGURATION + "imagePolicy: {requireDigest: true}").image_policy
    assert policy.refusal(["train@sha256:" + "0" * 64], "ml") is None
    assert "must be named by digest" in (policy.refusal(["train:1"], "ml") or "")
    assert parse_installation(CONFIGURATION).image_policy.refusal(["train"], "ml") is None, "without a policy everything is allowed"
