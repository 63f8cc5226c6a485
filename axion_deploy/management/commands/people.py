"""manage.py people: add, change and delete people and groups of people, from a terminal or a script."""

from __future__ import annotations

from argparse import ArgumentParser

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.terminal.acting import ActingCommand
from axion_deploy.terminal.people_actions import ACTIONS, add_people_arguments


class Command(ActingCommand):
    help = lazy(
        "Add, change and delete people and groups of people. See `people ACTION --help` for options and exit codes."
    )
    actions = ACTIONS
    interrupted = sentence("Stopped.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_people_arguments(parser)
