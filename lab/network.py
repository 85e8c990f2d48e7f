"""Ports of 127.0.0.1, and a way in from the machine's network to the private one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
import random
import socket
from typing import Final

from lab.errors import LabError

LOCALHOST: Final = "127.0.0.1"
CHUNK: Final = 64 * 1024
PORTS: Final = range(18_000, 32_000)
"""Where free ports are taken from: below those that systems give to outgoing connections, one of which
might otherwise have a server's port just when that server is restarted."""


def listen(port: int = 0) -> socket.socket:
    """Take a port for good; 0 takes a free one."""
    if port == 0:
        return _listen_anywhere()
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOCALHOST, port))
        sock.listen(128)
    except (OSError, OverflowError) as err:
        sock.close()
        raise LabError(f"can't listen on port {port}: {err}") from None
    return sock


def _listen_anywhere() -> socket.socket:
    for port in random.sample(PORTS, 50):
        with suppress(LabError):
            return listen(port)
    raise LabError("there are no free ports")


def port_of(sock: socket.socket) -> int:
    """The port a socket listens on."""
    port: int = sock.getsockname()[1]
    return port


def free_ports(count: int) -> list[int]:
    """Different ports that are free at this moment."""
    with ExitStack() as stack:  # all held at once, or one might be taken twice
        return [port_of(stack.enter_context(listen())) for _ in range(count)]


@asynccontextmanager
async def forwarded(outside: socket.socket, port: int) -> AsyncIterator[None]:
    """Hand on what connects to a socket made outside to a port in here."""

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(LOCALHOST, port)
        except OSError:  # not up yet, or not any more: the visitor gets a closed connection
            writer.close()
            return
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))

    server = await asyncio.start_server(hand_on, sock=outside)
    try:
        yield
    finally:
        server.close()
        server.close_clients()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one way until that side is done; a connection that breaks ends the copy, not the server."""
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()
