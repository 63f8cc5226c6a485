"""manage.py import_project: a project from a directory."""

from __future__ import annotations

import json
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
from deployments.services.permissions.access import caller_of
from deployments.services.projects.import_directory import import_directory


class Command(SpeakingCommand):
    help = lazy("Create or update a project from a directory with project.json, a graph and code folders.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--owner", required=True, help=_("Username of the project's owner."))
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object."))

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["owner"]).first()
        if user is None:
            raise CommandError(sentence("There is no user {owner!r}.", owner=options["owner"]))
        try:
            imported = import_directory(
                caller=caller_of(user), directory=options["directory"], new_project_id=uuid.uuid4()
            )
        except DeployError as error:
            raise CommandError(self.problem(error)) from error
        summary = {
            "project": str(imported.project.id),
            "name": imported.project.name,
            "graphVersion": imported.graph.version,
            "code": imported.code,
            "warnings": list(imported.graph.warnings),
        }
        for warning in imported.graph.warnings:
            self.stderr.write(self.style.WARNING(self.in_words(sentence("warning: {text}", text=warning))))
        if options["json"]:
            self.stdout.write(json.dumps(summary))
            return
        self.say(
            sentence(
                "{name}: graph version {version}, id {id}",
                name=imported.project.name,
                version=imported.graph.version,
                id=imported.project.id,
            )
        )
