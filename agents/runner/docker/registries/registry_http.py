"""What the engine cannot ask a registry for us: whether somebody may push. Over HTTPS, as the stored user.

The engine has said before that it trusts the registry's certificate. Here the same authorities count: those of the
system, those that the machine's owner put where Docker looks, and the stored one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import requests
import requests.compat
import requests.utils

from agents.runner.docker.registries.certificates import FOLDER, SAFE_HOST
from agents.runner.docker.registries.engine_registry import RegistryAnswerError
from agents.runner.planning.registries import HUB, RegistryLogin

SECONDS = (10.0, 20.0)
MAX_ANSWER = 64 * 1024
HUB_HOST = "registry-1.docker.io"
CHALLENGE = re.compile(r'(realm|service)="([^"]{1,500})"')
DENIED = frozenset({requests.codes.unauthorized, requests.codes.forbidden})


class RegistryHttp:
    """Asks one registry. Raises RegistryAnswerError for what cannot be asked.

    The password goes nowhere but there, and to the host over HTTPS that the registry itself names for tokens.
    """

    def __init__(self, *, login: RegistryLogin, folder: Path) -> None:
        """`folder` is for the command's own files, and goes with it."""
        self._login = login
        self._host = HUB_HOST if login.address == HUB else login.address
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(_authorities(login, folder))
        self._session.headers["User-Agent"] = "axion-deploy"

    def may_push(self, repository: str) -> bool:
        """Begin an upload and cancel it. Nothing is left in the registry."""
        with contextlib.closing(self._session):
            begun = self._ask("POST", f"https://{self._host}/v2/{repository}/blobs/uploads/", repository)
            if begun.status_code in DENIED:
                return False
            if begun.status_code != requests.codes.accepted:
                raise RegistryAnswerError(f"It answered {begun.status_code} when an upload was begun.")
            place = requests.compat.urljoin(begun.url, begun.headers.get("Location", ""))
            if urlsplit(place).netloc == self._host:
                with contextlib.suppress(RegistryAnswerError):
                    self._ask("DELETE", place, repository)
            return True

    def _ask(self, method: str, url: str, repository: str) -> requests.Response:
        answer = self._send(method, url, {})
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code != requests.codes.unauthorized or not self._login.username:
            return answer
        if challenge.lower().startswith("bearer"):
            return self._send(method, url, {"Authorization": f"Bearer {self._token(challenge, repository)}"})
        return self._send(method, url, {}, signed=True)

    def _token(self, challenge: str, repository: str) -> str:
        told = dict(CHALLENGE.findall(challenge))
        realm = told.get("realm", "")
        if not realm.startswith("https://"):
            raise RegistryAnswerError("It names no place over HTTPS that gives tokens.")
        wanted = {"service": told.get("service", ""), "scope": f"repository:{repository}:pull,push"}
        url = requests.Request("GET", realm, params=wanted).prepare().url or realm
        answer = self._send("GET", url, {}, signed=True)
        with contextlib.suppress(ValueError):
            found = answer.json()
            if isinstance(found, dict):
                return str(found.get("token") or found.get("access_token") or "")
        return ""

    def _send(self, method: str, url: str, headers: dict[str, str], *, signed: bool = False) -> requests.Response:
        auth = (self._login.username, self._login.password) if signed else None
        try:
            answer = self._session.request(
                method, url, headers=headers, auth=auth, timeout=SECONDS, allow_redirects=False, stream=True
            )
            with contextlib.closing(answer):
                # Of an answer that is larger nothing is needed.
                answer._content = next(answer.iter_content(MAX_ANSWER), b"")
        except requests.RequestException as error:
            raise RegistryAnswerError(f"{type(error).__name__} over HTTPS from the agent itself.") from error
        return answer


def _authorities(login: RegistryLogin, folder: Path) -> Path:
    """Write the authorities that count for this registry into one file."""
    path = folder / "authorities.pem"
    path.write_text("\n".join([Path(requests.utils.DEFAULT_CA_BUNDLE_PATH).read_text(), *_stored(login)]))
    return path


def _stored(login: RegistryLogin) -> Iterator[str]:
    yield login.ca_certificate
    if SAFE_HOST.fullmatch(login.address):
        for each in sorted((FOLDER / login.address).glob("*.crt")):
            with contextlib.suppress(OSError, UnicodeDecodeError):
                yield each.read_text()
