"""What each subcommand of `manage.py agents` does: it calls the use cases of every other door."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings

from agents.distribution.artifact import REQUIREMENTS, ROOT
from agents.reports.update_rules import OPEN, RolloutState
from agents.states import Presence, ServerFilter
from agents.types import ServerData
from agents.wording.sentences import sentence
from axion_deploy.terminal.adoption.adoption_actions import adopt_action, containers_action
from axion_deploy.terminal.exits import Exit, Unreachable
from axion_deploy.terminal.machine_ends import delete_machine_action
from axion_deploy.terminal.names import as_id, own_server_named
from axion_deploy.terminal.screen import Screen
from deployments.data.installation_types import (
    ENDED,
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    InstallationState,
    SshAddress,
    SshLogin,
    StepState,
)
from deployments.errors import Conflict, Invalid
from deployments.services.fleet import agent_updates, machine_changes, machine_list
from deployments.services.fleet.update_shapes import rollout_shape
from deployments.services.installations import installation_requests
from deployments.services.installations.installation_shapes import installation_shape
from deployments.types import Caller, Target, TargetKind

Options = Mapping[str, Any]
POLL_SECONDS = 0.5
DOWNLOAD_SECONDS = 900
# Keeps it out of the arguments, which everybody on the machine may read.
PASSWORD_VARIABLE = "AXION_SSH_PASSWORD"  # noqa: S105 - the name of a variable
MARKS = {StepState.DONE: "ok", StepState.FAILED: "FAILED", StepState.RUNNING: "...", StepState.WAITING: ""}


def list_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """List the caller's servers that match, and how their agents are."""
    presence = Presence(options["presence"]) if options["presence"] else None
    matching = ServerFilter(label=options["label"], version=options["version"], presence=presence)
    servers = machine_list.servers_matching(caller=caller, matching=matching)
    installing = installation_requests.being_installed(server_ids=[server.id for server in servers])
    for server in servers:
        state = "installing" if server.id in installing else str(server.presence)
        screen.say("  ".join(filter(None, [f"{state:<11} {server.name}", server.host, str(server.id), *server.labels])))
        more = {"labels": list(server.labels), "version": server.agent_version}
        screen.tell("server", {"id": str(server.id), "name": server.name, "host": server.host, "state": state, **more})
    if not servers:
        screen.say(sentence("No servers yet.") if matching == ServerFilter() else sentence("No server matches."))
    return Exit.DONE


def label_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Give a server labels and take some away; then say which it has."""
    server = own_server_named(caller=caller, text=options["server"])
    wanted = (set(server.labels) | set(options["labels"])) - set(options["remove"])
    if wanted != set(server.labels):
        changes = {"labels": sorted(wanted)}
        server = machine_changes.change_server(caller=caller, server_id=server.id, changes=changes)
    screen.say(" ".join(server.labels) or "The server has no labels.")
    screen.tell("server", {"id": str(server.id), "name": server.name, "labels": list(server.labels)})
    return Exit.DONE


def install_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    return _requested(InstallationAction.INSTALL, caller=caller, options=options, screen=screen)


def uninstall_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    return _requested(InstallationAction.UNINSTALL, caller=caller, options=options, screen=screen)


def delete_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Say what follows from deleting a server, delete it, or say how far that is; by its id also when it is gone."""
    known = as_id(options["server"])
    server_id = known if known is not None else own_server_named(caller=caller, text=options["server"]).id
    target = Target(kind=TargetKind.SERVER, id=server_id)
    return delete_machine_action(caller=caller, target=target, options=options, screen=screen)


def _requested(action: InstallationAction, *, caller: Caller, options: Options, screen: Screen) -> Exit:
    server = own_server_named(caller=caller, text=options["server"])
    made = installation_requests.request_installation(
        caller=caller,
        server_id=server.id,
        request=InstallationRequest(
            action=action,
            address=_address(caller=caller, server=server, options=options),
            login=_login(options, screen),
            host_key=options["host_key"],
            install_docker=options.get("with_docker", False),
            keep_login=options["keep_login"],
            replace=options.get("replace", False),
            gateway_url=options.get("gateway", ""),
        ),
        installation_id=uuid4(),
    )
    screen.tell("accepted", {"installationId": str(made.id)})
    return _watched(made, caller=caller, options=options, screen=screen) if options["wait"] else Exit.DONE


def _address(*, caller: Caller, server: ServerData, options: Options) -> SshAddress:
    access = installation_requests.get_access(caller=caller, server_id=server.id)
    usual = installation_requests.default_address(
        host=server.host, port=server.port, username=server.username, access=access
    )
    return SshAddress(
        host=options["host"] or usual.host,
        port=options["port"] or usual.port,
        username=options["ssh_user"] or usual.username,
    )


