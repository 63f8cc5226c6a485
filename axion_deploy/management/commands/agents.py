"""manage.py agents: install, remove and list agents, from a terminal or a script."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from agents.db_errors import DATABASE_AWAY
from axion_deploy.terminal import names
from axion_deploy.terminal.agent_actions import ACTIONS
from axion_deploy.terminal.agent_arguments import add_agent_arguments
from axion_deploy.terminal.exits import Exit, Unreachable, exit_of
from axion_deploy.terminal.screen import Screen
from deployments.errors import DeployError


class Command(BaseCommand):
    help = (
        "Install agents on servers by SSH, remove and list them. See `agents ACTION --help` for options and exit codes."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_agent_arguments(parser)

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
            screen.say("Stopped watching; the installation continues.")
            return Exit.INTERRUPTED
