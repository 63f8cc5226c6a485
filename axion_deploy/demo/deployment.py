"""One deployment, asked for and followed through the REST interface, as any other client would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from axion_deploy.demo.errors import DemoError
from axion_deploy.demo.http import Answer, NoAnswer, ask

STATUSES = {1: "pending", 2: "in_progress", 3: "success", 4: "failed", 5: "rolling_back", 6: "rolled_back"}
STAGES = {0: "", 1: "building", 2: "pushing", 3: "deploying", 4: "health checking", 5: "completed"}
FINAL = frozenset({"success", "failed", "rolled_back"})
POLL_SECONDS = 0.4
# A restarting web process must not end the demo; one that stays away must.
MAX_SILENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Service:
    name: str
    status: str
    error: str


@dataclass(frozen=True)
class Progress:
    """What the status page says at one moment; `percent` is 0 to 100."""

    status: str
    stage: str
    percent: int
    services: tuple[Service, ...]
    error: str

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class Api:
    def __init__(self, *, url: str, token: str) -> None:
        self._url = f"{url}/api/deployments"
        self._headers = {"Authorization": f"Token {token}"}

    def deploy(self, *, project: str, target: Mapping[str, str]) -> str:
        """Ask for a deployment to a server or a cluster and return its id. Raises DemoError with the refusal."""
        answer = self._ask("", send={"projectId": project, **target})
        deployment = answer.member("deployment")
        if not 200 <= answer.status < 300 or "id" not in deployment:
            raise DemoError(f"The deployment was refused ({answer.status}): {_complaint(answer)}")
        return str(deployment["id"])

    def progress(self, deployment: str) -> Progress:
        """Raises DemoError for a refusal, NoAnswer when the web process does not answer."""
        answer = self._ask(f"/{deployment}/status")
        if answer.status != 200:
            raise DemoError(f"The deployment's status was refused ({answer.status}): {_complaint(answer)}")
        return _progress(answer.member("data"))

    def last_words(self, deployment: str) -> str:
        """Return the service that failed and the end of its log; empty when nothing is known. Raises NoAnswer."""
        known = self._ask(f"/{deployment}").member("deployment")
        lines = [str(line) for line in known.get("logTail") or ()]
        return "\n".join([f"The last lines of {known.get('failedService')}:", *lines]) if lines else ""

    def _ask(self, path: str, *, send: object = None) -> Answer:
        return ask(self._url + path, send=send, headers=self._headers)


def follow(*, api: Api, deployment: str, show: Callable[[Progress], None], check: Callable[[], None]) -> Progress:
    """Shows each change until the deployment has ended. `check` may end the wait; the caller has the deadline."""
    heard = time.monotonic()
    while True:
        check()
        try:
            progress = api.progress(deployment)
        except NoAnswer as error:
            if time.monotonic() - heard > MAX_SILENCE_SECONDS:
                raise DemoError(f"The web process has been silent for {MAX_SILENCE_SECONDS:g} s: {error}") from error
        else:
            heard = time.monotonic()
            show(progress)
            if progress.is_final:
                return progress
        time.sleep(POLL_SECONDS)


def _progress(data: dict[str, Any]) -> Progress:
    services = tuple(
        Service(
            name=str(each.get("serviceName", "")),
            status=_word(each.get("status"), STATUSES),
            error=str(each.get("errorMessage") or ""),
        )
        for each in data.get("serviceStatuses") or ()
    )
    return Progress(
        status=_word(data.get("status"), STATUSES),
        stage=_word(data.get("currentStage"), STAGES),
        percent=int(data.get("progressPercent") or 0),
        services=services,
        error=str(data.get("errorMessage") or ""),
    )


def _word(value: object, words: dict[int, str]) -> str:
    """Return the name of a number: enumerations travel as numbers."""
    return words.get(value, str(value)) if isinstance(value, int) else str(value or "")


def _complaint(answer: Answer) -> str:
    error = answer.member("error")
    return f"{error.get('message', 'no reason given')} {error.get('details') or ''}".strip()
