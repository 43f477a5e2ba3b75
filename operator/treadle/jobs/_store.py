"""The object store, as Jobs use it: by URI, create-only, with every refusal worded for people.

Servers disagree about which status says what (one S3 answers 404 to an unknown access key), so refusals are told apart by the error code in the
body, where there is one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import ObjectStore

from treadle.api.reasons import Reason
from treadle.contracts import StoreConnection
from treadle.jobs._buckets import open_bucket
from treadle.jobs._failure import JobFailure, unavailable
from treadle.jobs._places import claim_folder, is_claim, keys_for, open_claim, split_uri

CLAIM = "claim"
CHUNK = 4 * 1024 * 1024  # bytes
NOBODY = ".treadle-no-such-object"
"""A name that no object has."""

_KEYS_REFUSED = {
    *("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound", "ExpiredToken", "InvalidToken"),
    *("AuthenticationFailed", "AuthorizationFailure", "AuthorizationPermissionMismatch", "NoAuthenticationInformation"),
}
_NOT_GIVEN = {"InvalidObjectState", "BlobArchived"}
_NO_BUCKET = {"NoSuchBucket", "ContainerNotFound"}
_NO_OBJECT = {"NoSuchKey", "BlobNotFound"}


@dataclass(frozen=True)
class Entry:
    """One object of a listing."""

    uri: str
    size: int
    etag: str
    modified: datetime


class NotThere(JobFailure):
    """There is no object at this URI. Where that is no surprise it is caught; else it ends the Job."""

    def __init__(self, uri: str) -> None:
        super().__init__(Reason.ObjectNotFound, f"{uri} is gone")


class Refused(JobFailure):
    """The store does not give the tenant this object. Where it is one among many it is left out; else it ends the Job."""

    def __init__(self, message: str, why: str, *, of_keys: bool = True) -> None:
        super().__init__(Reason.StoreAccessDenied, message)
        self.why = why
        """The same of an object that is named already."""
        self.of_keys = of_keys
        """Whether the keys may be to blame; not so where the object itself cannot be given, since it is archived for instance."""


class Store:
    """All that the tenant reaches: buckets, by the endpoint and keys of their prefix, and claims that are mounted."""

    def __init__(self, connection: StoreConnection) -> None:
        self._connection = connection
        self._opened: dict[tuple[object, str], ObjectStore] = {}

    def list(self, uri: str) -> Iterator[Entry]:
        """Every object below a prefix, in no certain order. A prefix ends at a slash: `s3://b/a` is `s3://b/a/...`, never `s3://b/ab`."""
        bucket, path = split_uri(uri)
        empty = True
        try:
            for chunk in obstore.list(self._open(uri), prefix=path.rstrip("/") or None):
                for entry in chunk:
                    empty = False
                    yield Entry(f"{uri.partition('://')[0]}://{bucket}/{entry['path']}", entry["size"], entry["e_tag"] or "", entry["last_modified"])
        except (BaseError, FileNotFoundError, PermissionError) as error:
            raise self._trouble(uri, error) from error
        if empty and not is_claim(uri):
            self._doubt(uri)

    def folders(self, uri: str) -> Sequence[str]:
        """Names of the folders directly below a prefix, in their order; none where nothing is."""
        _, path = split_uri(uri)
        try:
            found = obstore.list_with_delimiter(self._open(uri), prefix=path.rstrip("/") or None)
        except (BaseError, FileNotFoundError, PermissionError) as error:
            raise self._trouble(uri, error) from error
        if not found["common_prefixes"] and not found["objects"] and not is_claim(uri):
            self._doubt(uri)
        return sorted(folder.rstrip("/").rpartition("/")[2] for folder in found["common_prefixes"])

    def read(self, uri: str) -> bytes:
        """The whole content of one object.

        Raises:
            NotThere: when there is none.
            Refused: when the store does not give it.
        """
        return b"".join(self.stream(uri))

    def stream(self, uri: str) -> Iterator[bytes]:
        """The content of one object, in chunks.

        Raises:
            NotThere: when there is none.
        """
        path = split_uri(uri)[1]
        try:
            for chunk in obstore.get(self._open(uri), path).stream(min_chunk_size=CHUNK):
                yield bytes(chunk)
        except (BaseError, FileNotFoundError, PermissionError) as error:
            raise self._trouble(uri, error) from error

    def look(self, uri: str) -> Entry:
        """What a listing would say of one object.

        Raises:
            NotThere: when there is none.
        """
        path = split_uri(uri)[1]
        try:
            entry = obstore.head(self._open(uri), path)
        except FileNotFoundError as error:
            raise NotThere(uri) from error
        except (BaseError, PermissionError) as error:
            raise self._trouble(uri, error) from error
        return Entry(uri, entry["size"], entry["e_tag"] or "", entry["last_modified"])

    def create(self, uri: str, content: bytes) -> bool:
        """Put an object that is not there yet. False: something is there, and stays as it is (after a lost answer, perhaps our own).

        Servers that see at once that something is there may answer and hang up while a long content is still on its way, which looks as if they were
        broken: then they are asked.
        """
        path = split_uri(uri)[1]
        try:
            obstore.put(self._open(uri), path, content, mode="create", use_multipart=False)
        except AlreadyExistsError:
            return False
        except (BaseError, FileNotFoundError, PermissionError) as error:
            if self.has(uri):
                return False
            raise self._trouble(uri, error) from error
        return True

    def has(self, uri: str) -> bool:
        """Whether the object is there; also False when that cannot be told."""
        try:
            self.look(uri)
        except JobFailure:
            return False
        return True

    def _doubt(self, uri: str) -> None:
        """Make sure that a listing without objects was one: any web page, of a login for instance, reads as such. Who has everything is no store."""
        path = split_uri(below(uri, NOBODY))[1]
        try:
            obstore.head(self._open(uri), path)
        except (FileNotFoundError, PermissionError, PermissionDeniedError):  # who may list need not be allowed to look
            return
        except BaseError as error:
            raise self._trouble(uri, error) from error
        raise unavailable(
            f"{keys_for(self._connection, uri).where} does not answer like an object store for {uri}: is its endpoint right?", Reason.UnexpectedAnswer
        )

    def _open(self, uri: str) -> ObjectStore:
        """What holds the URI. In a claim, only what lies in the claim itself, whatever links in it say."""
        bucket, path = split_uri(uri)
        if is_claim(uri):
            folder = claim_folder(self._connection, bucket)
            if not (folder / path).resolve().is_relative_to(folder.resolve()):
                raise NotThere(uri)
            return self._once((CLAIM, bucket), lambda: open_claim(folder))
        keys = keys_for(self._connection, uri)
        return self._once((keys, bucket), lambda: open_bucket(keys, bucket))

    def _once(self, name: tuple[object, str], opened: Callable[[], ObjectStore]) -> ObjectStore:
        if name not in self._opened:
            self._opened[name] = opened()
        return self._opened[name]

    def _trouble(self, uri: str, error: Exception) -> Exception:
        text = str(error)
        code = found.group(1) if (found := re.search(r"<Code>(\w+)</Code>", text)) else ""
        status = found.group(1) if (found := re.search(r"status code: (\d{3})", text)) else ""
        if is_claim(uri):
            return _claim_trouble(uri, error)
        where = keys_for(self._connection, uri).where
        if code in _NO_BUCKET:
            return JobFailure(Reason.BucketNotFound, f"bucket {split_uri(uri)[0]} does not exist at {where}")
        if code in _NOT_GIVEN:
            return Refused(f"{where} does not give {uri} ({code})", f"{where} does not give it ({code})", of_keys=False)
        if code in _KEYS_REFUSED or status in ("401", "403") or isinstance(error, UnauthenticatedError):
            why = f"({code or status or 'it is none'})"
            return Refused(f"{where} refuses the access key for {uri} {why}", f"{where} refuses it ({code or status or 'no key'})")
        if code in _NO_OBJECT or (not code and isinstance(error, FileNotFoundError)):
            return NotThere(uri)
        return unavailable(f"{where} does not answer for {uri}: {code or _first_line(text)}")


def below(uri: str, *parts: str) -> str:
    """A URI below another one, whether or not that ends in a slash.

    >>> below("s3://sets/shelf/", "v0001", "manifest.json")
    's3://sets/shelf/v0001/manifest.json'
    """
    return "/".join((uri.rstrip("/"), *parts))


def _claim_trouble(uri: str, error: Exception) -> Exception:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotThere(uri)
    words = _first_line(str(error))
    if isinstance(error, PermissionError | PermissionDeniedError) or "ermission denied" in words or "ead-only" in words:
        why = f"does not let the user of our pods read or write: {words}"
        return Refused(f"the claim of {uri} {why}", f"the claim {why}")
    return unavailable(f"the claim of {uri} gives trouble: {words}")


def _first_line(text: str) -> str:
    """Without what follows a `?`: a token of Azure's would stand there."""
    return re.sub(r"\?\S*", "", text.partition("\n")[0])[:300]
