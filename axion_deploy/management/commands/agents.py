"""manage.py agents: install, remove and list agents, from a terminal or a script."""

from __future__ import annotations

from argparse import ArgumentParser

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.terminal.acting import ActingCommand
from axion_deploy.terminal.agent_actions import ACTIONS
from axion_deploy.terminal.agent_arguments import add_agent_arguments


class Command(ActingCommand):
    help = lazy(
        "Install agents on servers by SSH, remove and list them. See `agents ACTION --help` for options and exit codes."
    )
    actions = ACTIONS
    interrupted = sentence("Stopped watching; the installation continues.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_agent_arguments(parser)
