"""The subcommands of `manage.py people`, and what each does: it calls the use cases of every other door."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from agents.wording.sentences import sentence
from axion_deploy.terminal.acting import subcommands
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.sharing_types import PersonRecord
from deployments.errors import NotFound
from deployments.repositories import users
from deployments.roles import GroupRecord
from deployments.services.accounts import groups, people
from deployments.services.ends import person_deletion
from deployments.types import Caller

Options = Mapping[str, Any]
PAGE = 100
OWNED = {
    "project": lambda name: sentence("owns the project {name}", name=name),
    "server": lambda name: sentence("owns the server {name}", name=name),
    "cluster": lambda name: sentence("owns the cluster {name}", name=name),
}


def add_people_arguments(parser: ArgumentParser) -> None:
    """Add the subcommands, each with its options and exit codes."""
    action = subcommands(parser)
    action("list", _("List everybody who has an account."))
    add = action("add", _("Add a person, and print the link with which they choose a password, once."))
    _changing(add)
    change = action("change", _("Disable or enable a person, or change their rights."))
    _changing(change)
    change.add_argument("--active", action=BooleanOptionalAction, help=_("--no-active: signed out at once."))
    link = action("link", _("Print a link with which a person chooses a new password, once; earlier ones end."))
    link.add_argument("name", help=_("User name."))
    delete = action("delete", _("Delete a person, or say what they own; history keeps their name."))
    delete.add_argument("name", help=_("User name."))
    delete.add_argument("--confirm", default="", metavar="NAME", help=_("Confirm the deletion: the full user name."))
    delete.add_argument("--heir", default="", metavar="NAME", help=_("Who takes over what they own."))
    group = action("group", _("List the groups of people; with a name, make it consist of the given people."))
    group.add_argument("name", nargs="?", default="")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--people", nargs="*", metavar="NAME", help=_("All of its people; without any it is empty."))
    what.add_argument("--delete", action="store_true", help=_("Delete it with its roles in all projects."))


def _changing(parser: ArgumentParser) -> None:
    parser.add_argument("name", help=_("User name."))
    parser.add_argument("--email")
    parser.add_argument("--administrator", action=BooleanOptionalAction, help=_("Sees and manages everything."))


def list_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """List everybody, however many they are."""
    del options
    number, seen = 1, 0
    while True:
        page = people.list_people(caller=caller, page=number, limit=PAGE)
        for person in page.items:
            _show(person, screen)
        seen += len(page.items)
        if not page.items or seen >= page.total:
            return Exit.DONE
        number += 1


def add_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Add the person and show the link, this once."""
    _, text = people.create_person(
        caller=caller,
        name=options["name"],
        email=options["email"] or "",
        administrator=bool(options["administrator"]),
        at=timezone.now(),
    )
    return _show_link(text, screen)


def change_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    person = _named(caller, options["name"])
    given = {name: options[name] for name in ("email", "active", "administrator")}
    _show(people.change_person(caller=caller, user_id=person.id, **given), screen)
    return Exit.DONE


def link_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    person = _named(caller, options["name"])
    _, text = people.create_password_link(caller=caller, user_id=person.id, at=timezone.now())
    return _show_link(text, screen)


def delete_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Delete with `--confirm`; else say what has to be taken over."""
    person = _named(caller, options["name"])
    if options["confirm"]:
        person_deletion.delete_person(
            caller=caller, user_id=person.id, typed_name=options["confirm"], heir=options["heir"], at=timezone.now()
        )
        screen.say(sentence("{name} was deleted.", name=person.name))
        screen.tell("person", {"id": str(person.id), "state": "deleted"})
        return Exit.DONE
    owned = person_deletion.owned_by(caller=caller, user_id=person.id)
    for kind, names in (("project", owned.projects), ("server", owned.servers), ("cluster", owned.clusters)):
        for name in names:
            screen.say(OWNED[kind](name))
            screen.tell("owned", {"what": kind, "name": name})
    screen.say(
        sentence("To delete them, add --confirm with the full user name, and --heir.")
        if owned.anything
        else sentence("To delete them, add --confirm with the full user name.")
    )
    return Exit.DONE


def group_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """List the groups, or save or delete the one that is named."""
    found = groups.list_groups(caller=caller)
    if not options["name"]:
        for group in found:
            _show_group(group, screen)
        return Exit.DONE
    same = next((group for group in found if group.name == options["name"]), None)
    if options["people"] is not None:
        group_id = same.id if same else uuid4()
        saved = groups.save_named(
            caller=caller, group_id=group_id, name=options["name"], people=options["people"], at=timezone.now()
        )
        _show_group(saved, screen)
        return Exit.DONE
    if same is None:
        raise NotFound(sentence("No such group."))
    if options["delete"]:
        groups.delete_group(caller=caller, group_id=same.id, at=timezone.now())
        screen.say(sentence("{name} was deleted.", name=same.name))
        return Exit.DONE
    _show_group(same, screen)
    return Exit.DONE


def _named(caller: Caller, name: str) -> PersonRecord:
    user = users.named(name=name)
    if user is None:
        raise NotFound(sentence("No such person."))
    return people.get_person(caller=caller, user_id=user.pk)


def _show(person: PersonRecord, screen: Screen) -> None:
    state = screen.words(sentence("active") if person.active else sentence("disabled"))
    role = screen.words(sentence("administrator")) if person.administrator else ""
    screen.say(f"{state:<9} {role:<14} {person.name}  {person.email}".rstrip())
    facts = {"id": str(person.id), "name": person.name, "email": person.email}
    screen.tell("person", {**facts, "active": person.active, "administrator": person.administrator})


def _show_group(group: GroupRecord, screen: Screen) -> None:
    screen.say(f"{group.name}: {', '.join(group.members) or screen.words(sentence('nobody'))}")
    screen.tell("group", {"id": str(group.id), "name": group.name, "people": list(group.members)})


def _show_link(text: str, screen: Screen) -> Exit:
    """Show the address below AXION_PUBLIC_URL; without that, only its path."""
    address = f"{settings.AXION_PUBLIC_URL}{reverse('choose-password', args=[text])}"
    screen.say(sentence("Send them this link. It works once, within three days: {address}", address=address))
    screen.tell("link", {"address": address})
    return Exit.DONE


ACTIONS: Mapping[str, Callable[..., Exit]] = {
    "list": list_action,
    "add": add_action,
    "change": change_action,
    "link": link_action,
    "delete": delete_action,
    "group": group_action,
}
