"""manage.py deployments: deploy, look, cancel, go back, from a terminal or a script."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agents.db_errors import DATABASE_AWAY
from axion_deploy.terminal import arguments, names
from axion_deploy.terminal.actions import ACTIONS
from axion_deploy.terminal.exits import Exit, Unreachable, exit_of
from axion_deploy.terminal.screen import Screen
from deployments.errors import DeployError


class Command(BaseCommand):
    help = "Deploy projects and follow deployments. See `deployments ACTION --help` for options and exit codes."
    # The checks take as long as the command itself, and every process has made them when it started.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        screen = Screen(as_json=options["json"])
        exit_ = self._act(options, screen)
        screen.tell("end", {"exitCode": int(exit_)})
        sys.exit(exit_)

    def _act(self, options: dict[str, Any], screen: Screen) -> Exit:
        try:
            caller = names.caller_named(options["user"])
            return ACTIONS[options["action"]](caller=caller, options=options, screen=screen)
        except DeployError as error:
            screen.problem(error)
            return exit_of(error)
        except DATABASE_AWAY:
            screen.problem(Unreachable("The database is not responding."))
            return Exit.UNREACHABLE
        except KeyboardInterrupt:
            screen.say("Stopped watching; the deployment continues.")
            return Exit.INTERRUPTED
