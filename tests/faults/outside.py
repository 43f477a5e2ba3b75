"""The cases of MLflow, Label Studio and S3."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from tests.faults import cases
from tests.faults.cases import http_cases, store_cases
from tests.faults.drill import Breakdown, Case
from tests.faults.scenes import Projects, Runs, Scene
from tests.faults.world import System, World
from tests.integration.engine_toy import eventually

MLFLOW_WRITES = {"experiments/create": "POST", "runs/create": "POST", "runs/log-batch": "POST", "runs/update": "POST"}
UNTOLD = 8.0
"""Seconds."""
LABEL_STUDIO_WRITES = {r"/api/projects/$": "POST", r"/api/projects/[0-9]+/$": "PATCH"}


def outside() -> Sequence[Case]:
    """All of them."""
    return [
        *map(_of_mlflow, http_cases("", MLFLOW_WRITES)),
        *map(_of_label_studio, http_cases("", LABEL_STUDIO_WRITES)),
        *map(_of_stores, store_cases("")),
    ]


def _of_mlflow(plain: cases.Case) -> Case:
    fault = _proxied(System.MLFLOW, plain, lambda elsewhere: http_cases(elsewhere, MLFLOW_WRITES))
    return _case(System.MLFLOW, f"mlflow-{plain.name}", plain, fault, Runs(tracked=True))


def _of_label_studio(plain: cases.Case) -> Case:
    fault = _proxied(System.LABEL_STUDIO, plain, lambda elsewhere: http_cases(elsewhere, LABEL_STUDIO_WRITES))
    if plain.name == "refuses":
        plain, fault = replace(plain, words="the operator's token is wrong"), wrong_token
    return _case(System.LABEL_STUDIO, f"labels-{plain.name}", plain, fault, Projects(standing=plain.name != "writes"))


def _of_stores(plain: cases.Case) -> Case:
    fault = wrong_keys if plain.name == "refuses" else _proxied(System.S3, plain, store_cases)
    return _case(System.S3, f"store-{plain.name}", plain, fault, Projects(standing=False))


def _case(system: System, name: str, plain: cases.Case, fault: Breakdown, scene: Scene) -> Case:
    """What nobody has to tell lasts long enough to happen to everybody."""
    lasts = 0.0 if plain.reason else UNTOLD
    return Case(system=system, name=name, words=plain.words, fault=fault, scene=scene, reason=plain.reason, lasts=lasts)


def _proxied(system: System, plain: cases.Case, told: Callable[[str], Sequence[cases.Case]]) -> Breakdown:
    """The proxy before a system fails in this way."""

    @asynccontextmanager
    async def broken(world: World, name: str) -> AsyncIterator[None]:
        standing = world.proxies[system]

        async def met() -> bool:
            return plain.refused or standing.happened() > 0

        if plain.refused:
            standing.refuse()
        else:
            standing.set(*next(case for case in told(world.elsewhere.url) if case.name == plain.name).faults)
        try:
            yield
            await eventually("somebody meets the fault", met, timeout=30)
        finally:
            standing.accept() if plain.refused else standing.set()

    return broken


@asynccontextmanager
async def wrong_token(world: World, name: str) -> AsyncIterator[None]:
    """The operator's token for Label Studio is another than Label Studio's."""
    world.spoil_label_studio_token(spoilt=True)
    try:
        yield
    finally:
        world.spoil_label_studio_token(spoilt=False)


@asynccontextmanager
async def wrong_keys(world: World, name: str) -> AsyncIterator[None]:
    """The tenant's Secret holds keys that the store does not know."""
    world.keys.spoilt = True
    try:
        yield
    finally:
        world.keys.spoilt = False
