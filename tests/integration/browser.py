"""A real browser without a window: Chromium, told what to do by its DevTools protocol."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from e2e.cluster.preflight import check_packages
from e2e.cluster.progress import silent

PATIENCE = 60.0
PAUSE = 0.05


class Tab:
    """One page in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            told = json.loads((await self._socket.receive(timeout=PATIENCE)).data)
            if told.get("id") == number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result

    async def value(self, script: str) -> Any:
        """What an expression of JavaScript is."""
        result = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, script: str) -> Any:
        """Wait until an expression is true; returns its value."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if value := await self.value(script):
                    return value
                await asyncio.sleep(PAUSE)

    async def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {}
        await self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        await self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def picture(self) -> bytes:
        """A screenshot, as PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])


@contextlib.asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    """A tab of a new browser whose profile is in `folder`. Chromium is installed when it is missing and we are root."""
    await asyncio.to_thread(check_packages, silent, {"chromium": "chromium"})
    program = shutil.which("chromium")
    assert program
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=1280,860",
        "--remote-debugging-port=0",
    ]
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - it is awaited by its file
            [program, *flags, f"--user-data-dir={folder / 'profile'}", "about:blank"], stdout=log, stderr=log, start_new_session=True
        )
    try:
        async with aiohttp.ClientSession() as session:
            port = await _port(folder / "profile" / "DevToolsActivePort", process)
            async with session.get(f"http://127.0.0.1:{port}/json") as listed:
                (page,) = [target for target in await listed.json() if target["type"] == "page"]
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                yield Tab(socket)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=PATIENCE)


async def _port(file: Path, process: subprocess.Popen[bytes]) -> int:
    async with asyncio.timeout(PATIENCE):
        while (port := _first_word(file)) is None:
            assert process.poll() is None, "the browser ended"
            await asyncio.sleep(PAUSE)
    return int(port)


def _first_word(file: Path) -> str | None:
    return next(iter(file.read_text().split()), None) if file.exists() else None
