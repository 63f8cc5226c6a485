"""What Docker keeps of the output of containers, as a stream that can be ended from another thread."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from docker.types import CancellableStream

from agents.runner.docker.engine import connect

HEAD_SECONDS = 10.0
# Of the past. While one follows, a container may be silent for hours.
SILENCE_SECONDS = 10.0


class LogStream:
    """One container's output from Docker. Iterate over it in one thread; `close` ends that from any other."""

    def __init__(self, *, container_id: str, params: Mapping[str, Any]) -> None:
        """Begin to read. Raises EngineAwayError or RequestException."""
        follows = bool(params.get("follow"))
        self._client = connect(seconds=None if follows else SILENCE_SECONDS)
        try:
            address = f"{self._client.base_url}/v{self._client.api_version}/containers/{container_id}/logs"
            silence = None if follows else SILENCE_SECONDS
            self._response = self._client.get(
                address, params=dict(params), stream=True, timeout=(HEAD_SECONDS, silence)
            )
            self._response.raise_for_status()
        except BaseException:
            self._client.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response.iter_content(chunk_size=None))

    def close(self) -> None:
        # Its line may be gone already.
        with contextlib.suppress(Exception):
            CancellableStream(iter(()), self._response).close()
        with contextlib.suppress(Exception):
            self._client.close()


def open_past(*, container_id: str, tail: int | str, since_ms: int, until_ms: int) -> LogStream:
    """Read what was written by now, at most the last `tail` lines."""
    params = {**_parameters(tail=tail, since_ms=since_ms), **({"until": _seconds(until_ms)} if until_ms else {})}
    return LogStream(container_id=container_id, params=params)


def open_following(*, container_id: str, since_ms: int) -> LogStream:
    """Read what was written since then, and go on until it is closed or the container ends."""
    params = {**_parameters(tail="all", since_ms=since_ms), "follow": 1}
    return LogStream(container_id=container_id, params=params)


def _parameters(*, tail: int | str, since_ms: int) -> dict[str, Any]:
    return {"stdout": 1, "stderr": 1, "timestamps": 1, "tail": tail, "since": _seconds(since_ms)}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"
