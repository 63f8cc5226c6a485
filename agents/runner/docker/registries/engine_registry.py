"""What the engine does with a registry for us: tell what a tag means there, and push. The login goes in a header."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
from docker.errors import APIError
from docker.types import CancellableStream

from agents.runner.docker.engine import Engine, connect, reason_of
from agents.runner.errors import EngineAwayError
from agents.runner.interrupt import Interrupt
from agents.runner.planning.registries import RegistryLogin

HEAD_SECONDS = 30.0
ASK_SECONDS = 60.0
# Without a word for so long nobody is at the other end any more.
SILENCE_SECONDS = 300.0
MAX_MESSAGE = 2000
NOT_FOUND = 404


class RegistryAnswerError(Exception):
    """The registry, or the engine in its place, said no; the text is what it said."""


def digest_in_registry(*, engine: Engine, image: str, login: RegistryLogin | None) -> str:
    """Return the digest that the tag has in its registry; empty when it has none.

    Raises RegistryAnswerError, or EngineAwayError. Over a line of its own: the engine answers 503 for a registry that
    is away, which otherwise means that the engine is.
    """
    with contextlib.closing(engine.short(seconds=ASK_SECONDS)) as api:
        try:
            found = api.inspect_distribution(image, auth_config=_pair(login))
        except APIError as error:
            if error.status_code == NOT_FOUND:
                return ""
            raise RegistryAnswerError(str(error.explanation or error)[:MAX_MESSAGE]) from error
        except requests.RequestException as error:
            raise EngineAwayError(reason_of(error)) from error
    return str(found["Descriptor"]["digest"])


def sign_in(*, engine: Engine, login: RegistryLogin) -> None:
    """Have the engine try the login; it keeps nothing of it. Raises RegistryAnswerError, or EngineAwayError."""
    with contextlib.closing(engine.short(seconds=ASK_SECONDS)) as api:
        try:
            answer = api.post(
                f"{api.base_url}/v{api.api_version}/auth", json=_pair(login), timeout=(HEAD_SECONDS, ASK_SECONDS)
            )
        except requests.RequestException as error:
            raise EngineAwayError(reason_of(error)) from error
    if answer.status_code >= requests.codes.bad_request:
        raise RegistryAnswerError(answer.text[:MAX_MESSAGE])


def push(
    *,
    engine: Engine,
    image: str,
    login: RegistryLogin | None,
    interrupt: Interrupt,
    note: Callable[[Mapping[str, Any]], None],
) -> None:
    """Push a tag, and hand each of Docker's messages to `note`.

    Raises RegistryAnswerError, EngineAwayError when the line was cut, or InterruptedWorkError at once.
    """
    client = connect(seconds=None)
    with contextlib.closing(client):
        try:
            response = _open(client, image, login)
            forget = interrupt.on_set(lambda: _cut(response))
            try:
                for message in _messages(response):
                    note(message)
            finally:
                forget()
                response.close()
        except requests.RequestException as error:
            interrupt.check()
            engine.line_cut()
            raise EngineAwayError(reason_of(error)) from error
        interrupt.check()


def _open(client: Any, image: str, login: RegistryLogin | None) -> Any:
    name, _, tag = image.rpartition(":")
    response = client.post(
        f"{client.base_url}/v{client.api_version}/images/{name}/push",
        params={"tag": tag},
        headers={"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(_pair(login)).encode()).decode()},
        stream=True,
        timeout=(HEAD_SECONDS, SILENCE_SECONDS),
    )
    if response.status_code >= requests.codes.bad_request:
        with contextlib.suppress(ValueError):
            raise RegistryAnswerError(str(response.json().get("message", ""))[:MAX_MESSAGE])
        raise RegistryAnswerError(f"Docker answered {response.status_code}.")
    return response


def _messages(response: Any) -> Iterator[Mapping[str, Any]]:
    for line in response.iter_lines():
        message = json.loads(line) if line.strip() else None
        if not isinstance(message, dict):
            continue
        if failed := message.get("error"):
            raise RegistryAnswerError(str(failed)[:MAX_MESSAGE])
        yield message


def _cut(response: Any) -> None:
    with contextlib.suppress(Exception):
        CancellableStream(iter(()), response).close()


def _pair(login: RegistryLogin | None) -> dict[str, str]:
    if login is None or not login.username:
        return {}
    return {"username": login.username, "password": login.password, "serveraddress": login.config_key}
