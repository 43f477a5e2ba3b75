"""How a bucket is opened: S3's, Google's or a container of Azure's, with the tenant's keys or else as the pod's cloud identity."""

from datetime import timedelta
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, ObjectStore, S3Store

from treadle.api.reasons import Reason
from treadle.contracts.stores import (
    AZURE,
    AZURE_ACCOUNT_VARIABLE,
    AZURE_KEY_VARIABLE,
    AZURE_LAKE,
    AZURE_TOKEN_VARIABLE,
    GCS,
    GCS_KEY_VARIABLE,
)
from treadle.jobs._failure import JobFailure
from treadle.jobs._places import Keys, account_in

REQUEST_TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT = timedelta(seconds=5)
PATIENCE = timedelta(seconds=60)  # for one request with all its retries
RETRIES = 6


def open_bucket(keys: Keys, bucket: str) -> ObjectStore:
    """A bucket behind an endpoint.

    Raises:
        JobFailure: the keys cannot be any.
    """
    match keys.scheme:
        case scheme if scheme == GCS:
            return _google(keys, bucket)
        case scheme if scheme in (AZURE, AZURE_LAKE):
            return _azure(keys, bucket)
    known: dict[str, Any] = {"access_key_id": keys.access_key, "secret_access_key": keys.secret_key} if keys.access_key else {}
    if keys.endpoint:
        known["endpoint"] = keys.endpoint
    return S3Store(bucket, **known, region=keys.region, **_patience(keys))


def _google(keys: Keys, bucket: str) -> GCSStore:
    known = {"service_account_key": key} if (key := keys.given(GCS_KEY_VARIABLE)) else {}
    if keys.endpoint:
        known["base_url"] = keys.endpoint
    try:
        return GCSStore(bucket, **known, **_patience(keys))  # type: ignore[arg-type]
    except BaseError as error:  # its words may quote the key
        told = f"{GCS_KEY_VARIABLE} is not the key file of a service account, which {keys.where} needs"
        raise JobFailure(Reason.StoreAccessDenied, told) from error


def _azure(keys: Keys, bucket: str) -> AzureStore:
    told, account = keys.given(AZURE_ACCOUNT_VARIABLE), account_in(bucket)
    if told and account and told != account:
        raise JobFailure(Reason.StoreAccessDenied, f"{bucket} is in the account {account}, the keys are those of {told}")
    if not (account or told):
        raise JobFailure(Reason.StoreAccessDenied, f"nothing says which account {bucket} is in: set {AZURE_ACCOUNT_VARIABLE} in the Secret")
    known = {"account_name": account or told}
    if key := keys.given(AZURE_KEY_VARIABLE):
        known["account_key"] = key
    if keys.endpoint:
        known["endpoint"] = keys.endpoint
    token = keys.given(AZURE_TOKEN_VARIABLE) if "account_key" not in known else ""
    if token and "sig=" not in token:
        raise JobFailure(Reason.StoreAccessDenied, f"{AZURE_TOKEN_VARIABLE} is no shared access signature: it is not signed")
    # Handed over in person: by its environment the client would prefer the key of another store.
    provider = (lambda: {"sas_token": token.removeprefix("?"), "expires_at": None}) if token else None
    try:
        return AzureStore(bucket.partition("@")[0], **known, credential_provider=provider, **_patience(keys))  # type: ignore[arg-type]
    except BaseError as error:
        raise JobFailure(Reason.StoreAccessDenied, f"the key of the account {account or told} is none of {keys.where}") from error


def _patience(keys: Keys) -> dict[str, Any]:
    return {
        "client_options": {"allow_http": keys.endpoint.startswith("http://"), "timeout": REQUEST_TIMEOUT, "connect_timeout": CONNECT_TIMEOUT},
        "retry_config": {
            "max_retries": RETRIES,
            "retry_timeout": PATIENCE,
            "backoff": {"init_backoff": timedelta(milliseconds=200), "max_backoff": timedelta(seconds=10), "base": 2},
        },
    }
