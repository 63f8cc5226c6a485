"""manage.py bootstrap_demo: the user, the server and the tokens of `make demo`."""

from __future__ import annotations

import json
import os
import uuid
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils.translation import gettext as _
from knox.models import AuthToken

from agents.services import directory, enrolment
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand

SERVER = "This machine"
PASSWORD_VARIABLE = "AXION_DEMO_PASSWORD"  # noqa: S105 (a variable's name)


class Command(SpeakingCommand):
    help = lazy("Create or renew a superuser (password from AXION_DEMO_PASSWORD), its API token and its servers.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", default="demo")
        parser.add_argument("--servers", nargs="+", default=[SERVER], metavar="NAME")
        parser.add_argument("--cluster", default="", metavar="NAME", help=_("A new cluster that these servers are of."))

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get(PASSWORD_VARIABLE)
        if not password:
            raise CommandError(sentence("{PASSWORD_VARIABLE} is not set.", PASSWORD_VARIABLE=PASSWORD_VARIABLE))
        user, _ = get_user_model().objects.get_or_create(username=options["user"])
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(f"{PASSWORD_VARIABLE}: {' '.join(error.messages)}") from error
        user.is_staff = user.is_superuser = True
        user.set_password(password)
        user.save()
        AuthToken.objects.filter(user=user).delete()
        _, api_token = AuthToken.objects.create(user=user)
        cluster_id = self._cluster_id(owner_id=user.id, name=options["cluster"])
        servers = [self._server(owner_id=user.id, name=name, cluster_id=cluster_id) for name in options["servers"]]
        printed = {
            "user": user.username,
            "api_token": api_token,
            # Of the first server, for those who have one only.
            "server": servers[0]["id"],
            "enrolment_token": servers[0]["token"],
            "cluster": str(cluster_id or ""),
            "servers": servers,
        }
        self.stdout.write(json.dumps(printed))

    def _server(self, *, owner_id: uuid.UUID, name: str, cluster_id: uuid.UUID | None) -> dict[str, str]:
        server_id = self._server_id(owner_id=owner_id, name=name, cluster_id=cluster_id)
        token = enrolment.create_token(server_id=server_id, owner_id=owner_id, replace=True)
        return {"id": str(server_id), "name": name, "token": token.token}

    def _server_id(self, *, owner_id: uuid.UUID, name: str, cluster_id: uuid.UUID | None) -> uuid.UUID:
        """Return the server of the last time, so that the agent's journal still belongs to it."""
        for server in directory.servers_of(owner_id=owner_id):
            if server.name == name:
                return server.id
        added = directory.add_server(
            server_id=uuid.uuid4(), owner_id=owner_id, name=name, host="localhost", cluster_id=cluster_id
        )
        return added.id

    def _cluster_id(self, *, owner_id: uuid.UUID, name: str) -> uuid.UUID | None:
        if not name:
            return None
        return directory.add_cluster(cluster_id=uuid.uuid4(), owner_id=owner_id, name=name).id
