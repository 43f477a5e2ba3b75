"""Which model version spec asks for, resolved through the registry; and the revision that follows from it and from what pods are asked to be."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from treadle.api import ModelDeploymentSpec, names
from treadle.api.base import is_store_uri
from treadle.api.deployment_status import Revision
from treadle.api.reasons import Reason
from treadle.connections.installation import Granted, MlflowSettings
from treadle.connections.registry import FILES_TAG, REFERENCE_TAG, SMOKE_TAG, ModelVersion
from treadle.contracts.drift import StoredReference
from treadle.contracts.smoke import StoredSmoke
from treadle.plan import Object

Stored = TypeVar("Stored", StoredReference, StoredSmoke)
REVISION_DIGITS = 6
SHA256 = re.compile(r"[0-9a-f]{64}")
URI_SHOWN = 200  # characters of a URI that a message repeats
ASKED = ("runtime", "resources", "nodeSelector", "tolerations", "priorityClassName", "access", "sensitive")
"""The parts of spec that make another revision when they change; all others are applied to the running one."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One model version, served in one way.

    Attributes:
        model: full name of the registered model; empty for a model named by URI.
        version: in the registry; empty likewise.
        uri: where a pod fetches the files from, `s3://...`.
        run: the tracked run that made the version, where known.
        tags: of the version, as the registry has them.
        words: what people call it, e.g. `digits version 3 (alias candidate)`.
        asked: the parts of spec that belong to the revision.
        digest: of its files, where an evaluation noted it.
        reference: with what its traffic is compared, where an evaluation stored something.
        smoke: what it is asked before it serves, where an evaluation kept an example.
        pinned: it is to serve now, without proving itself.
    """

    uri: str
    model: str = ""
    version: str = ""
    run: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    digest: str = ""
    reference: StoredReference | None = None
    smoke: StoredSmoke | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    pinned: bool = False

    @property
    def revision(self) -> str:
        """Digest of what the user asked for. The URI counts only where there is no version: an admin may move the store."""
        identity = [self.model, self.version] if self.version else [self.uri]
        return names.digest({"identity": identity, "asked": self.asked}, REVISION_DIGITS)

    @property
    def label(self) -> str:
        """The version as a label value and as metrics tell it; of a model named by URI, a digest."""
        return self.version or f"uri-{names.digest(self.uri, REVISION_DIGITS)}"

    def to_annotation(self) -> str:
        """What the Deployment carries, so that it can be read back from there whatever becomes of spec, status and registry."""
        kept: dict[str, Any] = {"model": self.model, "version": self.version, "uri": self.uri, "run": self.run, "asked": self.asked}
        if self.digest:
            kept["digest"] = self.digest
        if self.reference:
            kept["reference"] = self.reference.model_dump(mode="json")
        if self.smoke:
            kept["smoke"] = self.smoke.model_dump(mode="json")
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Unresolved:
    """Why it is not known which version to serve. `known` False: the registry could not tell, so nothing changes."""

    reason: Reason
    message: str
    stalled: bool = False
    known: bool = True


def asked_of(spec: ModelDeploymentSpec) -> dict[str, Any]:
    """The parts of spec that belong to a revision, as plain JSON without defaults."""
    return {key: value for key, value in spec.to_object().items() if key in ASKED}


def target_of(
    version: ModelVersion, words: str, spec: ModelDeploymentSpec, granted: Granted[MlflowSettings], *, pinned: bool = False
) -> Target | Unresolved:
    """A version of the registry as something that pods can serve."""
    uri = granted.settings.artifact_uri(version.artifact_uri or version.source)
    if not is_store_uri(uri):
        told = f"{words}: its files are at {uri[:URI_SHOWN] or 'nowhere'}, which pods cannot fetch; they can from s3, gs, az and abfss"
        return Unresolved(Reason.ModelNotServable, told, stalled=True)
    return Target(
        uri=uri,
        model=version.model,
        version=version.version,
        run=version.run_id,
        tags=version.tags,
        words=words,
        digest=_digest(version.tags.get(FILES_TAG)),
        reference=_stored(StoredReference, version.tags.get(REFERENCE_TAG, "")),
        smoke=_stored(StoredSmoke, version.tags.get(SMOKE_TAG, "")),
        asked=asked_of(spec),
        pinned=pinned,
    )


def target_in(deployment: Object) -> Target | None:
    """What a Deployment of ours was made for, from its annotation; None when that cannot be read."""
    try:
        kept = names.resolved_on(deployment)
        ModelDeploymentSpec.model_validate({"model": {"uri": "s3://any"}, **kept["asked"]})
        texts = {key: kept[key] for key in ("uri", "model", "version", "run")}
    except (KeyError, TypeError, ValueError, ValidationError):
        return None
    if not all(isinstance(text, str) for text in texts.values()) or not is_store_uri(texts["uri"]):
        return None
    return Target(
        **texts,
        asked=kept["asked"],
        digest=_digest(kept.get("digest")),
        reference=_stored(StoredReference, json.dumps(kept.get("reference"))),
        smoke=_stored(StoredSmoke, json.dumps(kept.get("smoke"))),
    )


def _digest(said: object) -> str:
    """The digest of the files, as a tag or an annotation says; empty for anything else: then they are not checked."""
    return said if isinstance(said, str) and SHA256.fullmatch(said) else ""


def _stored(form: type[Stored], said: str) -> Stored | None:
    """Where something of the model is, as a tag or an annotation says; None for anything else, which nobody needs in order to serve."""
    try:
        return form.model_validate_json(said)
    except ValidationError:
        return None


def target_from(revision: Revision, spec: ModelDeploymentSpec) -> Target:
    """What status remembers, served as spec asks now: when the Deployment itself is gone."""
    return Target(uri=revision.uri, model=revision.model or "", version=revision.version or "", run=revision.run or "", asked=asked_of(spec))
