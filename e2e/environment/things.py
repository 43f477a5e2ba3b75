"""Bringing up the cluster and building the images side by side, then loading each image as soon as both are there."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from e2e.cluster.progress import Progress
from e2e.environment.target import Target
from e2e.images import built

IMAGES = ("versitygw", "mlflow", "label-studio", "treadle-operator", "treadle-jobs", "treadle-runtime", "demo-train")


def prepare(target: Target, progress: Progress, images: Sequence[str] = IMAGES) -> Mapping[str, str]:
    """Bring the cluster up and the images into it; returns the name that pods use, by image.

    Raises:
        Problem, ImageError: one sentence that names the remedy.
    """
    target.check(progress)
    with ThreadPoolExecutor(1) as pool, closing(built(images, progress)) as ready:
        cluster = pool.submit(target.up, progress)
        known = {}
        for image in ready:
            cluster.result()
            known[image.name] = target.load(image, progress)
    return known
