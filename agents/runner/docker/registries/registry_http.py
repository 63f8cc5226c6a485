"""What the engine cannot ask a registry for us: whether somebody may push, which images it has, and to delete one."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import requests.compat

from agents.runner.docker.registries.engine_registry import RegistryAnswerError
from agents.runner.docker.registries.registry_line import RegistryLine
from agents.runner.planning.registries import RegistryLogin

DENIED = frozenset({requests.codes.unauthorized, requests.codes.forbidden})
INDEXES = frozenset(
    {"application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json"}
)
MANIFESTS = frozenset(
    {"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"}
)
DIGEST_HEADER = "Docker-Content-Digest"
TAGS_AT_ONCE = 500
MAX_TAG_PAGES = 10


class CannotDeleteError(RegistryAnswerError):
    """The registry deletes nothing at all, or nothing for this user."""


class RegistryHttp:
    """Asks one registry. Raises RegistryAnswerError for what cannot be asked."""

    def __init__(self, *, login: RegistryLogin, folder: Path) -> None:
        """`folder` is for the command's own files, and goes with it."""
        self._line = RegistryLine(login=login, folder=folder)

    def close(self) -> None:
        self._line.close()

    def may_push(self, repository: str) -> bool:
        """Begin an upload and cancel it. Nothing is left in the registry."""
        scope = _scope(repository, "pull,push")
        begun = self._line.ask("POST", self._url(repository, "blobs/uploads/"), scope=scope)
        if begun.status_code in DENIED:
            return False
        if begun.status_code != requests.codes.accepted:
            raise RegistryAnswerError(f"It answered {begun.status_code} when an upload was begun.")
        place = requests.compat.urljoin(begun.url, begun.headers.get("Location", ""))
        if urlsplit(place).netloc == self._line.host:
            with contextlib.suppress(RegistryAnswerError):
                self._line.ask("DELETE", place, scope=scope)
        return True

    def tags(self, repository: str) -> tuple[str, ...]:
        """Return all tags of a repository; none where there is no such."""
        found: list[str] = []
        url = self._url(repository, f"tags/list?n={TAGS_AT_ONCE}")
        for _ in range(MAX_TAG_PAGES):
            answer = self._line.ask("GET", url, scope=_scope(repository, "pull"))
            if answer.status_code == requests.codes.not_found:
                return ()
            found += [str(each) for each in _object(answer).get("tags") or ()]
            more = answer.links.get("next", {}).get("url", "")
            if not more:
                return tuple(found)
            url = requests.compat.urljoin(answer.url, more)
            if urlsplit(url).netloc != self._line.host:
                break
        raise RegistryAnswerError(f"{repository} has more tags than can be looked at.")

    def digest_of(self, repository: str, reference: str) -> str:
        """Return the digest that a tag has; empty where it has none."""
        answer = self._manifest("HEAD", repository, reference)
        if answer.status_code == requests.codes.not_found:
            return ""
        if answer.status_code != requests.codes.ok:
            raise RegistryAnswerError(f"It answered {answer.status_code} for {repository}:{reference}.")
        return answer.headers.get(DIGEST_HEADER, "")

    def labels_of(self, repository: str, digest: str) -> Mapping[str, str]:
        """Return the labels of an image; of one for several machines those of the first."""
        manifest = _object(self._manifest("GET", repository, digest))
        if manifest.get("mediaType") in INDEXES or "manifests" in manifest:
            first: Mapping[str, Any] = next(iter(manifest.get("manifests") or ()), {})
            manifest = _object(self._manifest("GET", repository, str(first.get("digest", ""))))
        config = str((manifest.get("config") or {}).get("digest", ""))
        url = self._url(repository, f"blobs/{config}")
        answer = self._line.ask("GET", url, scope=_scope(repository, "pull"))
        if answer.is_redirect:
            answer = self._line.fetch(requests.compat.urljoin(answer.url, answer.headers["Location"]))
        labels = (_object(answer).get("config") or {}).get("Labels") or {}
        return {str(name): str(value) for name, value in labels.items()}

    def delete(self, repository: str, digest: str) -> None:
        """Delete a manifest with all its tags. Raises CannotDeleteError where the registry deletes none."""
        url = self._url(repository, f"manifests/{digest}")
        answer = self._line.ask("DELETE", url, scope=_scope(repository, "pull,delete"))
        if answer.status_code == requests.codes.method_not_allowed or "UNSUPPORTED" in answer.text:
            raise CannotDeleteError("It allows no deletion.")
        if answer.status_code in DENIED:
            raise CannotDeleteError("It does not let this user delete.")
        if answer.status_code not in (requests.codes.accepted, requests.codes.ok, requests.codes.not_found):
            raise RegistryAnswerError(f"It answered {answer.status_code} when {repository}@{digest} was to be deleted.")

    def _manifest(self, method: str, repository: str, reference: str) -> requests.Response:
        return self._line.ask(
            method,
            self._url(repository, f"manifests/{reference}"),
            scope=_scope(repository, "pull"),
            headers={"Accept": ", ".join(sorted(MANIFESTS | INDEXES))},
        )

    def _url(self, repository: str, rest: str) -> str:
        return f"https://{self._line.host}/v2/{repository}/{rest}"


def _scope(repository: str, actions: str) -> str:
    return f"repository:{repository}:{actions}"


def _object(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON object that was answered. Raises RegistryAnswerError for anything else."""
    if answer.status_code != requests.codes.ok:
        raise RegistryAnswerError(f"It answered {answer.status_code} for {urlsplit(answer.url).path}.")
    try:
        found = answer.json()
    except ValueError as error:
        raise RegistryAnswerError(f"It answered no JSON for {urlsplit(answer.url).path}.") from error
    if not isinstance(found, dict):
        raise RegistryAnswerError(f"It answered no object for {urlsplit(answer.url).path}.")
    return found
