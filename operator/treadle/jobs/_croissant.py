"""Croissant 1.0 of a version: JSON-LD that dataset catalogues and loaders read. See https://docs.mlcommons.org/croissant/docs/croissant-spec.html"""

import json
from collections.abc import Mapping

from treadle.contracts.dataset import ITEMS, Manifest, ManifestFile
from treadle.tasks import NotSupportedYet, for_type

CONTEXT: Mapping[str, object] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
NO_ASSERTION = "NOASSERTION"
"""SPDX's word for a licence of which nothing is said: it is the data's owner who knows."""
ITEM_FIELDS = {
    "key": ("sc:Text", "What identifies the item."),
    "uri": ("sc:URL", "Where the item is."),
    "sha256": ("sc:Text", "SHA-256 of its content."),
    "split": ("sc:Text", "train, validation or test."),
    "source": ("sc:Text", "Source of the project that it came from."),
    "annotators": ("sc:Integer", "How many people's answers the label rests on."),
    "agreement": ("sc:Float", "How like the label the answers are on average, 0 to 1."),
}


def croissant(manifest: Manifest) -> bytes:
    """The description of a version, beside its files."""
    project = manifest.provenance.project.rpartition("/")[2] or "dataset"
    described = f"{manifest.items} items labelled by people, task {manifest.identity.labels.task}. Digest {manifest.digest}."
    content = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": f"{project}-v{manifest.version}",
        "description": described,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": f"{manifest.version}.0.0",
        "datePublished": manifest.created_at,
        "license": NO_ASSERTION,
        "citeAs": f"{project}, version {manifest.version}, sha256 {manifest.digest}",
        "distribution": [_file(file) for file in manifest.files],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "items",
                "name": "items",
                "description": "One record per item.",
                "key": {"@id": "items/key"},
                "field": [*(_field(name, *told) for name, told in ITEM_FIELDS.items()), *_label(manifest.identity.labels.task)],
            }
        ],
    }
    return (json.dumps(content, indent=1, ensure_ascii=False, sort_keys=False) + "\n").encode()


def _label(type: str) -> list[Mapping[str, object]]:  # noqa: A002  (the word of the API)
    """The label where it is one name. Labels with places are in the column `label` of the file, which the format has no words for."""
    task = for_type(type)
    if isinstance(task, NotSupportedYet) or task.shape not in ("Class", "Rating"):
        return []
    field = _field("label", "sc:Text", "What people agree on.")
    return [{**field, "source": {"fileObject": {"@id": ITEMS}, "extract": {"column": "label"}, "transform": {"jsonPath": "$.label"}}}]


def _file(file: ManifestFile) -> Mapping[str, object]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.size} B",
        "encodingFormat": "application/jsonlines" if file.path.endswith(".jsonl") else "application/octet-stream",
        "sha256": file.sha256,
    }


def _field(name: str, kind: str, words: str) -> Mapping[str, object]:
    return {
        "@type": "cr:Field",
        "@id": f"items/{name}",
        "name": name,
        "description": words,
        "dataType": kind,
        "source": {"fileObject": {"@id": ITEMS}, "extract": {"column": name}},
    }
