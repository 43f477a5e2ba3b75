"""An operator that dies around its orders to serving pods: the rollouts end as without its death."""

import asyncio
from pathlib import Path

from e2e.cluster import Cluster
from tests.crash.all_places import die_in_turn, places, undisturbed
from tests.crash.proving_life import ProvingLife
from tests.crash.room import servers
from tests.integration.servers import LabelStudioServer, S3Server

ORDER = "serving pods PUT order "


async def test_rollouts_end_the_same_where_an_operator_dies_around_its_orders(
    control_plane: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, tmp_path: Path
) -> None:
    life = ProvingLife()
    async with servers(control_plane, mlflow, label_studio, s3, tmp_path) as here:
        alone = await undisturbed(here, life)
        assert alone.outcome["aliases"] == "{'candidate': '3', 'champion': '2'}"
        assert alone.outcome["rollouts"] == "Promoted, Promoted, RolledBack"
        orders = [call for call in alone.calls if call.startswith(ORDER)]
        assert len(orders) == 4, "copies and a share for the second version; copies for the third, and back"
        sampled = places(orders, "SIGKILL")[1::3]
        assert len(sampled) == 3, "after the first order, before the third, after the last"
        deaths = await asyncio.gather(*(die_in_turn(here, life, [place]) for place in sampled))
    assert [death for series in deaths for death in series if death.differs(alone.outcome)] == []
