"""CustomResourceDefinitions, generated from the models."""

from typing import Any

import yaml

from treadle.api._schema import immutability, structural_schema
from treadle.api.base import Schema
from treadle.api.kinds import ApiKind
from treadle.api.names import CATEGORY, GROUP, OBJECT_NAME_LIMIT, VERSION
from treadle.api.status import CommonStatus

SIZE_LIMIT = 256 * 1024
"""Client-side `kubectl apply` keeps the object in an annotation, which may have this many bytes."""

_NAME_RULE: Schema = {
    "rule": f"size(self.metadata.name) <= {OBJECT_NAME_LIMIT} && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    "message": f"choose another metadata.name: at most {OBJECT_NAME_LIMIT} lower-case letters, digits and dashes, beginning with a letter"
    " (names of Jobs and Services are made from it)",
}


def build_crd(kind: ApiKind) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind.

    Raises:
        ValueError: if a model of it has no structural schema, or lacks a description or a bound.
    """
    subresources: dict[str, Any] = {"status": {}}
    if kind.scale:
        subresources["scale"] = {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short_name],
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _object_schema(kind)},
                    "subresources": subresources,
                    "additionalPrinterColumns": [
                        {"name": c.name, "type": c.type, "jsonPath": c.path} | ({"priority": c.priority} if c.priority else {}) for c in kind.columns
                    ],
                }
            ],
        },
    }


def render_crd(kind: ApiKind) -> str:
    """The CRD as committed in `crds/`.

    Raises:
        ValueError: as `build_crd`, or if the file would be too large for `kubectl apply`.
    """
    text = "# Generated from treadle.api by `make generate`; do not edit.\n" + yaml.safe_dump(build_crd(kind), sort_keys=False, width=150)
    if len(text.encode()) >= SIZE_LIMIT:
        raise ValueError(f"the CRD of {kind.kind} has {len(text.encode())} bytes, more than {SIZE_LIMIT}")
    return text


def _object_schema(kind: ApiKind) -> Schema:
    spec = structural_schema(kind.spec)
    if kind.changeable is not None:
        spec.setdefault("x-kubernetes-validations", []).extend(immutability(spec, kind.changeable, kind.immutable_message))
    return {
        "description": kind.description,
        "type": "object",
        "required": ["spec"],
        "x-kubernetes-validations": [_NAME_RULE],
        "properties": {
            "apiVersion": {"description": f"{GROUP}/{VERSION}.", "type": "string"},
            "kind": {"description": f"{kind.kind}.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": _status_schema(kind),
        },
    }


def _status_schema(kind: ApiKind) -> Schema:
    common, own = structural_schema(CommonStatus), structural_schema(kind.status)
    return {
        "description": own["description"],
        "type": "object",
        "default": {"observedGeneration": -1},
        "properties": common["properties"] | own["properties"],
    }
