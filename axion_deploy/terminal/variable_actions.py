"""`manage.py deployments variables`: what stays from one deployment to the next, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.variable_types import PROJECT_WIDE, ChangedVariable, Place, Scope, StoredVariable
from deployments.errors import Invalid
from deployments.services.projects import project_variables, sources
from deployments.types import Caller


def variables_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Set and remove what is given, then show the names; with --changes who did what, with --export a .env file."""
    project = names.project_named(caller=caller, text=options["project"])
    place = place_in(caller=caller, project_id=project.id, options=options)
    values = names.variables_in(given=options["env"], file=options["env_file"])
    if values or options["remove"]:
        project_variables.change_variables(
            caller=caller,
            project_id=project.id,
            place=place,
            values=values,
            remove=options["remove"],
            at=timezone.now(),
        )
    if options["export"]:
        text = project_variables.export_env_file(caller=caller, project_id=project.id, place=place)
        screen.tell("file", {"text": text})
        screen.say(text.rstrip("\n"))
        return Exit.DONE
    if options["changes"]:
        for change in project_variables.list_changes(caller=caller, project_id=project.id):
            show_change(change, screen)
        return Exit.DONE
    found = project_variables.list_variables(caller=caller, project_id=project.id)
    for variable in found:
        show_variable(variable, screen)
    if not found:
        screen.say(sentence("No variables are set."))
    return Exit.DONE


def place_in(*, caller: Caller, project_id: UUID, options: Mapping[str, Any]) -> Place:
    """Return what the variables belong to, by name or id. Raises Invalid or NotFound."""
    if options["server"] and options["node"]:
        raise Invalid(
            sentence("A variable belongs to a server or to a node, not to both."), details={"--node": "with --server"}
        )
    if options["server"]:
        target = names.target_named(caller=caller, project_id=project_id, server=options["server"], cluster=None)
        return Place(scope=Scope.TARGET, key=str(target.id))
    if options["node"]:
        return Place(scope=Scope.NODE, key=node_named(caller=caller, project_id=project_id, text=options["node"]))
    return PROJECT_WIDE


def node_named(*, caller: Caller, project_id: UUID, text: str) -> str:
    """Return the id of the node with this id, or else of the only one with this name; the text where there is none."""
    graph = sources.latest_graph(caller=caller, project_id=project_id)
    nodes = graph.graph.get("nodes", []) if graph else []
    ids = [str(node.get("id")) for node in nodes]
    named = [str(node.get("id")) for node in nodes if node.get("data", {}).get("serviceName") == text]
    return text if text in ids or len(named) != 1 else named[0]


def place_words(place: Place) -> str:
    return str(place.scope) + (f" {place.key}" if place.key else "")


def show_variable(variable: StoredVariable, screen: Screen) -> None:
    shape = {
        "scope": str(variable.place.scope),
        "scopeKey": variable.place.key,
        "name": variable.name,
        "version": variable.version,
        "setBy": variable.set_by,
        "setAt": variable.set_at.isoformat(),
    }
    screen.tell("variable", shape)
    where = place_words(variable.place)
    said = sentence(
        "value {version}, set by {who}, {when}",
        version=variable.version,
        who=variable.set_by,
        when=_at(variable.set_at),
    )
    screen.say(f"{variable.name}  ({where})  {screen.words(said)}")


def show_change(change: ChangedVariable, screen: Screen) -> None:
    shape = {
        "scope": str(change.place.scope),
        "scopeKey": change.place.key,
        "name": change.name,
        "version": change.version,
        "action": change.action,
        "by": change.by,
        "at": change.at.isoformat(),
    }
    screen.tell("change", shape)
    said = sentence("{action} by {who}", action=change.action, who=change.by)
    screen.say(f"{_at(change.at)}  {change.name}  ({place_words(change.place)})  {screen.words(said)}")


def _at(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
