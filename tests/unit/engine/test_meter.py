"""What objects used is counted once, whatever restarts and whoever is deleted."""

from treadle.engine._meter import Meter
from treadle.engine._metrics import Metrics
from treadle.plan import Usage
from treadle.training.usage import usage


def used(seconds: int) -> Usage:
    return Usage("shelf", "NVIDIA-A100", seconds)


def total(metrics: Metrics) -> float | None:
    labels = {"tenant_namespace": "ml", "project": "shelf", "product": "NVIDIA-A100"}
    return metrics.registry.get_sample_value("treadle_gpu_seconds_total", labels)


def test_growth_is_counted_and_deletion_takes_nothing_back() -> None:
    metrics = Metrics()
    meter = Meter(metrics)
    for uid, seconds in (("a", 0), ("a", 100), ("a", 100), ("b", 0), ("b", 50)):
        meter.read(uid, "ml", used(seconds))
    meter.forget("a")
    assert total(metrics) == 150


def test_what_an_earlier_process_counted_is_not_counted_again() -> None:
    metrics = Metrics()
    meter = Meter(metrics)
    meter.read("a", "ml", used(3600))
    assert total(metrics) == 0
    meter.read("a", "ml", used(4000))
    assert total(metrics) == 400


def test_a_total_that_somebody_turned_back_is_no_credit() -> None:
    metrics = Metrics()
    meter = Meter(metrics)
    for seconds in (100, 0, 100):
        meter.read("a", "ml", used(seconds))
    assert total(metrics) == 100


def test_a_run_tells_project_product_and_seconds() -> None:
    spec = {"dataset": {"project": "shelf"}, "resources": {"gpu": 4, "gpuProduct": "NVIDIA-A100"}}
    assert usage({"spec": spec, "status": {"gpuSeconds": 7}}) == Usage("shelf", "NVIDIA-A100", 7)
    assert usage({"spec": {"resources": {"gpu": 1}}, "status": {"gpuSeconds": "many"}}) == Usage("", "nvidia.com/gpu", 0)
    assert usage({"spec": {"resources": {"cpu": "1"}}}) is None
    assert usage({"spec": {"evaluate": {"resources": {"gpu": 1}}}, "status": {"gpuSeconds": 3}}) == Usage("", "nvidia.com/gpu", 3)
