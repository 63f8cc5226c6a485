"""manage.py rotate_keys: everything sealed under the newest key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand
from deployments.services.secrets.rotation import rotate_keys
from deployments.services.secrets.sealing import newest_version


class Command(SpeakingCommand):
    help = lazy(
        "Seal every stored value with the newest key of AXION_ENCRYPTION_KEYS, while deployments go on. First add the "
        "new key beside the old ones and restart every process; an old key may go only when this says so."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate_keys()
        newest = newest_version()
        self.say(sentence("{resealed} rows encrypted again with key {newest}.", resealed=done.resealed, newest=newest))
        if done.unopened:
            kinds = ", ".join(f"{count} under key {version}" for version, count in sorted(done.unopened.items()))
            raise CommandError(
                sentence(
                    "Some values could not be opened and stay as they are: {kinds}. Configure that key and run this "
                    "again.",
                    kinds=kinds,
                )
            )
        if done.failed:
            raise CommandError(
                sentence(
                    "{failed} rows are not as they were stored and stay as they are; the log names each. Keep every "
                    "key until they are mended or gone.",
                    failed=done.failed,
                )
            )
        if not done.settled:
            raise CommandError(
                sentence(
                    "Values are still being stored under an old key: restart every process with the new key, then run "
                    "this again."
                )
            )
        old = sorted(set(settings.AXION_ENCRYPTION_KEYS) - {newest})
        if old:
            names = ", ".join(str(version) for version in old)
            self.say(
                sentence(
                    "Nothing needs key {names} any more. Remove it once every process knows key {newest}.",
                    names=names,
                    newest=newest,
                )
            )
