"""`manage.py deployments registries`: where private images come from; list, add, change and delete."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.images.registry_check import tested
from axion_deploy.terminal.screen import Screen
from deployments.data.registry_types import NewRegistry, RegistryChange, RegistryRecord
from deployments.errors import Invalid, NotFound
from deployments.rules import registry_rules
from deployments.rules.registry_rules import MAX_CERTIFICATE
from deployments.services.registries import registries
from deployments.types import Caller


def registries_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Add, change or delete the registry that is named by its address, or list all that the caller may see."""
    project = names.project_named(caller=caller, text=options["project"]) if options["project"] else None
    if not options["address"]:
        _list(registries.list_registries(caller=caller, project_id=project.id if project else None), screen)
        return Exit.DONE
    known = _find(caller, options["address"], project.id if project else None, of_installation=options["everybody"])
    if options["delete"]:
        if known is None:
            raise NotFound(sentence("No such registry."))
        registries.delete_registry(caller=caller, registry_id=known.id)
        screen.say(sentence("{address} was deleted here; its images stay in it.", address=known.address))
        return Exit.DONE
    if options["test_from"]:
        if known is None:
            raise NotFound(sentence("No such registry."))
        return tested(caller=caller, registry=known, server=options["test_from"], screen=screen)
    password, certificate = _password_in(options["password_env"]), _certificate_in(options["ca_file"])
    if known is not None:
        change = RegistryChange(
            name=options["name"] or None, username=options["username"], password=password, ca_certificate=certificate
        )
        stored = registries.change_registry(caller=caller, registry_id=known.id, change=change, at=timezone.now())
    else:
        new = NewRegistry(
            name=options["name"] or options["address"],
            address=options["address"],
            username=options["username"] or "",
            password=password or "",
            ca_certificate=certificate or "",
            project_id=project.id if project else None,
            of_installation=options["everybody"],
        )
        stored = registries.add_registry(caller=caller, new=new, at=timezone.now())
    _list((stored,), screen)
    return Exit.DONE


def _find(caller: Caller, address: str, project_id: UUID | None, *, of_installation: bool) -> RegistryRecord | None:
    owner_id = None if project_id or of_installation else caller.user_id
    wanted = (registry_rules.usual_address(address), owner_id, project_id)
    found = registries.list_registries(caller=caller, project_id=project_id)
    return next((each for each in found if (each.address, each.owner_id, each.project_id) == wanted), None)


def _password_in(variable: str) -> str | None:
    """Return the value of the variable that holds the password, which keeps it out of lists of processes."""
    if not variable:
        return None
    if variable not in os.environ:
        raise Invalid(
            sentence("There is no variable {variable}.", variable=variable), details={"--password-env": "not set"}
        )
    return os.environ[variable]


def _certificate_in(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        with path.open() as file:
            return file.read(MAX_CERTIFICATE + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(
            sentence("{path} cannot be read.", path=path), details={"--ca-file": type(error).__name__}
        ) from error


def _list(found: tuple[RegistryRecord, ...], screen: Screen) -> None:
    for each in found:
        everybody = sentence("everybody") if each.of_installation else sentence("all your projects")
        login = each.username or sentence("no login")
        said = sentence("{name}, {login}, for {whom}", name=each.name, login=login, whom=each.project_name or everybody)
        screen.say(f"{each.address}  {screen.words(said)}")
        shape = {"id": str(each.id), "name": each.name, "address": each.address, "username": each.username}
        screen.tell("registry", {**shape, "projectId": str(each.project_id or ""), "everybody": each.of_installation})
    if not found:
        screen.say(sentence("No registries."))
