"""Programs inside containers, run for a moment: what they say and how long they take is bounded, whatever they are."""

from __future__ import annotations

import contextlib
import io
import socket
import struct
import tarfile
import time
from typing import Any

import requests
from docker.errors import DockerException

from agents.runner.errors import UnavailableError
from agents.runner.interrupt import Interrupt

MAX_OUTPUT_BYTES = 64 * 1024
READ_BYTES = 16 * 1024
HEADER = struct.Struct(">BxxxL")


def run_inside(
    *, client: Any, container_id: str, argv: list[str], seconds: float, interrupt: Interrupt
) -> tuple[int, str]:
    """Run it once; returns its exit code and its output.

    Raises UnavailableError for a program that cannot be run, says more than MAX_OUTPUT_BYTES or is not done after
    `seconds`, and InterruptedWorkError as soon as the work is interrupted. The program itself may run on then: Docker
    has no way to end it.
    """
    give_up_at = time.monotonic() + seconds
    try:
        begun = client.exec_create(container_id, argv)
        stream = client.exec_start(begun["Id"], socket=True)
        with contextlib.closing(stream):
            output = _read(stream, give_up_at=give_up_at, interrupt=interrupt)
        interrupt.check()
        code = client.exec_inspect(begun["Id"])["ExitCode"]
    except TimeoutError as error:
        raise UnavailableError(f"{argv[0]} did not end within {seconds:.0f} s") from error
    except (DockerException, requests.RequestException, OSError, AttributeError) as error:
        interrupt.check()
        raise UnavailableError(f"{argv[0]} could not be run: {error}") from error
    if len(output) > MAX_OUTPUT_BYTES:
        raise UnavailableError(f"{argv[0]} says more than {MAX_OUTPUT_BYTES // 1024} KiB")
    return int(code if code is not None else -1), output_of(output).decode("utf-8", "replace")


def _read(stream: Any, *, give_up_at: float, interrupt: Interrupt) -> bytes:
    """Return all that comes until the end or just beyond the bound. Raises TimeoutError."""
    line = stream if hasattr(stream, "recv") else stream._sock
    forget = interrupt.on_set(lambda: _shut(line))
    try:
        output = _rest_of_head(stream, line)
        while len(output) <= MAX_OUTPUT_BYTES:
            left = give_up_at - time.monotonic()
            if left <= 0:
                raise TimeoutError
            line.settimeout(left)
            came = line.recv(READ_BYTES)
            if not came:
                break
            output += came
        return output
    finally:
        forget()
        # Closing alone would leave the engine's side open for as long as anything of ours still refers to the line.
        _shut(line)
        line.close()


def _rest_of_head(stream: Any, line: Any) -> bytes:
    """Return what was read together with the head of the engine's answer and is not on the line any more."""
    line.settimeout(0)
    try:
        return bytes(stream._response.raw._fp.fp.peek())
    except (AttributeError, OSError, ValueError):
        return b""


def _shut(line: Any) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def output_of(framed: bytes) -> bytes:
    """Return both streams as they came, out of Docker's frames; a frame that was cut gives what is there."""
    parts, at = [], 0
    while at + HEADER.size <= len(framed):
        _, length = HEADER.unpack_from(framed, at)
        at += HEADER.size
        parts.append(framed[at : at + length])
        at += length
    return b"".join(parts)


def inspect(*, client: Any, container_id: str) -> dict[str, Any]:
    """Return what Docker says of the container. Raises UnavailableError."""
    try:
        found: dict[str, Any] = client.inspect_container(container_id)
    except (DockerException, requests.RequestException) as error:
        raise UnavailableError(f"the container could not be looked at: {error}") from error
    return found


def put_file(*, client: Any, container_id: str, path: str, text: str) -> None:
    """Put a file, readable by all, into a running container. Raises UnavailableError when it does not take it."""
    folder, _, name = path.rpartition("/")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(text.encode()), 0o644
        archive.addfile(entry, io.BytesIO(text.encode()))
    try:
        client.put_archive(container_id, folder or "/", buffer.getvalue())
    except (DockerException, requests.RequestException) as error:
        raise UnavailableError(f"{name} could not be put into the container: {error}") from error


def log_tail(*, client: Any, container_id: str, lines: int) -> tuple[str, ...]:
    """Return the container's last lines, of at most 16 KiB each; empty when Docker does not give them."""
    with contextlib.suppress(DockerException, requests.RequestException):
        # Not as a stream: on those docker-py waits without any bound.
        raw = client.logs(container_id, tail=lines, stdout=True, stderr=True)
        return tuple(raw.decode("utf-8", "replace").splitlines()[-lines:])
    return ()
