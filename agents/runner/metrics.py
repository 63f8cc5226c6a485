"""`/metrics` of the agent for Prometheus, on this machine alone and only where its configuration asks for it.

Written out by hand: the agent installs no library for a dozen figures, and answers no other request.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from agents.addresses import host_of, is_loopback
from agents.contracts import runner_pb2 as pb
from agents.contracts.version import VERSION

MAX_CONNECTIONS = 8
# From the connection to the end of the answer.
MAX_SECONDS = 5.0
MAX_HEAD_BYTES = 8192
STATUS = Path("/proc/self/stat")
# Fields of that file after the name in brackets: ticks in user and system mode, and resident pages.
USER_TICKS, SYSTEM_TICKS, RESIDENT_PAGES = 11, 12, 21
logger = logging.getLogger(__name__)

Figures = Mapping[str, tuple[str, float]]


def figures_of(*, condition: pb.Condition | None, connected: bool, containers: int, commands: int) -> Figures:
    """Return the figures by name, each with what it is. What nobody knows now is left out."""
    figures = {
        f'axion_agent_info{{version="{VERSION}"}}': ("1, with the agent's version.", 1.0),
        "axion_agent_connected": ("Whether a session with the control plane is open.", float(connected)),
        "axion_agent_commands": ("Commands at work, or waiting for their turn.", float(commands)),
    }
    if condition is not None:
        figures |= {
            "axion_agent_engine_up": ("Whether Docker answers.", float(condition.engine_answers)),
            "axion_agent_containers": ("Containers of projects that run.", float(containers)),
            "axion_agent_stalled_commands": ("Commands that have not moved.", float(len(condition.stalled))),
            "axion_agent_fault": ("Whether the agent has a fault of its own.", float(bool(condition.fault))),
        }
        if condition.disk_total_bytes:
            figures["axion_agent_disk_bytes"] = ("The disk with the agent's folder.", float(condition.disk_total_bytes))
            figures["axion_agent_disk_free_bytes"] = ("What is free on it.", float(condition.disk_free_bytes))
    return {**figures, **_of_process()}


def _of_process() -> Figures:
    try:
        fields = STATUS.read_text().rpartition(") ")[2].split()
        ticks = int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])
        resident = int(fields[RESIDENT_PAGES]) * os.sysconf("SC_PAGE_SIZE")
        seconds = ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return {}
    return {
        "process_cpu_seconds_total": ("Processor time of the agent.", seconds),
        "process_resident_memory_bytes": ("Memory of the agent.", float(resident)),
    }


def written(figures: Figures) -> bytes:
    """Return the figures in Prometheus's text format."""
    lines = []
    for name, (meaning, value) in figures.items():
        family = name.partition("{")[0]
        kind = "counter" if family.endswith("_total") else "gauge"
        lines += [f"# HELP {family} {meaning}", f"# TYPE {family} {kind}", f"{name} {value:.17g}"]
    return "".join(f"{line}\n" for line in lines).encode()


@asynccontextmanager
async def serve_metrics(bind: str, *, read: Callable[[], Figures]) -> AsyncIterator[int]:
    """Answer GET /metrics while the block runs; yield the port, 0 for none. `read` is called in a thread.

    A port that is taken is a warning: measuring never stops the work.
    """
    if not bind:
        yield 0
        return
    host, _, port = bind.rpartition(":")
    room = asyncio.Semaphore(MAX_CONNECTIONS)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(MAX_SECONDS), room:
                writer.write(await _answer((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"), read))
                await writer.drain()
        writer.close()

    try:
        server = await asyncio.start_server(answer, host.strip("[]"), int(port), limit=MAX_HEAD_BYTES)
    except OSError as error:
        logger.warning("no /metrics: %s cannot be had: %s", bind, error)
        yield 0
        return
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()


async def _answer(head: str, read: Callable[[], Figures]) -> bytes:
    request, *lines = head.split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    # A page in a browser of this machine must not read by a name that it leads here.
    if not is_loopback(host_of(headers.get("host", ""))):
        return _response("403 Forbidden", b"")
    if request.split(" ")[:2] != ["GET", "/metrics"]:
        return _response("404 Not Found", b"")
    return _response("200 OK", written(await asyncio.to_thread(read)))


def _response(status: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
