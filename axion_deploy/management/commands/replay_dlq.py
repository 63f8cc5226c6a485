"""manage.py replay_dlq: dead letters once more."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand
from deployments.kafka.broker import BROKER_AWAY
from deployments.kafka_api.producer import UndeliverableError
from deployments.kafka_api.replay import Letter, replay

MOST = 1000
SHOWN = ("originalTopic", "correlationId", "attempt")


class Command(SpeakingCommand):
    help = lazy(
        "Send the requests in deployment-service-dlq again, oldest first, each once. They are marked as replays and "
        "never become dead letters again; requests that had their effect have no second one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--most", type=int, default=MOST, help=_("how many at most (default {number})").format(number=MOST)
        )
        parser.add_argument("--dry-run", action="store_true", help=_("only show them"))

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.KAFKA_BROKERS:
            raise CommandError(sentence("Set KAFKA_BROKERS to the addresses of the brokers."))
        try:
            sent = replay(
                group=settings.AXION_KAFKA_GROUP,
                most=options["most"],
                keys=settings.AXION_KAFKA_SERVICE_KEYS,
                tell=self._tell,
                dry_run=options["dry_run"],
            )
        except (*BROKER_AWAY, UndeliverableError) as error:
            raise CommandError(sentence("Stopped; what is left is replayed next time. {error}", error=error)) from error
        self.say(sentence("{sent} dead letters", sent=sent))

    def _tell(self, letter: Letter, said: str) -> None:
        try:
            body = json.loads(letter.value)
            shown = [str(body[name]) for name in SHOWN] + [str(body["error"]["message"])]
        except (ValueError, KeyError, TypeError):
            shown = ["unreadable"]
        self.say(f"{letter.spot.partition}:{letter.offset}  {'  '.join(shown)}  {said}")
