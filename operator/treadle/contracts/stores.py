"""Where bytes live, and how a Job reaches the systems that hold them. Never a secret: those are environment variables from the tenant's Secret."""

from collections.abc import Mapping

from pydantic import Field

from treadle.api.base import DataUri, Sha256
from treadle.contracts._base import Contract

STORE_KEY_VARIABLE = "AWS_ACCESS_KEY_ID"
STORE_SECRET_VARIABLE = "AWS_SECRET_ACCESS_KEY"  # noqa: S105  (the variable's name)
GCS_KEY_VARIABLE = "GOOGLE_SERVICE_ACCOUNT_KEY"
AZURE_ACCOUNT_VARIABLE = "AZURE_STORAGE_ACCOUNT_NAME"
AZURE_KEY_VARIABLE = "AZURE_STORAGE_ACCOUNT_KEY"
AZURE_TOKEN_VARIABLE = "AZURE_STORAGE_SAS_TOKEN"  # noqa: S105  (the variable's name)
LABEL_STUDIO_TOKEN_VARIABLE = "LABEL_STUDIO_TOKEN"  # noqa: S105  (the variable's name)

S3, GCS, AZURE, AZURE_LAKE = "s3", "gs", "az", "abfss"
STORE_VARIABLES: Mapping[str, Mapping[str, bool]] = {
    S3: {STORE_KEY_VARIABLE: True, STORE_SECRET_VARIABLE: True},
    GCS: {GCS_KEY_VARIABLE: True},
    AZURE: {AZURE_ACCOUNT_VARIABLE: True, AZURE_KEY_VARIABLE: False, AZURE_TOKEN_VARIABLE: False},
    AZURE_LAKE: {AZURE_ACCOUNT_VARIABLE: True, AZURE_KEY_VARIABLE: False, AZURE_TOKEN_VARIABLE: False},
}
"""By the scheme of a URI: the variables that hold the keys, named as in the tenant's Secret, and whether nothing works without."""


CLAIMS = "/treadle/claims"
"""Folder of a pod in which claims are mounted, each by its name, as `pvc://<claim>/<path>` names them."""


def scheme_of(uri: str) -> str:
    """What kind of store a URI, or the beginning of one, names.

    >>> scheme_of("gs://raw/shelf/")
    'gs'
    """
    scheme, found, _ = uri.partition("://")
    return scheme if found else S3


class FurtherStore(Contract):
    """Where URIs of a certain prefix are: a store with keys of its own, in the variables of `StoreConnection` with `_<number>` behind."""

    prefix: str = Field(min_length=1, max_length=1024)
    endpoint: str = Field(default="", max_length=1024, description="URL of the store that the prefix names; empty for the cloud's own.")
    region: str = Field(default="us-east-1", max_length=64, description="Region that requests to S3 are signed for.")
    number: int = Field(ge=1, le=20)


class StoreConnection(Contract):
    """An object store: S3, Google's or Azure's, as the scheme of a URI says. Keys come from `STORE_VARIABLES`; without them the cloud identity of the
    pod is used.
    """

    endpoint: str = Field(
        default="", max_length=1024, description="URL of the store; empty for the cloud's own. In one of Azure {account} is replaced."
    )
    region: str = Field(default="us-east-1", max_length=64, description="Region that requests to S3 are signed for.")
    further: tuple[FurtherStore, ...] = Field(default=(), max_length=20, description="Stores of certain prefixes; of several the longest counts.")
    claims: str = Field(default="", max_length=256, description="Where claims of pvc:// URIs are mounted, each in a folder of its name.")


class LabelStudioConnection(Contract):
    """A Label Studio, and one project in it. The token comes from LABEL_STUDIO_TOKEN: a legacy token or a personal access token."""

    url: str = Field(max_length=1024, description="Base URL, as pods reach it.")
    project: int = Field(ge=1, description="Id of the labelling project.")


class Blob(Contract):
    """One object in a store, pinned by its content."""

    uri: DataUri
    sha256: Sha256
