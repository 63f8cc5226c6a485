"""manage.py after_restore: the database is a dump that was restored, or a replica that took over and may lag."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand
from deployments.services.lifecycle.after_restore import renew_after_restore


class Command(SpeakingCommand):
    help = lazy(
        "Run this once after restoring a dump of the database, or failing over to a replica that may lag, before the "
        "other processes start. Agents then ask before they go on with anything, and what was in progress gets its "
        "whole time again, so that nothing is undone for a deadline that passed meanwhile."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = renew_after_restore(at=datetime.now(UTC))
        self.say(sentence("The ledger is {incarnation} from now on.", incarnation=done.incarnation))
        self.say(
            sentence("{in_progress} deployments in progress have their full time again.", in_progress=done.in_progress)
        )
        self.say(
            sentence(
                "{withdrawn} orders to go back that nobody asked for were withdrawn. Each agent settles its own part "
                "when it connects; what nobody can know is failed, and says so.",
                withdrawn=done.withdrawn,
            )
        )
