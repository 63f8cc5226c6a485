"""manage.py import_compose: a project from Compose files, or a newer state of one."""

from __future__ import annotations

import json
import os
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
from deployments.services.projects import compose_files, sources
from deployments.services.projects.import_directory import PATIENCE_SECONDS
from deployments.types import Caller
from stackgen.code.bundle import bundle_tar
from stackgen.compose_import.notation.opened import FolderFiles
from stackgen.errors import BundleInvalid


class Command(SpeakingCommand):
    help = lazy(
        "Create a project from Compose files, or bring one up to date. Changes made since the last import are kept."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=_("Compose files; later ones win."))
        parser.add_argument("--owner", required=True, help=_("Username of the project's owner."))
        parser.add_argument("--name", default="", help=_("Name of the project; the folder's without it."))
        parser.add_argument("--profile", action="append", default=[], help=_("A profile to include."))
        parser.add_argument("--dry-run", action="store_true", help=_("Only show the result; store nothing."))
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object."))

    def handle(self, *args: Any, **options: Any) -> None:
        user = get_user_model().objects.filter(username=options["owner"]).first()
        if user is None:
            raise CommandError(sentence("There is no user {owner!r}.", owner=options["owner"]))
        try:
            summary = _bring(caller_of(user), options)
        except DeployError as error:
            raise CommandError(self.problem(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(summary))
            return
        for line in summary["lines"]:
            self.say(line)
        version = summary["graphVersion"]
        stored = sentence("graph version {version}", version=version) if version else sentence("nothing stored")
        self.say(
            sentence("{name}: {stored}, id {project}", name=summary["name"], stored=stored, project=summary["project"])
        )


def _bring(caller: Caller, options: dict[str, Any]) -> dict[str, Any]:
    root = options["files"][0].resolve().parent
    name = options["name"] or root.name
    files, paths = FolderFiles(root), [os.path.relpath(path, root) for path in options["files"]]
    project = projects.by_name(owner_id=caller.user_id, name=name)
    if project is None and options["dry_run"]:
        return _summary(compose_files.look_at_compose(files=files, paths=paths, profiles=options["profile"]), name)
    if project is None:
        project = sources.create_project(caller=caller, project_id=uuid.uuid4(), name=name)
    result = compose_files.bring_compose(
        caller=caller,
        project_id=project.id,
        files=files,
        paths=paths,
        profiles=options["profile"],
        store=not options["dry_run"],
        patience=PATIENCE_SECONDS,
    )
    code: dict[str, str] = {}
    if result.graph is not None:
        code = compose_files.store_code_of(
            caller=caller,
            project_id=project.id,
            result=result,
            read=lambda folder: _tar_of(root / folder),
            patience=PATIENCE_SECONDS,
        )
    return {**_summary(result, project.name), "project": str(project.id), "code": code}


def _summary(result: compose_files.ComposeResult, name: str) -> dict[str, Any]:
    return {
        "project": None,
        "name": name,
        "graphVersion": result.graph.version if result.graph else None,
        "code": {},
        "lines": [str(line) for line in result.lines],
    }


def _tar_of(folder: Path) -> bytes | None:
    if not folder.is_dir():
        return None
    try:
        return bundle_tar(folder)[1]
    except BundleInvalid as error:
        raise CommandError(f"{folder.name}: {error}") from error
