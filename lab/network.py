"""Ports of 127.0.0.1, and a way in from the machine's network to the private one."""

import asyncio
from contextlib import asynccontextmanager, suppress
from collections.abc import AsyncIterator
import socket
from typing import Final

from lab.errors import LabError

LOCALHOST: Final = "127.0.0.1"
CHUNK: Final = 64 * 1024


def listen(port: int = 0) -> socket.socket:
    """Take a port for good; 0 takes a free one."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOCALHOST, port))
        sock.listen(128)
    except OSError as err:
        sock.close()
        raise LabError(f"port {port} is taken: {err.strerror}") from None
    return sock


def port_of(sock: socket.socket) -> int:
    """The port a socket listens on."""
    port: int = sock.getsockname()[1]
    return port


def free_port(port: int = 0) -> int:
    """A port that is free at this moment: the given one, or any."""
    with listen(port) as sock:
        return port_of(sock)


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
