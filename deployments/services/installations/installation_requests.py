"""Ask for the agent of a server to be installed or removed by SSH, say that its key is known, look, cancel, forget."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from agents.errors import AgentNotFound
from agents.services import directory
from agents.states import Presence
from agents.wording.sentences import sentence
from deployments import live_updates, queue
from deployments.data.audit_types import AuditAction
from deployments.data.installation_types import (
    InstallationAction,
    InstallationRecord,
    InstallationRequest,
    InstallationState,
    ServerAccess,
    SshAddress,
    SshLogin,
)
from deployments.errors import Conflict, Invalid, NotFound, TooMuch
from deployments.repositories import lanes
from deployments.repositories.installations import installation_rows, server_access_rows
from deployments.services.audit.record import record
from deployments.services.fleet import machine_list
from deployments.services.secrets import sealing
from deployments.ssh import ssh_host
from deployments.types import Caller

# From the wish to its end, with a person's word on the host key in between.
WAIT = timedelta(minutes=45)
MAX_OPEN = 20
MAX_PASSWORD, MAX_KEY = 1024, 32 * 1024
HOST = re.compile(
    r"^(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f:.]+(%[\w.-]+)?)$"
)
USERNAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_.@\\-]{0,63}\$?$")
FINGERPRINT = re.compile(r"^SHA256:[A-Za-z0-9+/]{43}$")
GATEWAY = re.compile(r"^(https?|grpcs?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$")

logger = structlog.get_logger(__name__)


def request_installation(
    *, caller: Caller, server_id: UUID, request: InstallationRequest, installation_id: UUID
) -> InstallationRecord:
    """Store the wish with its login sealed, and ask a worker to begin. For the server's owner.

    Opens its own transaction. Raises NotFound, Invalid naming the field, TooMuch, or Conflict while another one is open
    there, an agent is connected that is not to be replaced, or a deployment there is not finished.
    """
    server = machine_list.get_server(caller=caller, server_id=server_id)
    check_request(request)
    login = _login(request=request, server_id=server_id)
    _check_possible(request=request, server_id=server_id, user_id=caller.user_id)
    sealed = sealing.seal_installation(values=asdict(login), installation_id=installation_id)
    try:
        with transaction.atomic():
            if not directory.hold_server(server_id=server_id):
                raise NotFound(sentence("No such server."))
            stored = installation_rows.add(
                installation_id=installation_id,
                server_id=server_id,
                server_name=server.name,
                request=request,
                sealed=sealed,
                caller=caller,
                wait=WAIT,
            )
            installs = request.action is InstallationAction.INSTALL
            action = AuditAction.AGENT_INSTALLATION_REQUESTED if installs else AuditAction.AGENT_REMOVAL_REQUESTED
            where = f"{request.address.username}@{request.address.host}"
            record(by=caller, action=action, detail=where, server_id=server_id)
            queue.enqueue_installation(installation_id=installation_id, attempt=0)
    except IntegrityError as error:
        raise Conflict(sentence("The agent of this server is being installed or removed already.")) from error
    logger.info("agent installation requested", server_id=str(server_id), action=str(request.action), by=caller.name)
    return stored


def check_request(request: InstallationRequest) -> None:
    """Raise Invalid, naming the field. Pure, but for reading the key."""
    address, login = request.address, request.login
    wrong = {
        "host": "" if HOST.match(address.host) else "Enter a host name or an address.",
        "port": "" if 1 <= address.port <= 65535 else "Enter a port from 1 to 65535.",
        "username": "" if USERNAME.match(address.username) else "Enter the name of a user of the server.",
        "password": "" if len(login.password) <= MAX_PASSWORD else f"At most {MAX_PASSWORD} characters.",
        "privateKey": "" if len(login.private_key) <= MAX_KEY else f"At most {MAX_KEY} characters.",
        "sudoPassword": "" if len(login.sudo_password) <= MAX_PASSWORD else f"At most {MAX_PASSWORD} characters.",
        "hostKey": ""
        if not request.host_key or FINGERPRINT.match(request.host_key)
        else "Enter it as SHA256: and 43 characters, as ssh-keygen -l shows it.",
        "gatewayUrl": ""
        if request.action is InstallationAction.UNINSTALL or GATEWAY.match(request.gateway_url)
        else "Enter it as https://host:50051.",
    }
    for secret, name in ((login.password, "password"), (login.sudo_password, "sudoPassword")):
        if "\n" in secret or "\0" in secret:
            wrong[name] = "It has to be one line."
    if login.private_key and not wrong["privateKey"]:
        try:
            ssh_host.check_private_key(private_key=login.private_key, passphrase=login.passphrase)
        except ssh_host.SshFailedError as error:
            wrong["privateKey"] = str(error)
    found = {name: why for name, why in wrong.items() if why}
    if found:
        raise Invalid(sentence("The installation cannot be requested like this."), details=found)


def _login(*, request: InstallationRequest, server_id: UUID) -> SshLogin:
    """Return what was given, or else what is kept for the server. Raises Invalid where there is neither."""
    if not request.login.is_empty:
        return request.login
    kept = server_access_rows.get(server_id=server_id)
    # A login is for the host and user that it was kept for, and goes nowhere else.
    if kept is None or not kept.has_login or kept.address != request.address:
        raise Invalid(
            sentence("Give a password or a private key to sign in with."),
            details={"password": sentence("a password or a private key")},
        )
    try:
        return SshLogin(
            **sealing.unseal_login(sealed=server_access_rows.sealed_login(server_id=server_id), server_id=server_id)
        )
    except sealing.CannotUnsealError:
        raise Conflict(sentence("The stored login can no longer be decrypted. Enter it again.")) from None


def _check_possible(*, request: InstallationRequest, server_id: UUID, user_id: UUID) -> None:
    if installation_rows.count_open(user_id=user_id) >= MAX_OPEN:
        raise TooMuch(
            sentence(
                "You have {max_open} installations that are not finished. Wait for the end of one.", max_open=MAX_OPEN
            )
        )
    if request.action is InstallationAction.UNINSTALL:
        if lanes.is_busy(target_id=server_id):
            raise Conflict(sentence("A deployment to this server is not finished. Wait for its end."))
        return
    if not request.replace and is_connected(server_id=server_id):
        raise Conflict(sentence("The server's agent is connected. Choose to replace it if that is what you want."))


def is_connected(*, server_id: UUID) -> bool:
    try:
        return directory.agent_for_server(server_id=server_id).presence in {Presence.ONLINE, Presence.SILENT}
    except AgentNotFound:
        return False


def confirm_host_key(*, caller: Caller, installation_id: UUID, fingerprint: str) -> InstallationRecord:
    """Go on with the key that the server has shown: the caller says it is the server's.

    Opens its own transaction. Raises NotFound, or Conflict where nobody was asked or another key was shown.
    """
    get_installation(caller=caller, installation_id=installation_id)
    with transaction.atomic():
        found = installation_rows.get_locked(installation_id=installation_id)
        if found is None or found.state is not InstallationState.CONFIRMING:
            raise Conflict(sentence("This installation does not wait for a word on the host key."))
        if ssh_host.fingerprint_of(found.offered_key) != fingerprint:
            raise Conflict(
                sentence("The server has shown another host key."),
                details={"hostKey": sentence("not the key that was shown")},
            )
        installation_rows.confirm_key(installation_id=installation_id, fingerprint=fingerprint)
        record(by=caller, action=AuditAction.HOST_KEY_CONFIRMED, detail=fingerprint, server_id=found.server_id)
        queue.enqueue_installation(installation_id=installation_id, attempt=found.attempt)
        tell(server_id=found.server_id)
    return get_installation(caller=caller, installation_id=installation_id)


def cancel_installation(*, caller: Caller, installation_id: UUID) -> InstallationRecord:
    """End an installation: at once where no worker has it, else at its worker's next look. NotFound, Conflict."""
    get_installation(caller=caller, installation_id=installation_id)
    with transaction.atomic():
        found = installation_rows.get_locked(installation_id=installation_id)
        if found is None or found.ended_at is not None:
            raise Conflict(sentence("The installation has ended already."))
        if found.state is InstallationState.RUNNING:
            installation_rows.request_cancel(installation_id=installation_id)
        else:
            installation_rows.end(
                installation_id=installation_id,
                holder=None,
                state=InstallationState.CANCELLED,
                message="Cancelled before anything was done.",
            )
        tell(server_id=found.server_id)
    return get_installation(caller=caller, installation_id=installation_id)