def _login(options: Options, screen: Screen) -> SshLogin:
    """Return the key of a file, or the password from the environment or the terminal; nothing for a stored login."""
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if options["ask_password"] and not password:
        password = getpass.getpass(f"{screen.words(sentence('Password:'))} ")
    key = ""
    if options["key_file"] is not None:
        try:
            key = Path(options["key_file"]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(sentence("The private key cannot be read."), details={"--key-file": str(error)}) from None
    return SshLogin(password="" if key else password, private_key=key, sudo_password=password if key else "")


def _watched(made: InstallationRecord, *, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Follow the installation to its end; ask for the host key where somebody can answer."""
    until, told = time.monotonic() + options["timeout"], dict.fromkeys((each.step for each in made.steps), "")
    while True:
        now = installation_requests.get_installation(caller=caller, installation_id=made.id)
        for each in now.steps:
            if each.state in {StepState.DONE, StepState.FAILED} and told[each.step] != each.state:
                told[each.step] = each.state
                screen.say(f"{each.step:<10} {MARKS[each.state]:<7} {screen.words(each.message)}")
        if now.state in ENDED:
            screen.say(now.message)
            screen.tell("installation", installation_shape(now))
            return Exit.DONE if now.state is InstallationState.SUCCEEDED else Exit.FAILED
        if now.state is InstallationState.CONFIRMING:
            _confirm(now, caller=caller, screen=screen)
        if time.monotonic() > until:
            raise Unreachable(sentence("Not finished within --timeout; the installation continues."))
        time.sleep(POLL_SECONDS)


def _confirm(found: InstallationRecord, *, caller: Caller, screen: Screen) -> None:
    """Ask whether the shown key is the server's. Raises Conflict where nobody can answer, or the answer is no."""
    shown = installation_shape(found)["offeredKey"]
    question = sentence(
        "{host} shows the host key {key}. Is that the server's? [yes/no]", host=found.address.host, key=shown
    )
    if sys.stdin.isatty() and input(f"{screen.words(question)} ").strip().casefold() in {"y", "yes"}:
        installation_requests.confirm_host_key(caller=caller, installation_id=found.id, fingerprint=shown)
        return
    installation_requests.cancel_installation(caller=caller, installation_id=found.id)
    raise Conflict(
        sentence("The host key {shown} was not confirmed. Check it, then give it with --host-key.", shown=shown)
    )


def wheels_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Download what agents need, for servers without an index of packages, from this machine's own index."""
    del caller
    folder = Path(settings.AXION_AGENT_WHEELS)
    folder.mkdir(parents=True, exist_ok=True)
    for minor in options["python"]:
        for machine in options["machine"]:
            _download(folder=folder, minor=minor, machine=machine)
            screen.say(
                sentence(
                    "Packages for Python 3.{minor} on {machine} are in {folder}.",
                    minor=minor,
                    machine=machine,
                    folder=folder,
                )
            )
    return Exit.DONE


def _download(*, folder: Path, minor: int, machine: str) -> None:
    platforms = [f"--platform=manylinux_2_{glibc}_{machine}" for glibc in (17, 28)]
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"),
        *("--only-binary=:all:", "--require-hashes", f"--python-version=3.{minor}", "--implementation=cp"),
        *platforms,
        *(f"--platform=manylinux2014_{machine}", "--dest", str(folder), "-r", str(ROOT / REQUIREMENTS)),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unreachable(sentence("pip did not finish in time.")) from None
    if done.returncode != 0:
        raise Unreachable(sentence("pip could not download the packages: {why}", why=done.stderr.strip()[-500:]))


def update_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Update the agents of the named servers, or all."""
    named = [own_server_named(caller=caller, text=text).id for text in options["server"]]
    made = agent_updates.request_updates(caller=caller, server_ids=named or None, rollout_id=uuid4())
    screen.tell("accepted", {"rolloutId": str(made.id)})
    if not options["wait"]:
        return Exit.DONE
    until, told = time.monotonic() + options["timeout"], set()
    while True:
        now = agent_updates.get_rollout(caller=caller, rollout_id=made.id)
        for each in now.updates:
            if each.state not in OPEN and each.id not in told:
                told.add(each.id)
                screen.say(f"{each.state:<10} {each.server_name}  {screen.words(each.message)}")
        if now.state is not RolloutState.RUNNING:
            screen.say(now.message)
            screen.tell("rollout", rollout_shape(now))
            return Exit.DONE if now.state is RolloutState.SUCCEEDED else Exit.FAILED
        if time.monotonic() > until:
            raise Unreachable(sentence("Not finished within --timeout; the update continues."))
        time.sleep(POLL_SECONDS)


ACTIONS: Mapping[str, Callable[..., Exit]] = {
    "containers": containers_action,
    "adopt": adopt_action,
    "list": list_action,
    "label": label_action,
    "install": install_action,
    "uninstall": uninstall_action,
    "update": update_action,
    "delete": delete_action,
    "wheels": wheels_action,
}
