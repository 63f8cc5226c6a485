"""Finding users, projects and targets by what people call them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from django.contrib.auth import get_user_model

from agents.types import ServerData
from agents.wording.sentences import sentence
from deployments.errors import Invalid, NotFound, Unauthenticated
from deployments.services.fleet import machine_list
from deployments.services.permissions import access
from deployments.services.queries import grant_view
from deployments.services.requests import label_target
from deployments.services.secrets import env_file
from deployments.types import Caller, ProjectRecord, Right, Target, TargetKind

# In front of a label that exactly one server has: --server label:region=eu.
LABEL = "label:"


def caller_named(name: str | None) -> Caller:
    """Return the user of this name, or the only superuser. Raises Invalid or Unauthenticated."""
    users = get_user_model().objects.filter(is_active=True)
    if name:
        user = users.filter(username=name).first()
        if user is None:
            raise Unauthenticated(
                sentence("There is no active user {name!r}.", name=name), details={"--user": "unknown"}
            )
        return access.caller_of(user)
    roots = list(users.filter(is_superuser=True)[:2])
    if len(roots) != 1:
        raise Invalid(
            sentence("Name a user with --user: there is no superuser, or more than one."),
            details={"--user": "required"},
        )
    return access.caller_of(roots[0])


def project_named(*, caller: Caller, text: str) -> ProjectRecord:
    """Return the project by its id or name. Raises NotFound, or Invalid for a name that several have."""
    if (project_id := as_id(text)) is not None:
        return access.project_for(caller=caller, project_id=project_id, right=Right.SEE)
    found = [project for project in access.projects_of(caller) if project.name == text]
    if len(found) > 1:
        raise Invalid(sentence("Several projects have this name. Use the id."), details={"project": ids_of(found)})
    if not found:
        raise NotFound(sentence("No such project."))
    return found[0]


def target_named(*, caller: Caller, project_id: UUID, server: str | None, cluster: str | None) -> Target:
    """Return the target by id or by name among the caller's own and what the project may use; else the only one."""
    if cluster:
        own = {each.name: [each.id] for each in machine_list.machines_of(caller).clusters}
        return Target(kind=TargetKind.CLUSTER, id=_pick(cluster, own))
    servers: dict[str, list[UUID]] = defaultdict(list)
    found = grant_view.targets_of(caller=caller, project_id=project_id)
    for each in found:
        servers[each.server.name].append(each.server.id)
    if server and server.startswith(LABEL):
        label = server.removeprefix(LABEL)
        return label_target.target_of_label(caller=caller, project_id=project_id, label=label)
    if server:
        return Target(kind=TargetKind.SERVER, id=_pick(server, servers))
    usable = [each.server.id for each in found if each.usable]
    if len(usable) != 1:
        raise Invalid(
            sentence("Name a server with --server: you can use none, or more than one."),
            details={"--server": "required"},
        )
    return Target(kind=TargetKind.SERVER, id=usable[0])


def own_server_named(*, caller: Caller, text: str) -> ServerData:
    """Return the caller's server of this name or id. Raises NotFound."""
    own: dict[str, list[UUID]] = defaultdict(list)
    for server in machine_list.machines_of(caller).servers:
        own[server.name].append(server.id)
    return machine_list.get_server(caller=caller, server_id=_pick(text, own))


def _pick(text: str, known: Mapping[str, Sequence[UUID]]) -> UUID:
    named = known.get(text, ())
    if len(named) > 1:
        raise Invalid(sentence("Several have this name. Use the id."), details={"--server": ", ".join(map(str, named))})
    found = named[0] if named else as_id(text)
    if found is None:
        raise NotFound(sentence("No server or cluster named {text!r} that you can use.", text=text))
    return found


def variables_in(*, given: Sequence[str], file: Path | None) -> dict[str, str]:
    """Return the file's variables, then those given; a name alone is taken from the environment. Raises Invalid."""
    found: dict[str, str] = {}
    if file is not None:
        try:
            found = env_file.read_env_file(file.read_text(), field="--env-file")
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(
                sentence("{file} cannot be read.", file=file), details={"--env-file": "not readable"}
            ) from error
    for text in given:
        name, separator, value = text.partition("=")
        if not separator and name not in os.environ:
            raise Invalid(
                sentence("{name} is not set in the environment.", name=name), details={f"--env {name[:50]}": "no value"}
            )
        found[name] = value if separator else os.environ[name]
    return found


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def ids_of(found: Iterable[ProjectRecord]) -> str:
    return ", ".join(str(project.id) for project in found)
