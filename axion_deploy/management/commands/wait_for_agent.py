"""manage.py wait_for_agent: for scripts that deploy as soon as a server can."""

from __future__ import annotations

import time
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from agents.errors import AgentNotFound
from agents.services import directory
from agents.states import Presence
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand

POLL_SECONDS = 0.2


class Command(SpeakingCommand):
    help = lazy("Wait until the agent of a server is online; exit code 1 when it is not within the given time.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--server", type=uuid.UUID, required=True, help=_("The server's id."))
        parser.add_argument("--seconds", type=float, default=60.0)

    def handle(self, *args: Any, **options: Any) -> None:
        deadline = time.monotonic() + options["seconds"]
        while not self._is_online(server_id=options["server"]):
            if time.monotonic() > deadline:
                raise CommandError(
                    sentence("No agent of this server was online within {seconds:g} s.", seconds=options["seconds"])
                )
            time.sleep(POLL_SECONDS)
        self.stdout.write("online")

    def _is_online(self, *, server_id: uuid.UUID) -> bool:
        try:
            return directory.agent_for_server(server_id=server_id).presence == Presence.ONLINE
        except AgentNotFound:
            return False
