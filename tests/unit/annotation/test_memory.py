"""Only what `AnnotationProjectMemory` names is read back from status, and garbage there is not fatal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.stories.annotation.telling import PROJECT, TEMPLATE, Told, make_project
from treadle.annotation.leaving import Leaving
from treadle.annotation.project import Project
from treadle.api import AnnotationProjectMemory
from treadle.plan import Kind, Object, World

GARBAGE = {"phase": "Released", "run": "nonsense", "conditions": [{"type": "DatasetReleased", "status": "True"}]}


def shown(kind: Kind[Project | Leaving], content: dict[str, Any]) -> Kind[Project | Leaving]:
    """The kind, shown this content in status whenever it looks."""

    def observe(this: Object, world: World) -> Project | Leaving:
        return kind.observe({**this, "status": {**this["status"], **content}} if this.get("status") else this, world)

    return replace(kind, observe=observe)


def life(kind: Kind[Project | Leaving]) -> dict[str, list[str]]:
    told = Told("A life", make_project(train=TEMPLATE), kind=kind)
    told.at("0s", "applied")
    told.synced("20s")
    told.answered("1h", 400, 400, 800)
    told.measured("61m")
    told.released("62m")
    return told.story.tell()


def test_garbage_in_what_is_not_memory_changes_no_plan() -> None:
    assert life(shown(PROJECT, GARBAGE)) == life(PROJECT)


@pytest.mark.parametrize("field", [field.alias or name for name, field in AnnotationProjectMemory.model_fields.items()])
def test_garbage_in_memory_is_dropped(field: str) -> None:
    told = Told("Garbage", kind=shown(PROJECT, {field: {"version": "x", "sync": 7, "digest": []}}))
    told.at("0s", "applied")
    told.at("1m", "the operator restarts")
    assert told.story.tell()["0s, applied"][1].startswith("create Job digits-sync-")
