"""manage.py deployments: deploy, look, cancel, go back, from a terminal or a script."""

from __future__ import annotations

from argparse import ArgumentParser

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.terminal import arguments
from axion_deploy.terminal.acting import ActingCommand
from axion_deploy.terminal.actions import ACTIONS


class Command(ActingCommand):
    help = lazy("Deploy projects and follow deployments. See `deployments ACTION --help` for options and exit codes.")
    actions = ACTIONS
    interrupted = sentence("Stopped watching; the deployment continues.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        arguments.add_arguments(parser)