def get_installation(*, caller: Caller, installation_id: UUID) -> InstallationRecord:
    """Return the installation. Raises NotFound, also for one on somebody else's server."""
    found = installation_rows.get(installation_id=installation_id)
    machine_list.require_owned(
        caller=caller, what="installation", find=lambda: directory.get_server(server_id=found.server_id)
    )
    return found


def list_installations(*, caller: Caller, server_id: UUID) -> tuple[InstallationRecord, ...]:
    """Return the newest installations on a server of the caller's. Raises NotFound."""
    machine_list.get_server(caller=caller, server_id=server_id)
    return installation_rows.newest(server_id=server_id)


def being_installed(*, server_ids: Collection[UUID]) -> frozenset[UUID]:
    """Return those of these servers on which an agent is being installed."""
    return installation_rows.open_servers(server_ids=server_ids)


def get_access(*, caller: Caller, server_id: UUID) -> ServerAccess | None:
    """Return how the server is reached by SSH; None where that was never told. Raises NotFound."""
    machine_list.get_server(caller=caller, server_id=server_id)
    return server_access_rows.get(server_id=server_id)


def forget_access(*, caller: Caller, server_id: UUID) -> bool:
    """Forget the server's host key and any kept login: the next installation asks again. Return whether one was kept.

    Raises NotFound, Conflict.
    """
    machine_list.get_server(caller=caller, server_id=server_id)
    if installation_rows.is_open(server_id=server_id):
        raise Conflict(sentence("The agent of this server is being installed or removed. Wait for its end."))
    with transaction.atomic():
        kept = server_access_rows.forget(server_id=server_id)
        if kept:
            record(by=caller, action=AuditAction.HOST_KEY_FORGOTTEN, server_id=server_id)
    return kept


def default_address(*, host: str, port: int, username: str, access: ServerAccess | None) -> SshAddress:
    """Return where to sign in if nothing else is said: as the last time, or as the server's row has it."""
    return access.address if access else SshAddress(host=host, port=port, username=username or "root")


def tell(*, server_id: UUID) -> None:
    """Wake the pages that show the server's installation, once the transaction has been stored."""
    transaction.on_commit(lambda: live_updates.wake_server(server_id))
