"""manage.py import_project: a project from a directory."""

from __future__ import annotations

import json
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from deployments.errors import DeployError
from deployments.services.permissions.access import caller_of
from deployments.services.projects.import_directory import import_directory


class Command(BaseCommand):
    help = "Create or update a project from a directory with project.json, a graph and code folders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--owner", required=True, help="Username of the project's owner.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["owner"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['owner']!r}.")
        try:
            imported = import_directory(
                caller=caller_of(user), directory=options["directory"], new_project_id=uuid.uuid4()
            )
        except DeployError as error:
            lines = [f"  {field}: {why}" for field, why in error.details.items()]
            raise CommandError("\n".join([error.message, *lines])) from error
        summary = {
            "project": str(imported.project.id),
            "name": imported.project.name,
            "graphVersion": imported.graph.version,
            "code": imported.code,
            "warnings": list(imported.graph.warnings),
        }
        for warning in imported.graph.warnings:
            self.stderr.write(self.style.WARNING(f"warning: {warning}"))
        if options["json"]:
            self.stdout.write(json.dumps(summary))
            return
        self.stdout.write(f"{imported.project.name}: graph version {imported.graph.version}, id {imported.project.id}")
