"""What the admin configured: one installation of Treadle, its images, and the connections that tenants may use.

Data only, so that plans may read it. The chart mounts it as one YAML file; `parse_installation` reads that. Secret values never stand here, only
the names of files (mounted into the operator) and of Secrets (in the tenants' namespaces).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Generic, Literal, TypeVar
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.alias_generators import to_camel

from treadle.api.reasons import Reason
from treadle.contracts.stores import AZURE, AZURE_LAKE, GCS, StoreConnection, scheme_of

DEFAULT = "default"


def _address(url: str) -> str:
    """A URL that may stand in messages, and to which a path can be added."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with http:// or https:// and a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must hold no credentials, query or fragment: messages to users repeat it; credentials come from files and Secrets")
    return url


Address = Annotated[str, AfterValidator(_address)]


class _Settings(BaseModel):
    """camelCase in YAML, snake_case in Python, unknown keys refused, never changed once read."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class _ConnectionSettings(_Settings):
    namespaces: tuple[str, ...] = Field(default=(), description="Namespaces (glob patterns) that may use the connection.")
    shared: bool = Field(default=False, description="Every namespace may use it. Needed in cluster scope when `namespaces` is empty.")


class StoreSettings(_ConnectionSettings):
    """Where s3://, gs://, az:// and abfss:// are. It carries no credentials of ours (each tenant's Secret does), so it is shared unless `namespaces`
    limits it.
    """

    endpoint: Address | Literal[""] = Field(default="", description="URL of the S3 endpoint; empty for the cloud's own.")
    region: str = Field(default="us-east-1", description="Region that requests to S3 are signed for.")
    gcs_endpoint: Address | Literal[""] = Field(default="", description="URL in place of https://storage.googleapis.com.")
    azure_endpoint: Address | Literal[""] = Field(
        default="", description="URL in place of https://{account}.blob.core.windows.net; {account} is replaced by the account's name."
    )
    tenant_secret: str = Field(
        default="treadle-store",
        description="Secret in the tenant's namespace with the keys, those of the stores that are used: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;"
        " GOOGLE_SERVICE_ACCOUNT_KEY; AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN.",
    )
    shared: bool = True

    def endpoint_of(self, uri: str) -> str:
        """Where the store of a URI is; empty for the cloud's own."""
        match scheme_of(uri):
            case scheme if scheme == GCS:
                return self.gcs_endpoint
            case scheme if scheme in (AZURE, AZURE_LAKE):
                return self.azure_endpoint
            case _:
                return self.endpoint

    def reached(self, uri: str) -> StoreConnection:
        """The store of a URI, as Jobs are told of it."""
        return StoreConnection(endpoint=self.endpoint_of(uri), region=self.region)


class MlflowSettings(_ConnectionSettings):
    """A tracking server and model registry."""

    url: Address = Field(description="Base URL, as pods and the operator reach it.")
    token_file: str = Field(default="", description="File with the operator's token (Bearer), or its password when `username` is set.")
    username: str = Field(default="", description="User name for basic authentication.")
    ca_file: str = Field(default="", description="File with the certificate authority to trust; empty for the system's.")
    tenant_secret: str = Field(default="treadle-mlflow", description="Optional Secret in the tenant's namespace with MLFLOW_TRACKING_* keys.")
    model_prefix: str = Field(default="", description="Put before the registered model names that users type; `{namespace}` is replaced.")
    experiment_prefix: str = Field(default="", description="Put before experiment names; `{namespace}` is replaced.")
    artifact_store: str = Field(
        default="", description="Where `mlflow-artifacts:` URIs really live, e.g. `s3://mlflow/`, so that pods read without MLflow."
    )

    @field_validator("model_prefix", "experiment_prefix")
    @classmethod
    def _prefix_tells_namespaces_apart(cls, prefix: str) -> str:
        """Namespace `a` with model `b-x` must not meet namespace `a-b` with model `x`."""
        head, found, tail = prefix.partition("{namespace}")
        if "{" in head + tail or "}" in head + tail:
            raise ValueError("the only placeholder is {namespace}")
        if found and not tail.startswith((".", "_")):
            raise ValueError('after {namespace} must follow "." or "_", which no namespace contains')
        return prefix

    def model_name(self, namespace: str, name: str) -> str:
        """The registered model's full name for the short name that a user of the namespace typed."""
        return self.model_prefix.replace("{namespace}", namespace) + name

    def experiment_name(self, namespace: str, name: str) -> str:
        """The experiment's full name for the short name that a user of the namespace typed."""
        return self.experiment_prefix.replace("{namespace}", namespace) + name

    def artifact_uri(self, uri: str) -> str:
        """`uri` with a `mlflow-artifacts:` scheme replaced by where these artifacts really live; other URIs as they are."""
        scheme, colon, path = uri.partition(":")
        if scheme != "mlflow-artifacts" or not colon or not self.artifact_store:
            return uri
        if path.startswith("//"):
            path = path[2:].partition("/")[2]
        return self.artifact_store.rstrip("/") + "/" + path.lstrip("/")


