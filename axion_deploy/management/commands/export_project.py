"""manage.py export_project: a project as one file, or a file into a project."""

from __future__ import annotations

import sys
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from deployments.errors import DeployError
from deployments.repositories import projects
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_file, sources
from deployments.services.projects.import_directory import PATIENCE_SECONDS
from deployments.types import Caller


class Command(BaseCommand):
    help = "Print a project as YAML, without secret values; with --read, import such a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="Name of the project.")
        parser.add_argument("--owner", required=True, help="Username of the project's owner.")
        parser.add_argument("--read", type=Path, metavar="FILE", help="Import this file; - reads standard input.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["owner"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['owner']!r}.")
        try:
            text = _done(caller_of(user), options["name"], options["read"])
        except DeployError as error:
            lines = [f"  {field}: {why}" for field, why in error.details.items()]
            raise CommandError("\n".join([error.message, *lines])) from error
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(text, ending="")


def _done(caller: Caller, name: str, file: Path | None) -> str:
    project = projects.by_name(owner_id=caller.user_id, name=name)
    if file is None:
        if project is None:
            raise CommandError(f"There is no project {name!r}.")
        return project_file.export_project(caller=caller, project_id=project.id)
    text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    project_file.read_file(text)
    if project is None:
        project = sources.create_project(caller=caller, project_id=uuid.uuid4(), name=name)
    stored = project_file.import_file(caller=caller, project_id=project.id, text=text, patience=PATIENCE_SECONDS)
    needed = [*(f"code of {node}" for node in stored.missing_code), *stored.missing_variables]
    return "".join(
        f"{line}\n" for line in (f"{name}: graph version {stored.graph.version}", *map("needed: {}".format, needed))
    )
