"""Optional kinds come and go: one that is installed later is watched then, without a restart."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.control_plane import Place
from tests.integration.engine_toy import LABELS, TOY, eventually, permissive_crd
from treadle.engine import Access, KubernetesCluster, LeaseName, Settings, Wire, _sync
from treadle.engine._run import Engine
from treadle.plan import Object, Ref

SET = Ref("JobSet", "", "many")


async def test_an_optional_kind_that_is_installed_later_is_watched_then(toys: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_sync, "REDISCOVER", 0.5)
    cluster = KubernetesCluster(Wire(Access(str(toys.cluster.kubeconfig))))
    settings = Settings(lease=LeaseName(toys.namespace, "toy", "a"), namespaces=(toys.namespace,), host="127.0.0.1", port=0)
    engine = Engine([TOY], cluster=cluster, connections={}, settings=settings, clock=lambda: datetime.now(UTC))
    running = asyncio.create_task(engine.run())
    try:
        await eventually("synced", lambda: synced(engine))
        assert "JobSet" not in engine._sync._watched
        toys.cluster.apply(permissive_crd("JobSet", "jobsets", group="jobset.x-k8s.io", version="v1alpha2"))
        await eventually("watched", lambda: watched(engine, "JobSet"))
        metadata = {"name": "many", "namespace": toys.namespace, "labels": LABELS}
        this: dict[str, Any] = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": metadata, "spec": {}}
        await eventually("made", lambda: made(toys, this))
        await eventually("known", lambda: known(engine, SET._replace(namespace=toys.namespace)))
        assert engine._sync.missing() is None
    finally:
        running.cancel()
        await asyncio.wait({running}, timeout=20)
        await cluster.close()


async def synced(engine: Engine) -> bool:
    return engine._sync.missing() is None


async def watched(engine: Engine, kind: str) -> bool:
    return kind in engine._sync._watched


async def known(engine: Engine, ref: Ref) -> Object | None:
    return engine._memory.get(ref)


async def made(toys: Place, this: dict[str, Any]) -> bool:
    await asyncio.to_thread(toys.cluster.apply, this)
    return True