class LabelStudioSettings(_ConnectionSettings):
    """A Label Studio."""

    url: Address = Field(description="Base URL, as pods and the operator reach it.")
    browser_url: Address | Literal[""] = Field(default="", description="Base URL as people reach it; empty: the same as `url`.")
    token_file: str = Field(default="", description="File with the operator's token, legacy or personal access token.")
    ca_file: str = Field(default="", description="File with the certificate authority to trust; empty for the system's.")
    tenant_secret: str = Field(
        default="treadle-label-studio", description="Secret in the tenant's namespace with the key `token`, for our Jobs only."
    )


class Connections(_Settings):
    """All connections, by product and name."""

    store: Mapping[str, StoreSettings] = Field(default_factory=dict)
    mlflow: Mapping[str, MlflowSettings] = Field(default_factory=dict)
    label_studio: Mapping[str, LabelStudioSettings] = Field(default_factory=dict)


class ControlSettings(_Settings):
    """How the operator divides the traffic of serving pods: with orders that only it can sign."""

    private_key_file: str = Field(default="", description="PEM file with an Ed25519 private key; empty: no version can prove itself on live traffic.")
    public_key: str = Field(default="", description="Its public part in base64, for the pods; read from the private key at the start.")


class MonitoringSettings(_Settings):
    """Objects of the Prometheus operator that ModelDeployments get."""

    labels: dict[str, str] = Field(default={}, description="By which the cluster's Prometheus finds them.")
    runbooks: str = Field(
        default="https://treadle.dev/docs/runbooks",
        pattern="^https?://",
        description="Where the pages about alerts are; the alert's name in lower case is added.",
    )


class ImagePolicy(_Settings):
    """Which images users may let Treadle run; our own are always allowed."""

    allowed: tuple[str, ...] = Field(default=(), description="Beginnings of the names of images; empty means all.")
    namespaces: Mapping[str, tuple[str, ...]] = Field(
        default={}, description="Beginnings by namespace (glob patterns), there in place of `allowed`; those of all patterns that fit count."
    )
    require_digest: bool = Field(default=False, description="Refuse images that are not named by digest.")

    def refusal(self, images: Iterable[str], namespace: str) -> str | None:
        """What is wrong with the first of these images that may not run in a namespace, or None."""
        here = tuple(beginning for pattern, beginnings in self.namespaces.items() if fnmatchcase(namespace, pattern) for beginning in beginnings)
        allowed = here or self.allowed
        for image in images:
            if allowed and not image.startswith(allowed):
                return f"image {image} is not allowed by the platform team: its name must begin with {' or '.join(allowed)}"
            if self.require_digest and "@sha256:" not in image:
                return f"image {image} must be named by digest (name@sha256:...): the platform team asks for it"
        return None


class Images(_Settings):
    """Our own images, as pods are to pull them."""

    jobs: str
    runtime: str


AnySettings = TypeVar("AnySettings", bound=_ConnectionSettings)


