"""Requests of the agent's own to one registry, over HTTPS, as the stored user.

The engine has said before that it trusts the registry's certificate. Here the same authorities count: those of the
system, those that the machine's owner put where Docker looks, and the stored one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import requests
import requests.utils

from agents.runner.docker.registries.certificates import FOLDER, SAFE_HOST
from agents.runner.docker.registries.engine_registry import RegistryAnswerError
from agents.runner.planning.registries import HUB, RegistryLogin

SECONDS = (10.0, 20.0)
MAX_ANSWER = 256 * 1024
HUB_HOST = "registry-1.docker.io"
CHALLENGE = re.compile(r'(realm|service)="([^"]{1,500})"')


class RegistryLine:
    """Belongs to one thread. Raises RegistryAnswerError for what cannot be asked.

    The password goes nowhere but there, and to the host over HTTPS that the registry itself names for tokens.
    """

    def __init__(self, *, login: RegistryLogin, folder: Path) -> None:
        """`folder` is for the command's own files, and goes with it."""
        self._login = login
        self.host = HUB_HOST if login.address == HUB else login.address
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(_authorities(login, folder))
        self._session.headers["User-Agent"] = "axion-deploy"
        self._signed = False
        self._tokens: dict[str, str] = {}

    def close(self) -> None:
        self._session.close()

    def ask(self, method: str, url: str, *, scope: str, headers: Mapping[str, str] | None = None) -> requests.Response:
        """Ask, and once more with what the registry wants to be shown. `scope`: what a token must be good for."""
        token = self._tokens.get(scope, "")
        answer = self._send(method, url, {**(headers or {}), **_bearer(token)}, signed=self._signed)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code != requests.codes.unauthorized or not self._login.username or self._signed:
            return answer
        if challenge.lower().startswith("bearer"):
            self._tokens[scope] = self._token(challenge, scope)
            return self._send(method, url, {**(headers or {}), **_bearer(self._tokens[scope])})
        self._signed = True
        return self._send(method, url, headers or {}, signed=True)

    def fetch(self, url: str) -> requests.Response:
        """Get what the registry says lies elsewhere, without showing who asks."""
        if urlsplit(url).scheme != "https":
            raise RegistryAnswerError("It names a place that is not over HTTPS.")
        return self._send("GET", url, {})

    def _token(self, challenge: str, scope: str) -> str:
        told = dict(CHALLENGE.findall(challenge))
        realm = told.get("realm", "")
        if not realm.startswith("https://"):
            raise RegistryAnswerError("It names no place over HTTPS that gives tokens.")
        wanted = {"service": told.get("service", ""), "scope": scope}
        url = requests.Request("GET", realm, params=wanted).prepare().url or realm
        answer = self._send("GET", url, {}, signed=True)
        with contextlib.suppress(ValueError):
            found = answer.json()
            if isinstance(found, dict):
                return str(found.get("token") or found.get("access_token") or "")
        return ""

    def _send(self, method: str, url: str, headers: Mapping[str, str], *, signed: bool = False) -> requests.Response:
        auth = (self._login.username, self._login.password) if signed else None
        try:
            answer = self._session.request(
                method, url, headers=dict(headers), auth=auth, timeout=SECONDS, allow_redirects=False, stream=True
            )
            with contextlib.closing(answer):
                # Of an answer that is larger nothing is needed.
                answer._content = next(answer.iter_content(MAX_ANSWER), b"")
        except requests.RequestException as error:
            raise RegistryAnswerError(f"{type(error).__name__} over HTTPS from the agent itself.") from error
        return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": " ".join(("Bearer", token))} if token else {}


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
