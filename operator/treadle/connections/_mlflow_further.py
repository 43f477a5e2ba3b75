"""Runs that a program began beside the one that Treadle made for it: MLflow's client adopts the given run for the first `start_run` only."""

from treadle.connections._mlflow_answers import Run
from treadle.connections._mlflow_api import MlflowApi
from treadle.connections._recent import Recent
from treadle.connections.tracking import STARTED_BY

LOOKED_AT, TOLD = 20, 3


class FurtherRuns:
    """Asked once for each run that has ended: a program must end its run before it can begin another."""

    def __init__(self, api: MlflowApi) -> None:
        self._api = api
        self._known: Recent[str, tuple[str, ...]] = Recent()

    async def of(self, run: Run, owner_uid: str) -> tuple[str, ...]:
        """The first ones that are not nested, by id, earliest first."""
        if not owner_uid or not run.info.status.ended:
            return ()
        if (known := self._known.get(run.id)) is not None:
            return known
        begun = await self._api.search_runs(run.info.experiment_id, f"tags.`{STARTED_BY}` = '{owner_uid}'", limit=LOOKED_AT)
        return self._known.put(run.id, tuple(other.id for other in begun if not other.nested and other.id != run.id)[:TOLD])
