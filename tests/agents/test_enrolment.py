"""A token admits one agent, once; the credential it gets is its own."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from agents.errors import EnrolmentRefused, Unauthenticated
from agents.models import Agent, EnrolmentToken, Server
from agents.services import directory, enrolment
from agents.states import Presence
from agents.types import AgentInfo, Registration
from deployments.models import User
from tests import factories

pytestmark = pytest.mark.django_db

INFO = AgentInfo(version="1.2", os="Debian", architecture="amd64", server_info={"cpu_cores": 2.0})


def token_for(server: Server, **options: Any) -> str:
    return enrolment.create_token(server_id=server.id, owner_id=server.owner_id, **options).token


def register(token: str, server_id: UUID | None) -> Registration:
    return enrolment.register(token=token, server_id=server_id, info=INFO, new_id=uuid4())


def test_a_token_admits_the_agent_of_its_server(server: Server) -> None:
    done = register(token_for(server), server.id)
    agent = directory.agent_for_server(server_id=server.id)
    assert (agent.id, agent.owner_id, agent.info) == (done.agent_id, server.owner_id, INFO)
    assert agent.presence is Presence.PENDING
    assert enrolment.authenticate(credential=done.credential).id == done.agent_id


def test_only_hashes_are_stored(server: Server) -> None:
    token = token_for(server)
    done = register(token, server.id)
    stored = [*EnrolmentToken.objects.values_list("token_hash", flat=True), Agent.objects.get().credential_hash]
    assert stored == [hashlib.sha256(secret.encode()).hexdigest() for secret in (token, done.credential)]


def test_clear_texts_are_not_in_representations(server: Server) -> None:
    issued = enrolment.create_token(server_id=server.id, owner_id=server.owner_id)
    done = register(issued.token, server.id)
    assert issued.token not in repr(issued)
    assert done.credential not in repr(done)


def test_a_token_works_once(server: Server) -> None:
    token = token_for(server)
    first = register(token, server.id)
    with pytest.raises(EnrolmentRefused):
        register(token, server.id)
    assert enrolment.authenticate(credential=first.credential).id == first.agent_id


def test_an_expired_token_is_refused(server: Server) -> None:
    token = token_for(server, lifetime=timedelta(seconds=-1))
    with pytest.raises(EnrolmentRefused):
        register(token, server.id)


def test_a_token_for_another_server_is_refused_and_stays_usable(server: Server, owner: User) -> None:
    token = token_for(server)
    with pytest.raises(EnrolmentRefused):
        register(token, factories.make_server(owner, name="server-2").id)
    assert register(token, server.id).server_id == server.id


def test_without_a_server_id_the_token_says_which(server: Server) -> None:
    assert register(token_for(server), None).server_id == server.id


def test_an_invented_token_is_refused(server: Server) -> None:
    with pytest.raises(EnrolmentRefused):
        register("axe_invented", server.id)


def test_enrolling_again_keeps_the_agent_and_ends_the_old_credential(server: Server) -> None:
    first = register(token_for(server), server.id)
    second = register(token_for(server), server.id)
    assert second.agent_id == first.agent_id
    assert enrolment.authenticate(credential=second.credential).id == first.agent_id
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=first.credential)


def test_a_server_that_changed_hands_gets_a_new_agent(server: Server, stranger: User) -> None:
    first = register(token_for(server), server.id)
    token = enrolment.create_token(server_id=server.id, owner_id=stranger.id).token
    second = register(token, server.id)
    assert second.agent_id != first.agent_id
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=first.credential)


def test_a_revoked_agent_is_nobody_until_it_enrols_again(server: Server) -> None:
    first = register(token_for(server), server.id)
    enrolment.revoke(agent_id=first.agent_id)
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=first.credential)
    assert register(token_for(server), server.id).agent_id != first.agent_id


@pytest.mark.parametrize("credential", ["", "axa_wrong", "axe_token"])
def test_what_is_no_credential_is_refused(registered: Registration, credential: str) -> None:
    with pytest.raises(Unauthenticated):
        enrolment.authenticate(credential=credential)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_time_one_wins(server: Server) -> None:
    token = token_for(server)
    results: list[Registration | None] = []

    def try_it() -> None:
        try:
            results.append(register(token, server.id))
        except EnrolmentRefused:
            results.append(None)
        finally:
            connection.close()

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(results) == 6
    assert sum(result is not None for result in results) == 1
