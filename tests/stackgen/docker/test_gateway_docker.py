"""A real gateway is told anew where to lead, as each deployment does, while a websocket is open through it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stackgen.docker.engine import MAX_IMAGES_SECONDS, ensure_images, needs_engine
from tests.stackgen.docker.stacks import Running, build_stack, unique_stack_name
from tests.stackgen.docker.test_docker import free_port
from tests.stackgen.graphs import GATEWAY, graph, node

pytestmark = [*needs_engine, pytest.mark.timeout(MAX_IMAGES_SECONDS)]
# All of a websocket that a proxy sees: the upgrade, and then bytes in both directions.
ECHO = """
import asyncio

async def serve(reader, writer):
    request = await reader.readuntil(b"\\r\\n\\r\\n")
    if b"upgrade: websocket" not in request.lower():
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        return writer.close()
    writer.write(b"HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n")
    while line := await reader.readline():
        writer.write(b"echo " + line)
        await writer.drain()

async def main():
    async with await asyncio.start_server(serve, "0.0.0.0", 8000) as server:
        await server.serve_forever()

asyncio.run(main())
"""
UPGRADE = b"GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[Running, int]]:
    ensure_images("caddy:2", "python:3.13-slim")
    port = free_port()
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "main.py").write_text(ECHO)
    raw = graph(
        node("gate", GATEWAY, port="8080", hostPort=str(port)),
        node("echo", port="8000", stopGraceSeconds="1"),
        edges=["gate echo"],
    )
    running = build_stack(raw, {"echo": tmp_path / "code"}, tmp_path / "stack", unique_stack_name())
    try:
        running.up()
        yield running, port
    finally:
        running.down()


def test_an_open_websocket_outlives_reloads(gateway: tuple[Running, int]) -> None:
    running, port = gateway
    with socket.create_connection(("127.0.0.1", port), 20) as line, line.makefile("rwb") as stream:
        stream.write(UPGRADE)
        stream.flush()
        assert stream.readline().startswith(b"HTTP/1.1 101")
        while stream.readline().strip():
            pass
        for number in range(3):
            command = ("caddy", "reload", "--force", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile")
            running.compose("exec", "-T", "gate", *command)
            stream.write(b"hello %d\n" % number)
            stream.flush()
            assert stream.readline() == b"echo hello %d\n" % number
