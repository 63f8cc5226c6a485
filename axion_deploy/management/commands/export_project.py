"""manage.py export_project: a project as one file, or a file into a project."""

from __future__ import annotations

import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand
from deployments.errors import DeployError
from deployments.repositories import projects
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_file, sources
from deployments.services.projects.import_directory import PATIENCE_SECONDS
from deployments.types import Caller


class Command(SpeakingCommand):
    help = lazy("Print a project as YAML, without secret values; with --read, import such a file.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help=_("Name of the project."))
        parser.add_argument("--owner", required=True, help=_("Username of the project's owner."))
        parser.add_argument("--read", type=Path, metavar="FILE", help=_("Import this file; - reads standard input."))

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["owner"]).first()
        if user is None:
            raise CommandError(sentence("There is no user {owner!r}.", owner=options["owner"]))
        try:
            if options["read"] is None:
                self.stdout.write(_exported(caller_of(user), options["name"]), ending="")
                return
            lines = _imported(caller_of(user), options["name"], options["read"])
        except DeployError as error:
            raise CommandError(self.problem(error)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        for line in lines:
            self.say(line)


def _exported(caller: Caller, name: str) -> str:
    project = projects.by_name(owner_id=caller.user_id, name=name)
    if project is None:
        raise CommandError(sentence("There is no project {name!r}.", name=name))
    return project_file.export_project(caller=caller, project_id=project.id)


def _imported(caller: Caller, name: str, file: Path) -> list[str]:
    """Import the file and return what to tell: the version, and what the file cannot hold."""
    project = projects.by_name(owner_id=caller.user_id, name=name)
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    project_file.read_file(text)
    if project is None:
        project = sources.create_project(caller=caller, project_id=uuid.uuid4(), name=name)
    stored = project_file.import_file(caller=caller, project_id=project.id, text=text, patience=PATIENCE_SECONDS)
    return [
        sentence("{name}: graph version {version}", name=name, version=stored.graph.version),
        *(sentence("needed: code of {node}", node=node) for node in stored.missing_code),
        *(sentence("needed: {variable}", variable=variable) for variable in stored.missing_variables),
    ]
