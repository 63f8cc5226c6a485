"""manage.py run: the whole control plane of a small installation."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from axion_deploy.prefork.master import REFUSED, Master
from axion_deploy.prefork.parts import NAMES, Part, parts, preload


class Command(BaseCommand):
    help = "Run the whole control plane, each part in a process that shares the memory of what all of them load."
    # They would take a second of the start; `migrate` runs them.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help="HOST:PORT of the pages, e.g. 0.0.0.0:8000")
        parser.add_argument(
            "--without", action="append", default=[], choices=NAMES, help="a part that runs elsewhere, or not at all"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not hasattr(os, "fork"):
            raise CommandError("This system cannot fork. Start each process by its own command.")
        chosen = parts(bind=options["bind"], without=options["without"])
        preload(chosen)
        # Whatever the imports asked the database, no connection is shared.
        connections.close_all()
        master = Master(chosen)
        if (part := master.run()) is not None:
            _be(part)
        elif master.refused:
            raise CommandError("A part refused its settings, see above; all others were ended.", returncode=REFUSED)


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
        raise CommandError(f"{part.name} could not start.", returncode=REFUSED) from ending
