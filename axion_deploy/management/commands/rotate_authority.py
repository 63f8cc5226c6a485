"""manage.py rotate_authority: another certificate authority in place of the present one, in two steps."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from agents.errors import Conflict
from agents.services import authority, directory
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand


class Command(SpeakingCommand):
    help = lazy(
        "Replace the control plane's certificate authority while agents are connected. First without options: a new "
        "one signs from then on, both are trusted, and agents renew their certificates. When all have, with "
        "--finish: the former one is trusted no more, and what agents opened with it ends. Enrolment tokens that were "
        "made before that end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--finish", action="store_true", help=_("stop trusting the former authority"))
        parser.add_argument(
            "--force", action="store_true", help=_("with --finish: also while agents have no new certificate yet")
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["finish"]:
                self._finish(force=options["force"])
            else:
                self._begin()
        except Conflict as error:
            raise CommandError(error.message) from error

    def _begin(self) -> None:
        authority.rotate(now=datetime.now(UTC))
        self.say(
            sentence(
                "A new authority signs from now on. Connected agents renew their certificates within a minute, the "
                "others "
                "when they connect. Then run this again with --finish."
            )
        )

    def _finish(self, *, force: bool) -> None:
        servers, count = authority.not_renewed()
        if count and not force:
            names = directory.server_names(server_ids=servers)
            named = ", ".join(sorted(names.get(each, str(each)) for each in servers))
            raise CommandError(
                sentence(
                    "{count} agents have not connected with a certificate of the new authority yet: {named}. Wait "
                    "until they have, or run this with --force: those then need a new enrolment token.",
                    count=count,
                    named=named,
                )
            )
        authority.finish_rotation()
        self.say(
            sentence("The former authority is no longer trusted. Sessions opened with a certificate of it are ended.")
        )