@dataclass(frozen=True)
class Granted(Generic[AnySettings]):
    """A connection that a namespace may use.

    `key` is what Questions and Effects name as their connection (`mlflow/default`): unique over all products, the key of the engine's mapping.
    """

    key: str
    namespace: str
    settings: AnySettings


@dataclass(frozen=True)
class Refusal:
    """Why a namespace may not use a connection, worded for a condition."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Owner:
    """Whose something in an outside system is: tagged there, so that it is found again and never taken from others."""

    installation: str
    namespace: str
    name: str
    uid: str

    @property
    def identity(self) -> str:
        """`<installation>/<namespace>/<name>`: outlives the object, so that a recreated one takes up its own."""
        return f"{self.installation}/{self.namespace}/{self.name}"


class Installation(_Settings):
    """One installation of the operator."""

    id: str = Field(
        min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", description="Tells installations apart in outside systems."
    )
    images: Images
    connections: Connections = Connections()
    control: ControlSettings = ControlSettings()
    image_policy: ImagePolicy = ImagePolicy()
    monitoring: MonitoringSettings | None = Field(default=None, description="Make objects of the Prometheus operator; silent: none are made.")
    namespaces: tuple[str, ...] = Field(default=(), description="Namespaces that are watched; empty: the whole cluster.")
    service_accounts: tuple[str, ...] = Field(
        default=(), description="Accounts (glob patterns, or `NAMESPACE/NAME` patterns) that users may choose for pods; none by default."
    )

    def with_public_key(self, public_key: str) -> "Installation":
        """The same, with the public part of the control key."""
        return self.model_copy(update={"control": self.control.model_copy(update={"public_key": public_key})})

    def allows_account(self, name: str, namespace: str) -> bool:
        """Whether users of a namespace may let their pods run as this service account of it."""
        return any(fnmatchcase(f"{namespace}/{name}", pattern if "/" in pattern else f"*/{pattern}") for pattern in self.service_accounts)

    def store(self, name: str, namespace: str) -> Granted[StoreSettings] | Refusal:
        """The object store that `namespace` uses under this name."""
        return self._grant("store", self.connections.store, name, namespace)

    def mlflow(self, name: str, namespace: str) -> Granted[MlflowSettings] | Refusal:
        """The MLflow that `namespace` uses under this name."""
        return self._grant("mlflow", self.connections.mlflow, name, namespace)

    def label_studio(self, name: str, namespace: str) -> Granted[LabelStudioSettings] | Refusal:
        """The Label Studio that `namespace` uses under this name."""
        return self._grant("labelStudio", self.connections.label_studio, name, namespace)

    def owner_of(self, this: Mapping[str, Any]) -> Owner:
        """The owner tag for what `this` object makes in outside systems."""
        metadata = this["metadata"]
        return Owner(self.id, metadata["namespace"], metadata["name"], metadata["uid"])

    def _grant(self, product: str, configured: Mapping[str, AnySettings], name: str, namespace: str) -> Granted[AnySettings] | Refusal:
        settings = configured.get(name)
        if settings is None:
            known = ", ".join(sorted(configured)) or "none"
            return Refusal(Reason.ConnectionNotFound, f'no {product} connection "{name}" is configured (configured: {known})')
        cluster_wide = not self.namespaces
        open_to_all = settings.shared or not cluster_wide
        if any(fnmatchcase(namespace, pattern) for pattern in settings.namespaces) or (not settings.namespaces and open_to_all):
            return Granted(connection_key(product, name), namespace, settings)
        return Refusal(Reason.ConnectionNotGranted, f'{product} connection "{name}" may not be used from namespace "{namespace}"')


def connection_key(product: str, name: str) -> str:
    """What Questions and Effects call a connection, e.g. `mlflow/default`; product is its key in the configuration."""
    return f"{product}/{name}"


def parse_installation(text: str) -> Installation:
    """Read the configuration file.

    Raises:
        ValueError: naming every field that is wrong.
    """
    try:
        return Installation.model_validate(yaml.safe_load(text))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"the configuration is not YAML: {error}") from error
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'configuration'}: {e['msg']}" for e in error.errors())
        raise ValueError(f"the configuration is wrong: {wrong}") from error
