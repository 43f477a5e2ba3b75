"""A gate in the network between one operator and one server: shut, nothing passes in either direction; opened again, what was kept goes on.

It passes bytes, so TLS stays between the two. A request that was under way when the gate was shut arrives late, even if whoever sent it has given up
or is dead by then: that is what a network does, and what a successor must bear.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CHUNK = 65536
FAREWELL = 2.0
"""Seconds in which a server may still answer to a client that has gone."""


@dataclass(eq=False)
class Passage:
    """One connection through the gate.

    Attributes:
        kept: bytes of the client that wait.
        unanswered: whether kept bytes were passed on, and nothing came back since.
    """

    kept: int = 0
    unanswered: bool = False
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Gate:
    """Open at first; see the module."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._open = asyncio.Event()
        self._open.set()
        self._passages: set[Passage] = set()
        self.address = ""

    def shut(self) -> None:
        """Keep everything back."""
        self._open.clear()

    def open(self) -> int:
        """Let everything pass again, what was kept first; returns how many connections had kept bytes of a client."""
        late = [passage for passage in self._passages if passage.kept]
        for passage in late:
            passage.unanswered = True
        self._open.set()
        return len(late)

    def quiet(self) -> bool:
        """Whether everything that came late was answered, or its connection is over."""
        return not any(passage.unanswered for passage in self._passages)

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        passage = Passage()
        self._passages.add(passage)
        try:
            there, back = await asyncio.open_connection(self._host, self._port)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._towards_server(passage, reader, back))
                group.create_task(self._towards_client(passage, there, writer))
        except (OSError, ExceptionGroup):
            pass  # either side is gone
        finally:
            self._passages.discard(passage)
            writer.close()

    async def _towards_server(self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read all the time, so that the client's going away loses nothing; write when the gate is open."""
        waiting: asyncio.Queue[bytes] = asyncio.Queue()

        async def read() -> None:
            chunk = b"-"
            while chunk:
                chunk = b""
                with suppress(OSError):
                    chunk = await reader.read(CHUNK)
                passage.kept += len(chunk)
                waiting.put_nowait(chunk)

        reading = asyncio.create_task(read())
        try:
            while chunk := await waiting.get():
                await self._open.wait()
                passage.answered.clear()
                writer.write(chunk)
                await writer.drain()
                passage.kept -= len(chunk)
            await self._open.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await passage.answered.wait()
        finally:
            reading.cancel()
            writer.close()

    async def _towards_client(self, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._open.wait()
            passage.unanswered = False
            passage.answered.set()
            with suppress(OSError):
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def gate(host: str, port: int) -> AsyncIterator[Gate]:
    """A gate on a free loopback port while the block runs."""
    passing = Gate(host, port)
    server = await asyncio.start_server(passing.pass_on, sock=socket.create_server(("127.0.0.1", 0)))
    passing.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield passing
    finally:
        passing.open()
        server.close()
