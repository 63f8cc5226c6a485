"""A new key: everything is sealed anew, nothing is lost, and it is said when the old key may go."""

from __future__ import annotations

import json
import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from pytest_django.fixtures import Settings

from deployments.errors import Unauthenticated
from deployments.models import Deployment, DeploymentHistory, ProjectSecret
from deployments.repositories.upkeep import sealed
from deployments.repositories.upkeep.sealed import SealedSecret
from deployments.services.lifecycle import job_caller
from deployments.services.projects import sources
from deployments.services.secrets import rotation, sealing, variables
from deployments.states import Status
from tests import factories
from tests.deployments.lane import Lane

CANARY = "canary-b1b1-ł$"
KEYS = {version: bytes([version]) * 32 for version in (1, 2)}
DATABASE = {"databaseType": "postgresql", "password": CANARY}


@pytest.fixture(autouse=True)
def old_key(settings: Settings) -> None:
    settings.AXION_ENCRYPTION_KEYS = {1: KEYS[1]}


def rotate() -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


def versions() -> set[str]:
    """Key versions of every sealed value there is."""
    found = list(ProjectSecret.objects.values_list("sealed", flat=True))
    for model in (Deployment, DeploymentHistory):
        for variables_, env in model.objects.values_list("sealed_variables", "env_vars"):
            found += [variables_, *(env or {}).values()]
    return {value.partition(":")[0] for value in found if value}


def test_everything_is_sealed_anew_and_the_old_key_may_go(lane: Lane, settings: Settings) -> None:
    graph = {"nodes": [{"id": "n-db", "type": 2, "data": {"serviceName": "db", "config": DATABASE}}], "edges": []}
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=graph)
    first = lane.deployed(env_vars={"API_KEY": CANARY})
    values = variables.values_for(deployment_id=first.id)
    second, waiting = lane.deployed(), lane.ask(env_vars={"API_KEY": CANARY})
    settings.AXION_ENCRYPTION_KEYS = KEYS
    assert versions() == {"1"}
    assert "Nothing needs key 1 any more" in rotate()
    assert versions() == {"2"}
    assert rotate().startswith("0 rows")
    settings.AXION_ENCRYPTION_KEYS = {2: KEYS[2]}
    assert lane.succeed(lane.start(waiting)).status is Status.SUCCESS
    back = lane.start(lane.ask_rollback(second))
    assert variables.values_for(deployment_id=back.id) == values
    assert variables.request_env(deployment_id=back.id) == {"API_KEY": CANARY}


def test_a_value_that_is_stored_meanwhile_is_not_lost(
    lane: Lane, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.deployed()
    settings.AXION_ENCRYPTION_KEYS = KEYS
    replace = sealed.replace_secret

    def change_first(*, old: SealedSecret, **new: str) -> bool:
        monkeypatch.setattr(sealed, "replace_secret", replace)
        variables.store_given(project_id=lane.project_id, values={old.key: "newer"})
        return replace(old=old, **new)

    monkeypatch.setattr(sealed, "replace_secret", change_first)
    rotate()
    assert "newer" in variables.project_secrets(project_id=lane.project_id).values()
    assert versions() == {"2"}


def test_what_cannot_be_opened_stays_and_is_said(lane: Lane, settings: Settings) -> None:
    lane.deployed(env_vars={"API_KEY": CANARY})
    settings.AXION_ENCRYPTION_KEYS = {2: KEYS[2]}
    with pytest.raises(CommandError, match="under key 1"):
        rotate()
    assert versions() == {"1"}
    settings.AXION_ENCRYPTION_KEYS = KEYS
    assert "Nothing needs key 1" in rotate()


@pytest.mark.django_db(transaction=True)
def test_deployments_go_on_while_keys_are_rotated(lane: Lane, settings: Settings) -> None:
    lane.deployed(env_vars={"API_KEY": CANARY})
    settings.AXION_ENCRYPTION_KEYS = KEYS
    stop = threading.Event()

    def rotate_until_told() -> None:
        try:
            while not stop.is_set():
                rotation.rotate_keys()
        finally:
            connection.close()

    thread = threading.Thread(target=rotate_until_told)
    thread.start()
    try:
        successes = [lane.deployed(env_vars={"API_KEY": f"{CANARY}{number}"}) for number in range(4)]
        successes.append(lane.succeed(lane.start(lane.ask_rollback(successes[-1]))))
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()
    rotation.rotate_keys()
    settings.AXION_ENCRYPTION_KEYS = {2: KEYS[2]}
    for number, success in enumerate(successes[:-1]):
        assert variables.request_env(deployment_id=success.id) == {"API_KEY": f"{CANARY}{number}"}
    assert CANARY + "2" in variables.values_for(deployment_id=successes[-1].id).values()
    assert factories.reload(successes[-2].id).status is Status.ROLLED_BACK


def test_no_value_is_ever_stored_in_clear(lane: Lane, settings: Settings) -> None:
    lane.deployed(env_vars={"API_KEY": CANARY})
    settings.AXION_ENCRYPTION_KEYS = KEYS
    rotate()
    rows: list[Any] = []
    with connection.cursor() as cursor:
        for table in ("deployments", "deployment_history", "project_secrets", "deployment_events", "agent_commands"):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows.extend(cursor.fetchall())
    assert CANARY not in json.dumps(rows, cls=DjangoJSONEncoder, default=str, ensure_ascii=False)


def test_the_session_of_one_that_waits_is_sealed_anew(lane: Lane, settings: Settings) -> None:
    waiting = lane.ask()
    sealed_session = sealing.seal_session(token=CANARY, deployment_id=waiting.id)
    Deployment.objects.filter(pk=waiting.id).update(sealed_session=sealed_session)
    settings.AXION_ENCRYPTION_KEYS = KEYS
    rotate()
    settings.AXION_ENCRYPTION_KEYS = {2: KEYS[2]}
    assert job_caller.load_caller(deployment_id=waiting.id).session_token == CANARY
    settings.AXION_ENCRYPTION_KEYS = {3: KEYS[1]}
    with pytest.raises(Unauthenticated):
        job_caller.load_caller(deployment_id=waiting.id)
