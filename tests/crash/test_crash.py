"""Dying at every outside call, in every way; `make crash`. A sample is part of the integration tests."""

from pathlib import Path

import pytest

from e2e.cluster import Cluster
from tests.crash import report
from tests.crash.all_places import die_at, undisturbed
from tests.crash.kinds import unexpected
from tests.crash.moves import JobSetInstalled
from tests.crash.parts import PARTS, Part
from tests.crash.records import Records
from tests.crash.room import servers
from tests.integration.servers import LabelStudioServer, S3Server


@pytest.mark.parametrize("part", PARTS, ids=str)
async def test_a_life_ends_the_same_wherever_its_operator_dies(
    part: Part, control_plane: Cluster, mlflow: str, label_studio: LabelStudioServer, s3: S3Server, tmp_path: Path
) -> None:
    records = Records(str(part))
    async with servers(control_plane, mlflow, label_studio, s3, tmp_path) as here:
        if (alone := records.undisturbed) is None:
            alone = await undisturbed(here, part.life)
            assert unexpected(part.life, alone.outcome) == {}
            records.begin(alone)
        known = [death.place for death in records.deaths]
        places = [place for place in part.places(alone.calls) if place not in known]
        if isinstance(part.change, JobSetInstalled) and places:
            part.change.expect(alone.outcome, len(places))
        await die_at(here, part.life, places, part.change, at_once=part.at_once(places), keep=records.keep)
    report.write(part.life.name)
    assert part.differing(records) == []
