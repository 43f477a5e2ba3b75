"""Our own programs as processes that can be killed: the operator, the Jobs, and the serving runtime.

They are forked from a process that has read their modules and done nothing else, so that a start costs milliseconds instead of seconds. What runs
is what `python -m treadle.main`, `python -m treadle.jobs` and `python -m treadle.runtime` run.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from treadle.jobs.__main__ import main as job
from treadle.main import main as operator
from treadle.runtime.__main__ import main as runtime


@cache
def _forks() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.programs", "skops.io"])  # the latter reads all of scikit-learn as soon as a model is loaded
    return context


def start_operator(arguments: Sequence[str], log: Path) -> BaseProcess:
    """Run the operator with these arguments."""
    return started(_operate, list(arguments), log)


def start_runtime(environment: Mapping[str, str], log: Path) -> BaseProcess:
    """Run the serving runtime with these variables."""
    return started(_serve, dict(environment), log)


async def warm_up() -> None:
    """Let the modules be read, so that the first start takes no longer than any other."""
    process = await asyncio.to_thread(started, _idle)
    await ended(process)


async def run_job(environment: Mapping[str, str], log: Path) -> int:
    """Run a Job to its end; returns its exit code."""
    return await ended(started(_work, dict(environment), log))


async def ended(process: BaseProcess) -> int:
    """Wait until a process has ended; returns its exit code, negative when it was killed. If the wait is given up, it is killed."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(process.sentinel, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
        if process.is_alive():
            process.kill()
        process.join()
    return int(process.exitcode or 0)


def started(body: Callable[..., None], *arguments: object) -> BaseProcess:
    """Run a function in a process of its own."""
    process = _forks().Process(target=body, args=arguments, daemon=True)
    process.start()
    return process


def _idle() -> None:
    pass


def _operate(arguments: list[str], log: Path) -> None:
    write_to(log)
    sys.exit(operator(arguments))


def _work(environment: dict[str, str], log: Path) -> None:
    write_to(log)
    os.environ.update(environment)
    sys.exit(job())


def _serve(environment: dict[str, str], log: Path) -> None:
    write_to(log)
    os.environ.update(environment)
    sys.exit(runtime())


def write_to(log: Path) -> None:
    """Let this process say everything to a file."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
