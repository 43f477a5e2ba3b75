"""What is observed of an AnnotationProject that is being deleted: all that matters is what becomes of its labelling project.

Which one that is follows from the spec, or from what is remembered in status, so that an object goes also when its spec is not understood any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from treadle.annotation.project import Counted, Labelling
from treadle.api import AnnotationProjectMemory, AnnotationProjectSpec, names, read_status
from treadle.connections.installation import DEFAULT, Granted, Installation, Owner
from treadle.connections.labelling import FindLabellingProject, LabellingProgress, LabellingProject
from treadle.plan import Object, Ref, Trouble, World, read_spec, ref_of


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """An AnnotationProject on its way out.

    Attributes:
        since: its deletionTimestamp.
        held: our finalizer is on it.
        closing: the connection through which its labelling project is to be closed; None: there is nothing to close.
        labelling: the project in the backend; None: confirmed absent, or not asked.
        progress: how far people are there.
    """

    ref: Ref
    uid: str
    owner: Owner
    since: datetime
    held: bool
    memory: AnnotationProjectMemory
    closing: str | None
    labelling: Labelling = None
    progress: Counted = None


def observe_leaving(installation: Installation, this: Object, world: World) -> Leaving:
    """Read what concerns an AnnotationProject with a deletionTimestamp."""
    metadata: Mapping[str, Any] = this["metadata"]
    held = names.FINALIZER in (metadata.get("finalizers") or ())
    memory, owner = read_status(this, AnnotationProjectMemory), installation.owner_of(this)
    closing = _closing(installation, this, memory) if held else None
    labelling: Labelling = None
    progress: Counted = None
    if closing is not None:
        labelling = world.ask(FindLabellingProject(connection=closing, owner=owner))
        if isinstance(labelling, LabellingProject):
            progress = world.ask(LabellingProgress(connection=closing, project=labelling.id))
    return Leaving(
        ref=ref_of(this),
        uid=metadata["uid"],
        owner=owner,
        since=datetime.fromisoformat(metadata["deletionTimestamp"]),
        held=held,
        memory=memory,
        closing=closing,
        labelling=labelling,
        progress=progress,
    )


def _closing(installation: Installation, this: Object, memory: AnnotationProjectMemory) -> str | None:
    try:
        spec = read_spec(this, AnnotationProjectSpec)
    except Trouble:  # our finalizer says that it was to be deleted as well, when the spec was understood
        known = memory.labelling_project
        connection = known.connection if known is not None and not known.adopted else None
    else:
        ours = spec.deletion_policy == "Delete" and spec.backend.type == "LabelStudio" and spec.backend.adopt is None
        connection = (spec.backend.connection or DEFAULT) if ours else None
    if connection is None:
        return None
    granted = installation.label_studio(connection, ref_of(this).namespace)
    return granted.key if isinstance(granted, Granted) else None
