"""The loop of the demo in a namespace of its own, turned while the operator is killed at every station."""

import time
from pathlib import Path

from e2e.conftest import Environment, make_namespace
from e2e.demo.loop import Loop
from e2e.demo.stations import FIRST_TURN
from e2e.demo.view import View

NAMESPACE = "e2e-loop"
LIVE = "  - {name: live, uri: s3://digits-raw/feedback/, kind: Feedback}\n"
"""The line of the project by which it takes back what the served model met."""


class KillingView(View):
    """A view that kills the operator's pod each time a station begins."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(time.monotonic())
        self.environment = environment
        self.kills = 0

    def begin(self, name: str, what: str, then: str = "") -> None:
        """A stage starts; if it is a station, the operator dies."""
        super().begin(name, what, then)
        if name in {station.name for station in FIRST_TURN}:
            self.environment.kill_operator()
            self.kills += 1


class RestingLoop(Loop):
    """Takes nothing back from the served model until it is woken, so that it can be told that nothing is written while nothing happens."""

    resting = True

    def wake(self) -> None:
        """From now on the loop is as the demo's, only quicker."""
        self.resting = False
        self.apply()

    def _manifest(self, path: Path) -> str:
        text = super()._manifest(path)
        if self.resting:
            return text.replace("resync: 1m", "resync: 6h").replace(LIVE, "")
        return text.replace("resync: 1m", "resync: 30s")


def turned(environment: Environment) -> RestingLoop:
    """The loop after its first turn."""
    view = KillingView(environment)
    with view:
        loop = RestingLoop(environment.target, environment.images, view, NAMESPACE)
        make_namespace(environment, NAMESPACE)
        loop.bring_data()
        loop.apply()
        loop.start_annotators()
        loop.follow()
    assert view.kills >= len(FIRST_TURN)
    return loop
