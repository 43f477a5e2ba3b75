"""A sample of the places at which the operator may die, for each kind; `make crash` dies at all of them."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from e2e.cluster import Cluster
from tests.crash.all_places import Death, after_writes, die_at, die_in_turn, is_fragile, places, undisturbed
from tests.crash.kinds import LIVES, changes, unexpected
from tests.crash.life import Life
from tests.crash.room import Servers, servers
from tests.integration.servers import LabelStudioServer, S3Server, label_studio_server

SEED = 4
KILLED = 10
IN_ONE_LIFE = 5
CANCELLED = 1


@pytest.fixture
def label_studio(tmp_path: Path) -> Iterator[LabelStudioServer]:
    """One of its own: with an operator killed amid deleting, deletions may overlap after all, and then it counts no annotations any more."""
    with label_studio_server(tmp_path / "label-studio") as running:
        yield running


async def test_every_kind_ends_the_same_where_its_operator_dies(
    control_plane: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, tmp_path: Path
) -> None:
    async with servers(control_plane, mlflow, label_studio, s3, tmp_path) as here:
        differing = await asyncio.gather(*(_differing(here, life) for life in LIVES))
    assert differing == [[]] * len(LIVES)


async def _differing(here: Servers, life: Life) -> Sequence[Death]:
    """Die at some places, and change the world after a call; returns the deaths that came to another end."""
    chance = random.Random(SEED)
    alone = await undisturbed(here, life)
    assert unexpected(life, alone.outcome) == {}
    always = [call for call in alone.calls if not is_fragile(call)]
    killed = sorted(chance.sample(every := places(always, "SIGKILL"), KILLED), key=every.index)
    series = [die_in_turn(here, life, killed[first :: KILLED // IN_ONE_LIFE]) for first in range(KILLED // IN_ONE_LIFE)]
    series.append(die_at(here, life, chance.sample(places(always, "cancelled"), CANCELLED)))
    changed = [die_at(here, disturbed, chance.sample(after_writes(always), 1), change) for disturbed, change in changes(life.kind)]
    ended, held = await asyncio.gather(asyncio.gather(*series), asyncio.gather(*changed))
    return [
        *(death for deaths in ended for death in deaths if death.differs(alone.outcome)),
        *(death for deaths in held for death in deaths if death.differs({})),
    ]
