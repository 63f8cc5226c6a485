"""manage.py run_web: pages, REST and sockets."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy import web
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.metrics.server import serve_metrics


class Command(SpeakingCommand):
    help = lazy("Serve pages, REST and live updates. Several may run behind one address.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000", help=_("HOST:PORT, e.g. 0.0.0.0:8000 or [::1]:8000"))

    def handle(self, *args: Any, **options: Any) -> None:
        host, _, port = options["bind"].rpartition(":")
        if not host or not port.isdigit():
            raise CommandError(sentence("--bind {bind}: write HOST:PORT.", bind=options["bind"]))
        serve_metrics(process="web")
        uvicorn.Server(web.config("axion_deploy.asgi:application", host=host.strip("[]"), port=int(port))).run()
