"""Which store a URI means: a bucket behind an endpoint, with the keys for its prefix, or a claim that is mounted."""

import os
from dataclasses import dataclass
from pathlib import Path

from obstore.store import LocalStore

from treadle.api.reasons import Reason
from treadle.contracts import StoreConnection
from treadle.contracts.stores import (
    AZURE_ACCOUNT_VARIABLE,
    GCS,
    S3,
    STORE_KEY_VARIABLE,
    STORE_SECRET_VARIABLE,
    STORE_VARIABLES,
    FurtherStore,
    scheme_of,
)
from treadle.jobs._failure import JobFailure

CLAIM_SCHEME = "pvc://"
ACCOUNT = "{account}"
"""In an endpoint of Azure: the name of the account."""


@dataclass(frozen=True)
class Keys:
    """How an endpoint is reached: with the tenant's keys from the environment; without them, as the pod's cloud identity."""

    endpoint: str
    region: str
    access_key: str = ""
    secret_key: str = ""
    scheme: str = S3
    others: tuple[tuple[str, str], ...] = ()
    """Keys of another kind of store, by the names of their variables."""

    @property
    def where(self) -> str:
        """The endpoint, for people."""
        return self.endpoint or (f"the S3 of {self.region}" if self.scheme == S3 else "Google's store" if self.scheme == GCS else "Azure's store")

    def given(self, variable: str) -> str:
        """What the tenant's Secret says; empty where it says nothing."""
        return dict(self.others).get(variable, "")


def keys_for(connection: StoreConnection, uri: str) -> Keys:
    """How the store of a URI is reached."""
    fitting = [further for further in connection.further if uri.startswith(further.prefix)]
    chosen: StoreConnection | FurtherStore = max(fitting, key=lambda further: len(further.prefix), default=connection)
    suffix, scheme = f"_{chosen.number}" if isinstance(chosen, FurtherStore) else "", scheme_of(uri)
    given = {name: os.environ.get(name + suffix, "") for name in STORE_VARIABLES.get(scheme, {})}
    key, secret = given.pop(STORE_KEY_VARIABLE, ""), given.pop(STORE_SECRET_VARIABLE, "")
    endpoint = chosen.endpoint.replace(ACCOUNT, account_in(split_uri(uri)[0]) or given.get(AZURE_ACCOUNT_VARIABLE, ""))
    return Keys(endpoint, chosen.region, key, secret, scheme, tuple(given.items()))


def account_in(bucket: str) -> str:
    """The account of Azure's that a URI names with its container; empty where it names none.

    >>> account_in("raw@corp.dfs.core.windows.net")
    'corp'
    """
    return bucket.partition("@")[2].partition(".")[0]


def is_claim(uri: str) -> bool:
    """Whether something lies in a claim."""
    return uri.startswith(CLAIM_SCHEME)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket (or claim) and path of a URI.

    >>> split_uri("s3://raw/shelf/1.jpg")
    ('raw', 'shelf/1.jpg')
    """
    bucket, _, path = uri.partition("://")[2].partition("/")
    return bucket, path


def claim_folder(connection: StoreConnection, claim: str) -> Path:
    """Where a claim is mounted.

    Raises:
        JobFailure: it is not.
    """
    folder = Path(connection.claims) / claim
    if not connection.claims or not folder.is_dir():
        raise JobFailure(Reason.ObjectNotFound, f"the claim {claim} is not mounted into this pod")
    return folder


def open_claim(folder: Path) -> LocalStore:
    """The files of a claim."""
    return LocalStore(prefix=folder)


__all__ = ["Keys", "account_in", "claim_folder", "is_claim", "keys_for", "open_claim", "split_uri"]
