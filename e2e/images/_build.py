"""Build images side by side, each at most once for the same content."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from e2e.images import _cache
from e2e.images._buildah import Buildah
from e2e.images._command import Work
from e2e.images._engine import Engine, choose
from e2e.images._image import Image, ImageError, Progress, read_digest
from e2e.images._key import KEY_LENGTH, LEFT_OUT, image_key
from e2e.images._recipes import RECIPES, Recipe
from e2e.images._wheels import wheelhouse

AT_ONCE = 2
"""Builds that run side by side; they are bound by disk and by single-threaded installers."""
KEPT = 2
"""Archives kept per image, so that a change and its undoing are both quick."""


def build(names: Iterable[str] | None = None, progress: Progress = print) -> Mapping[str, Image]:
    """Build the named images (all but those apart, when silent) and return them by name. What did not change comes from the cache.

    Raises:
        ImageError: a name is unknown, nothing here can build images, or a build failed.
    """
    return {image.name: image for image in built(names, progress)}


def built(names: Iterable[str] | None = None, progress: Progress = print) -> Generator[Image]:
    """The same, each image as soon as it is there. Whoever closes this earlier waits for what is being built, and nothing more is begun.

    Raises:
        ImageError: see `build`.
    """
    everyday = [name for name, recipe in RECIPES.items() if not recipe.apart]
    recipes = [_recipe(name) for name in (everyday if names is None else dict.fromkeys(names))]
    engine = choose()
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="image") as pool:
        try:
            for future in as_completed([pool.submit(_one, recipe, engine, progress) for recipe in recipes]):
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def clean() -> None:
    """Remove everything kept between builds. No build may be running."""
    if (_cache.root() / "storage").exists() and shutil.which("buildah"):
        Buildah().let_go()
    shutil.rmtree(_cache.root())


def _recipe(name: str) -> Recipe:
    if name not in RECIPES:
        raise ImageError(f"There is no image {name!r}; there are {', '.join(RECIPES)}.")
    return RECIPES[name]


def _one(recipe: Recipe, engine: Engine, progress: Progress) -> Image:
    with _cache.locked(recipe.name):
        work = Work.begin(recipe.name, progress)
        tool = _tool(recipe, work)
        key = image_key(recipe, base=engine.base_key if recipe.lock else "scratch", tool=tool)
        archive, tag = _cache.folder("archives") / f"{recipe.name}-{key}.tar", recipe.tag(key)
        if not archive.exists():
            _make(recipe, engine, work, archive, tag, tool)
        os.utime(archive)
        _forget_older(recipe, engine, work)
        return Image(name=recipe.name, tag=tag, archive_path=archive, digest=_digest(archive))


def reproduce(names: Iterable[str], progress: Progress = print) -> Mapping[str, tuple[str, str]]:
    """Build each named image twice from nothing but its wheels and sources; returns the digests of both by name.

    Raises:
        ImageError: a build failed.
    """
    engine, found = choose(), {}
    for name in names:
        recipe = _recipe(name)
        with _cache.locked(recipe.name):
            work = Work.begin(recipe.name, progress)
            engine.prepare(work)
            found[name] = (_again(recipe, engine, work), _again(recipe, engine, work))
    return found


def _again(recipe: Recipe, engine: Engine, work: Work) -> str:
    """The digest of an image that is built, without any layer of earlier, and thrown away."""
    tag = f"treadle.local/again-{recipe.name}:0"
    with tempfile.TemporaryDirectory(dir=_cache.folder("scratch")) as scratch:
        context = _context(recipe, engine, work, Path(scratch), None)
        engine.build(work, context, tag, layered=False)
        engine.save(work, tag, context / "image.tar")
        engine.forget(work, tag)
        return read_digest(context / "image.tar")


def _make(recipe: Recipe, engine: Engine, work: Work, archive: Path, tag: str, tool: Path | None) -> None:
    if recipe.lock:
        engine.prepare(work)
    with tempfile.TemporaryDirectory(dir=_cache.folder("scratch")) as scratch:
        context = _context(recipe, engine, work, Path(scratch), tool)
        engine.build(work, context, tag, layered=recipe.layered)
        unfinished = context / "image.tar"
        engine.save(work, tag, unfinished)
        _note_digest(archive, read_digest(unfinished))
        unfinished.rename(archive)
    work.say(f"ready, {archive.stat().st_size / 1e6:.0f} MB")


def _context(recipe: Recipe, engine: Engine, work: Work, context: Path, tool: Path | None) -> Path:
    """Fill a folder with all that the build reads."""
    shutil.copy(recipe.containerfile, context / "Containerfile")
    if recipe.lock:
        shutil.copy(recipe.lock, context / "requirements.txt")
        # Hard links: a gigabyte of wheels is not copied to be read once.
        shutil.copytree(wheelhouse(work, engine, recipe.lock), context / "wheels", copy_function=os.link)
    if tool:
        shutil.copy(tool, context / recipe.tool)
    for place, source in recipe.sources.items():
        if source.is_dir():
            shutil.copytree(source, context / place, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            shutil.copy(source, context / place)
    return context


def _tool(recipe: Recipe, work: Work) -> Path | None:
    """Return the binary an image is made of; the first time it is compiled."""
    if not recipe.tool:
        return None
    from e2e.cluster import Problem, tool

    try:
        return tool(recipe.tool, work.say)
    except Problem as problem:
        raise ImageError(str(problem)) from problem


def _note_digest(archive: Path, digest: str) -> None:
    """Keep the digest beside the archive: reading it from a gigabyte of tar takes seconds."""
    archive.with_suffix(".json").write_text(json.dumps({"digest": digest}))


def _digest(archive: Path) -> str:
    return str(json.loads(archive.with_suffix(".json").read_text())["digest"])


def _forget_older(recipe: Recipe, engine: Engine, work: Work) -> None:
    """Remove the archives and images but those used last."""
    archives = _cache.folder("archives").glob(f"{recipe.name}-{'?' * KEY_LENGTH}.tar")
    for archive in sorted(archives, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        if not recipe.version:
            engine.forget(work, recipe.tag(archive.stem[-KEY_LENGTH:]))
        archive.with_suffix(".json").unlink(missing_ok=True)
        archive.unlink()
