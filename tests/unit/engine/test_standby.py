"""A replica that does not lead knows everything and collects nothing to do."""

from tests.unit.engine.clocks import START
from tests.unit.engine.toy import TOY
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire
from treadle.engine._run import Engine
from treadle.plan import Ref


def test_a_replica_that_does_not_lead_collects_no_keys() -> None:
    cluster = KubernetesCluster(Wire(Access("kubeconfig")))
    settings = Settings(lease=LeaseName("treadle-system", "treadle", "me"))
    engine = Engine([TOY], cluster=cluster, connections={}, settings=settings, clock=lambda: START)
    engine.wake({Ref("TrainingRun", "ml", f"run-{number}") for number in range(100)})
    assert engine.waiting == 0
