"""The kinds that are crashed, and what may happen to each between crash and restart."""

from collections.abc import Mapping, Sequence

from tests.crash.annotation_life import AnnotationLife
from tests.crash.changes import Deleted, Recreated
from tests.crash.life import Change, Life, Outcome
from tests.crash.moves import AliasMovedFromServing, AliasMovedFromTraining, DatasetReleased, LatestDatasetLife
from tests.crash.proving_life import ProvingLife
from tests.crash.serving_life import ServingLife
from tests.crash.training_life import TrainingLife

TRAINING, ANNOTATION, SERVING, PROVING = TrainingLife(), AnnotationLife(), ServingLife(), ProvingLife()
LIVES: Sequence[Life] = (ANNOTATION, TRAINING, SERVING)
"""One of each kind."""
EVERY_LIFE: Sequence[Life] = (*LIVES, PROVING)

ENDS: Mapping[str, Mapping[str, str]] = {
    TRAINING.name: {
        "made": "Job digits-1, Job digits-2",
        "deleted": "Job digits-1",
        "tracking runs": "FINISHED",
        "model versions": "1 candidate",
    },
    ANNOTATION.name: {
        "made": "Job digits-quality-*-1, Job digits-release-*-1, Job digits-sync-*-1, Job digits-v1-1, TrainingRun digits-v1",
        "deleted": "nothing",
        "labelling projects, each with its tasks' answers": "[[1, 1]]",
        "dataset versions": "v0001",
        "trains on": '{"project": "digits", "version": "1"}',
    },
    SERVING.name: {
        "made": "2 x Deployment digits-*, PodDisruptionBudget digits, Service digits",
        "deleted": "Deployment digits-*",
        "aliases": "{'candidate': '2', 'champion': '2'}",
        "promoted": "1, 2",
    },
    PROVING.name: {
        "aliases": "{'candidate': '3', 'champion': '2'}",
        "rollouts": "Promoted, Promoted, RolledBack",
    },
}
"""What an undisturbed life must have come to, by its name: one Job per attempt, one tracking run, one labelling project, no task or answer twice."""


def changes(kind: str) -> Sequence[tuple[Life, Change]]:
    """What may happen to an object of a kind, each with the life to which it happens; JobSet apart."""
    kept, latest = AnnotationLife("Retain"), LatestDatasetLife()
    every: Sequence[tuple[Life, Change]] = (
        (ANNOTATION, Deleted(ANNOTATION, "no Job is made or left; the labelling project goes if it is empty, and stays if it holds an answer")),
        (kept, Recreated(kept, "the same labelling project and answers, version 1, the one run")),
        (TRAINING, Deleted(TRAINING, "no Job is made or left, the tracking run is closed")),
        (TRAINING, Recreated(TRAINING, "a run that had ended is taken up from MLflow; any other has its own Jobs and tracking run, none shared")),
        (TRAINING, AliasMovedFromTraining(TRAINING)),
        (latest, DatasetReleased(latest)),
        (SERVING, Deleted(SERVING, "nothing is made or left")),
        (SERVING, Recreated(SERVING, "the champion serves, from children of its own")),
        (SERVING, AliasMovedFromServing()),
    )
    return [(life, change) for life, change in every if life.kind == kind]


def unexpected(life: Life, outcome: Outcome) -> dict[str, str]:
    """What of an undisturbed life is not as it must be."""
    return {what: outcome[what] for what, value in ENDS[life.name].items() if outcome[what] != value}
