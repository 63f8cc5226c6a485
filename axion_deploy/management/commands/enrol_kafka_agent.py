"""manage.py enrol_kafka_agent: the credential of an agent that reaches the broker and not the gateway."""

from __future__ import annotations

import os
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from agents.errors import AgentIsConnected, NotFound
from agents.kafka_link.envelopes import commands_topic, events_topic
from agents.runner.control_plane.certificate import hash_of
from agents.runner.control_plane.identity import Identity, save_identity
from agents.services import directory, enrolment
from agents.types import AgentInfo, Registration, ServerData
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand


class Command(SpeakingCommand):
    help = lazy(
        "Write the credential of a server's agent that comes over the broker, and make its two topics. Bring the file "
        "to the server by a way that you trust, as agent.credential_file. An earlier credential of the server ends."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--server", type=uuid.UUID, required=True, help=_("The server's id."))
        parser.add_argument("--out", type=Path, required=True, help=_("The file to write; it must not exist yet."))
        parser.add_argument("--replace", action="store_true", help=_("Even while an agent of the server is connected."))

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.AXION_KAFKA_AGENTS:
            raise CommandError(
                sentence("First set AXION_KAFKA_AGENTS=on, also for the gateway. Otherwise nothing answers the agent.")
            )
        try:
            server = directory.get_server(server_id=options["server"])
        except NotFound as error:
            raise CommandError(sentence("There is no such server.")) from error
        _reserve(options["out"])
        registered = _enrol(server, replace=options["replace"], out=options["out"])
        token_hash = hash_of(registered.credential)
        identity = Identity(
            agent_id=str(registered.agent_id),
            server_id=str(server.id),
            credential=registered.credential,
            token_hash=token_hash,
        )
        save_identity(path=options["out"], identity=identity)
        _make_topics(registered)
        self.say(
            sentence(
                "Agent {agent_id} of {name}: {out}", agent_id=registered.agent_id, name=server.name, out=options["out"]
            )
        )


def _reserve(path: Path) -> None:
    """Make sure that the file can be written, before an earlier credential ends."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise CommandError(
            sentence("{path} cannot be written: {strerror}.", path=path, strerror=error.strerror)
        ) from error


def _enrol(server: ServerData, *, replace: bool, out: Path) -> Registration:
    token = enrolment.create_token(server_id=server.id, owner_id=server.owner_id, replace=replace)
    try:
        return enrolment.register(token=token.token, server_id=server.id, info=AgentInfo(), new_id=uuid.uuid4())
    except AgentIsConnected as error:
        out.unlink()
        raise CommandError(sentence("An agent of this server is connected: --replace ends its credential.")) from error


def _make_topics(registered: Registration) -> None:
    """Make both topics, of one partition each, since order matters; the broker's rules may leave that to others."""
    from deployments.kafka.broker import BROKER_AWAY
    from deployments.kafka.topics import create_missing

    names = (commands_topic(registered.agent_id), events_topic(registered.agent_id))
    try:
        create_missing(names, options={name: {"num_partitions": 1} for name in names})
    except BROKER_AWAY as error:
        named = " and ".join(names)
        raise CommandError(
            sentence("The broker did not answer. Create {named} yourself, with one partition each.", named=named)
        ) from error
