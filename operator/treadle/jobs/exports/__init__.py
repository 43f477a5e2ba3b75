"""Export formats: one file per format. Formats consume canonical label shapes only; which ones fit a task type is said by the type."""

from collections.abc import Mapping

from treadle.jobs.exports._export import Export, File, Format, TextItem, Unfit
from treadle.jobs.exports.coco import coco
from treadle.jobs.exports.conll import conll
from treadle.jobs.exports.csv import csv
from treadle.jobs.exports.dvc import dvc
from treadle.jobs.exports.hugging_face import hugging_face
from treadle.jobs.exports.image_folder import image_folder
from treadle.jobs.exports.jsonl import jsonl
from treadle.jobs.exports.mask_png import mask_png
from treadle.jobs.exports.parquet import parquet
from treadle.jobs.exports.voc import voc
from treadle.jobs.exports.yolo import yolo

FORMATS: Mapping[str, Format] = {
    "Coco": coco,
    "Conll": conll,
    "Csv": csv,
    "Dvc": dvc,
    "HuggingFace": hugging_face,
    "ImageFolder": image_folder,
    "Jsonl": jsonl,
    "MaskPng": mask_png,
    "Parquet": parquet,
    "Voc": voc,
    "Yolo": yolo,
}
"""By their name in `spec.dataset.formats`."""
OF_TEXTS = frozenset({"Conll", "HuggingFace", "Parquet"})
"""Formats that hold the texts themselves, where items are texts: they are given `TextItem`s."""
OF_SIZES = frozenset({"Coco", "MaskPng", "Voc", "Yolo"})
"""Formats that say how large each image is."""

__all__ = ["FORMATS", "OF_SIZES", "OF_TEXTS", "Export", "File", "Format", "TextItem", "Unfit"]
