"""Compose files into a project: its graph, its sealed values and, where it is at hand, its code."""

from __future__ import annotations

import hashlib
import hmac
import posixpath
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories import projects
from deployments.services.permissions import access, quotas
from deployments.services.projects import sources
from deployments.services.secrets import variables
from deployments.services.stacks.generation import invalid_graph
from deployments.types import Caller, GraphRecord, Right
from stackgen.compose_import.again import Updated, bring_together
from stackgen.compose_import.complaints import ComposeInvalid
from stackgen.compose_import.importer import Imported, import_compose
from stackgen.compose_import.notation.opened import Files
from stackgen.compose_import.report import Line, Outcome
from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph

MAX_UPLOADED_FILES = 200
MAX_UPLOADED_BYTES = 8 * 1024 * 1024
MAX_PROFILES = 50
# What `docker compose` itself looks for, in its order.
USUAL_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
USUAL_OVERRIDES = tuple(f"{stem}.override{ending}" for stem, ending in map(posixpath.splitext, USUAL_NAMES))


@dataclass(frozen=True, kw_only=True)
class ComposeResult:
    """`graph` is the version that holds what was imported; None after a look that stored nothing.

    `code` is node id to the folder of its code, as the files name it.
    """

    graph: GraphRecord | None
    lines: tuple[Line, ...]
    code: Mapping[str, str]

    def count(self, outcome: str) -> int:
        return sum(line.outcome is Outcome(outcome) for line in self.lines)


def bring_compose(
    *,
    caller: Caller,
    project_id: UUID,
    files: Files,
    paths: Sequence[str],
    profiles: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    store: bool = True,
    patience: float = 0.0,
) -> ComposeResult:
    """Store what the files say as the next version of the graph, or with `store=False` only tell what it would be.

    What people changed since an earlier import stays. Waits up to `patience` seconds for an upload of the caller's that
    is underway. Raises NotFound, Forbidden, TooMuch, or Invalid naming file, line and path; nothing is stored then.
    """
    project = access.project_for(caller=caller, project_id=project_id, right=Right.CHANGE)
    with quotas.heavy_turn(caller, patience=patience):
        imported = _read(files, paths, profiles, environment or {})
        if not store:
            key = variables.project_secrets(project_id=project_id).get(variables.FINGERPRINT_KEY, "")
            updated = _meet(imported, project_id=project_id, file=paths[0], mark=_mark(key.encode()))
            return ComposeResult(graph=None, lines=(*imported.lines, *updated.lines), code=imported.code)
        quotas.check_graph_quota(owner_id=project.owner_id)
        variables.ensure_fingerprint_key(project_id=project_id, new_password=secrets.token_urlsafe)
        return _store(imported, project_id=project_id, file=paths[0])


def store_imported(imported: Imported, *, project_id: UUID, file: str) -> ComposeResult:
    """Store what was imported as the next version of a project's graph. Raises Invalid; nothing is stored then.

    The caller may change the project.
    """
    variables.ensure_fingerprint_key(project_id=project_id, new_password=secrets.token_urlsafe)
    return _store(imported, project_id=project_id, file=file)


def look_at_compose(*, files: Files, paths: Sequence[str], profiles: Sequence[str] = ()) -> ComposeResult:
    """Return what a new project would be made of these files. Raises Invalid as `bring_compose` does."""
    imported = _read(files, paths, profiles, {})
    return ComposeResult(graph=None, lines=imported.lines, code=imported.code)


def _store(imported: Imported, *, project_id: UUID, file: str) -> ComposeResult:
    key = variables.project_secrets(project_id=project_id)[variables.FINGERPRINT_KEY].encode()
    with transaction.atomic():
        # A version that somebody stores meanwhile would be lost otherwise.
        projects.lock(project_id=project_id)
        updated = _meet(imported, project_id=project_id, file=file, mark=_mark(key))
        try:
            parse_graph(updated.graph)
        except GraphInvalid as error:
            raise invalid_graph(error) from error
        graph = projects.add_graph(project_id=project_id, graph=updated.graph)
        variables.store_given(project_id=project_id, values=updated.values)
    return ComposeResult(graph=graph, lines=(*imported.lines, *updated.lines), code=imported.code)


def _meet(imported: Imported, *, project_id: UUID, file: str, mark: Callable[[str, str], str]) -> Updated:
    newest = projects.latest_graph(project_id=project_id)
    try:
        return bring_together(
            imported,
            current=newest.graph if newest else None,
            stored=variables.project_secrets(project_id=project_id),
            mark=mark,
            file=file,
        )
    except GraphInvalid as error:
        raise invalid_graph(error) from error


def _mark(key: bytes) -> Callable[[str, str], str]:
    def mark(name: str, value: str) -> str:
        return hmac.new(key, f"{name}\n{value}".encode(), hashlib.sha256).hexdigest()

    return mark


def _read(files: Files, paths: Sequence[str], profiles: Sequence[str], environment: Mapping[str, str]) -> Imported:
    try:
        return import_compose(files=files, paths=paths, profiles=profiles, environment=environment)
    except ComposeInvalid as error:
        details = {str(complaint.place): complaint.message for complaint in error.complaints}
        first = error.complaints[0]
        more = f" (and {len(error.complaints) - 1} more)" if len(error.complaints) > 1 else ""
        raise Invalid(
            sentence("The Compose file cannot be read. {first}{more}", first=first, more=more), details=details
        ) from error


def compose_paths(names: Sequence[str]) -> list[str]:
    """Return which of the uploaded files are Compose files, in order: as `docker compose` finds them, else all YAML.

    Raises Invalid when there is none.
    """
    found = [name for name in USUAL_NAMES if name in names][:1]
    if found:
        return [*found, *[name for name in USUAL_OVERRIDES if name in names][:1]]
    others = [name for name in names if "/" not in name and name.endswith((".yml", ".yaml"))]
    if not others:
        raise Invalid(
            sentence("There is no Compose file among the files."), details={"files": sentence("no compose.yml")}
        )
    return others


def checked_uploads(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return the files. Raises Invalid for too many, too large, or a path that leads out of their folder."""
    if len(files) > MAX_UPLOADED_FILES:
        raise Invalid(
            sentence("Too many files."),
            details={"files": sentence("at most {max_uploaded_files}", max_uploaded_files=MAX_UPLOADED_FILES)},
        )
    if sum(map(len, files.values())) > MAX_UPLOADED_BYTES:
        raise Invalid(
            sentence("The files are too large."),
            details={
                "files": sentence("at most {max_uploaded_bytes} MiB", max_uploaded_bytes=MAX_UPLOADED_BYTES // 1024**2)
            },
        )
    for name in files:
        path = posixpath.normpath(name.replace("\\", "/"))
        if path.startswith(("/", "..")) or not name.strip():
            raise Invalid(sentence("A file leads out of the folder."), details={"files": name})
    return files


def store_code_of(
    *, caller: Caller, project_id: UUID, result: ComposeResult, read: Callable[[str], bytes | None], patience: float
) -> dict[str, str]:
    """Store the code of each node that `read` has; returns node id to digest. Raises as `store_code` does."""
    tars = {node: read(folder) for node, folder in result.code.items()}
    return {
        node: sources.store_code(caller=caller, project_id=project_id, node_id=node, content=tar, patience=patience)
        for node, tar in tars.items()
        if tar is not None
    }
