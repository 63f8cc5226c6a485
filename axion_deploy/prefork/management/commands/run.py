"""manage.py run: the whole control plane of a small installation."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.utils.translation import gettext as _

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.prefork.master import REFUSED, Master
from axion_deploy.prefork.parts import NAMES, Part, parts, preload


class Command(SpeakingCommand):
    help = lazy("Run the whole control plane, each part in a process that shares the memory of what all of them load.")
    # They would take a second of the start; `migrate` runs them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help=_("HOST:PORT of the pages, e.g. 0.0.0.0:8000"))
        parser.add_argument("--without", action="append", default=[], choices=NAMES, help=_("a part not to run here"))

    def handle(self, *args: Any, **options: Any) -> None:
        if not hasattr(os, "fork"):
            raise CommandError(sentence("This system cannot fork. Start each process by its own command."))
        chosen = parts(bind=options["bind"], without=options["without"])
        preload(chosen)
        # Whatever the imports asked the database, no connection is shared.
        connections.close_all()
        master = Master(chosen)
        if (part := master.run()) is not None:
            _be(part)
        elif master.refused:
            raise CommandError(
                sentence("A part rejected its settings (see above), so all others were stopped."), returncode=REFUSED
            )


def _be(part: Part) -> None:
    """Be the part until it ends. Raises CommandError with REFUSED where the part cannot be as it is set up."""
    try:
        call_command(part.command, **(part.options or {}))
    except CommandError as error:
        raise CommandError(f"{part.name}: {error}", returncode=REFUSED) from error
    except SystemExit as ending:
        if part.name != "web" or not ending.code:
            raise
        # The web server has said which address it could not have.
        raise CommandError(sentence("{name} could not start.", name=part.name), returncode=REFUSED) from ending
