"""Reads what a serving container has spooled: notes, each with its item beside it."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from treadle.contracts.feedback import ITEM, NOTE, FeedbackNote


def spooled(directory: Path, suffix: str = NOTE) -> Iterator[tuple[Path, FeedbackNote]]:
    """Notes whose item is there, the oldest first; what is neither is removed."""
    for path, note in notes(directory, suffix):
        if path.with_suffix(ITEM).is_file():
            yield path, note
        else:
            path.unlink()


def notes(directory: Path, suffix: str) -> Iterator[tuple[Path, FeedbackNote]]:
    """Notes that can be read, the oldest first; others are removed."""
    for path in sorted(directory.glob(f"*{suffix}"), key=lambda found: found.stat().st_mtime):
        try:
            note = FeedbackNote.model_validate_json(path.read_bytes())
        except ValidationError:
            path.unlink()
            continue
        yield path, note


__all__ = ["notes", "spooled"]
