"""The way to this host's Docker engine: found when it is first needed, and anew after the engine was away."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException
from docker.utils import kwargs_from_env

from agents.runner.errors import EngineAwayError

PROBE_SECONDS = 5.0
# A question is asked again with more time, for an engine that is only busy.
QUESTION_SECONDS = 10.0
PATIENT_SECONDS = 30.0
DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
MAX_REASON = 300
# What a proxy in front of the engine answers while nobody is behind it.
NOBODY_THERE = frozenset({502, 503, 504})
Result = TypeVar("Result")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineState:
    """Whether the engine answered when it was last asked, and why it did not."""

    answers: bool
    why_not: str = ""


class Engine:
    """Safe across threads. `outages` counts how often the engine was seen to be away, or cut a line to us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[float, Any] = {}
        self._state: EngineState | None = None
        self.outages = 0

    @property
    def state(self) -> EngineState | None:
        """Return how the engine is; None before it was asked for the first time."""
        return self._state

    def attempt(self, call: Callable[[Any], Result], *, seconds: float) -> Result:
        """Make one try with a client whose every read ends after `seconds`.

        Raises EngineAwayError, or APIError for what the engine answers.
        """
        try:
            result = self._call(call, seconds)
        except APIError as error:  # the engine answered; it only happens to be a RequestException too
            if error.status_code not in NOBODY_THERE:
                self._answered()
                raise
            raise self._went_away(error) from error
        except requests.ReadTimeout as error:
            raise self._no_answer(error) from error
        except (EngineAwayError, requests.RequestException) as error:
            raise self._went_away(error) from error
        self._answered()
        return result

    def probe(self, call: Callable[[Any], Result]) -> Result:
        """Attempt a call within seconds and over a new line: an engine that ends serves the old ones to the last."""
        try:
            client = connect(seconds=PROBE_SECONDS)
            with contextlib.closing(client):
                result = call(client)
        except (EngineAwayError, DockerException, requests.RequestException) as error:
            raise self._went_away(error) from error
        self._answered()
        return result

    def short(self, *, seconds: float) -> Any:
        """Return a client of its own whose every read ends after `seconds`; for the caller to close."""
        return connect(seconds=seconds, version=self._version())

    def line_cut(self) -> None:
        """Note that a line the engine had to keep open was cut; whether it is still there the next question tells."""
        with self._lock:
            self.outages += 1
            self._clients.clear()

    def _call(self, call: Callable[[Any], Result], seconds: float) -> Result:
        try:
            return call(self._found(seconds))
        except APIError as error:
            if not _speaks_otherwise(error):
                raise
        # Up- or downgraded since we asked for its version.
        with self._lock:
            self._clients.clear()
        return call(self._found(seconds))

    def _found(self, seconds: float) -> Any:
        client = self._clients.get(seconds)
        if client is None:
            client = connect(seconds=seconds, version=self._version())
            with self._lock:
                self._clients[seconds] = client
        return client

    def _version(self) -> str:
        with self._lock:
            return next((str(each.api_version) for each in self._clients.values()), "auto")

    def _no_answer(self, error: Exception) -> EngineAwayError:
        """Return the error for a call without an answer: Docker is away, or only this question hangs.

        One question may hang, about a container that does, while Docker answers all others.
        """
        if self._state is not None and not self._state.answers:
            return self._went_away(error)
        try:
            self.probe(lambda api: api.ping())
        except EngineAwayError as away:
            return away
        self.line_cut()
        return EngineAwayError("one question got no answer in time, others do")

    def _went_away(self, error: Exception) -> EngineAwayError:
        why = str(error) if isinstance(error, EngineAwayError) else reason_of(error)
        with self._lock:
            self._clients.clear()
            if self._state is None or self._state.answers:
                self.outages += 1
                logger.warning("Docker does not answer: %s", why)
            self._state = EngineState(answers=False, why_not=why)
        return EngineAwayError(why)

    def _answered(self) -> None:
        with self._lock:
            if self._state is not None and not self._state.answers:
                logger.info("Docker answers again")
            self._state = EngineState(answers=True)


def connect(*, seconds: float | None, version: str = "auto") -> Any:
    """Return a client at the engine's own version; None as `seconds` waits for an answer as long as it takes.

    Raises EngineAwayError.
    """
    try:
        _look_for_it()
        options: dict[str, Any] = {**kwargs_from_env(), "version": version, "timeout": PROBE_SECONDS}
        client: Any = docker.APIClient(**options)
    except (DockerException, OSError) as error:
        raise EngineAwayError(reason_of(error)) from error
    client.timeout = seconds
    return client


def _look_for_it() -> None:
    """Raise OSError where nobody listens: docker-py leaves such a socket open until the garbage is collected."""
    address = os.environ.get("DOCKER_HOST") or DEFAULT_ADDRESS
    if address.startswith("unix://"):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PROBE_SECONDS)
            line.connect(address.removeprefix("unix://"))


def reason_of(error: BaseException) -> str:
    """Return why the engine was not reached, in the system's own words, and where it was looked for."""
    cause = _innermost(error)
    if isinstance(error, requests.Timeout) or isinstance(cause, TimeoutError) or "timed out" in str(cause):
        words = "no answer in time"
    else:
        words = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return f"{words} ({os.environ.get('DOCKER_HOST') or DEFAULT_ADDRESS})"[:MAX_REASON]


def _innermost(error: BaseException) -> BaseException:
    within = [each for each in (*error.args, error.__cause__) if isinstance(each, BaseException)]
    return _innermost(within[-1]) if within else error


def _speaks_otherwise(error: APIError) -> bool:
    return error.status_code == 400 and "client version" in str(error.explanation)
