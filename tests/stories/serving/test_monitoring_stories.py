"""Monitoring, told: objects of the Prometheus operator, where the platform team has switched them on and the cluster knows them."""

from tests.stories.story import Story
from tests.unit.serving.things import CANDIDATE, CHAMPION, INSTALLATION, make_deployment, numbered, version
from treadle.connections.installation import MonitoringSettings
from treadle.serving import model_deployment
from treadle.workloads.add_ons import KindMissing

KIND = model_deployment(INSTALLATION.model_copy(update={"monitoring": MonitoringSettings()}))
MISSING = KindMissing(kind="PodMonitor")


def test_monitoring_comes_with_the_prometheus_operator_and_goes_when_nobody_wants_it() -> None:
    told = Story("Monitoring comes with the Prometheus operator, and goes when it is not wanted", KIND, make_deployment())
    registry = {CANDIDATE: version("1"), numbered("1"): version("1"), CHAMPION: None}
    told.at("0s", "applied in a cluster without it", answers={**registry, MISSING: True})
    told.at("1h", "the Prometheus operator is installed", answers={MISSING: False})
    told.at("2h", "no alerts are wanted", this={"spec": {"monitoring": {"alerts": False}}})
    told.check("serving/monitoring.yaml")
