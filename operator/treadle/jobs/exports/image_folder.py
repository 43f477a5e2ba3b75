"""ImageFolder: `<split>/<label>/<file>`, what torchvision and many others read without a word of configuration."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import quote

from treadle.contracts.dataset import DatasetItem, ExportFile
from treadle.contracts.labels import ClassLabel, LabelSchema
from treadle.jobs.exports._export import Export, File, file_name, label_of

RESERVED = '/\\%:*?"<>|'
"""What some file system or archive does not take in a name, and the sign that encodes it."""


def image_folder(items: Sequence[DatasetItem], schema: LabelSchema) -> Export:
    """One directory per split and label; `classes.txt` holds the labels in the schema's order, since directories have none."""
    index = tuple(
        ExportFile(
            path=str(PurePosixPath(item.split, _directory(label_of(item, ClassLabel).label), file_name(item))),
            uri=item.uri,
            sha256=item.sha256,
            split=item.split,
        )
        for item in items
    )
    return Export(index, (File("classes.txt", "".join(f"{_directory(name)}\n" for name in schema.names).encode()),))


def _directory(label: str) -> str:
    """A label as a directory's name: what paths do not allow is percent-encoded, and no label leads out of its directory."""
    encoded = "".join(quote(letter, safe="") if letter in RESERVED or not letter.isprintable() else letter for letter in label)
    return encoded.replace(".", "%2E") if set(encoded) == {"."} else encoded
