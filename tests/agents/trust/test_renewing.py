"""Certificates that renew themselves, and an authority that is replaced while agents are connected."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from agents.contracts import runner_pb2 as pb
from agents.models import AgentCertificate, Authority, Server
from agents.runner.control_plane import renewal
from agents.runner.control_plane.line import ENDED, UNTRUSTED
from agents.runner.control_plane.renewal import Renewal
from agents.services import authority
from deployments.models import User
from deployments.services.secrets.rotation import rotate_keys
from tests import factories
from tests.agents.trust.conftest import Make
from tests.agents.trust.stage import SECONDS, Caller, Place, in_thread, line_of

NOW = datetime.now(UTC)


async def renewed(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> pb.AgentCertificate:
    """Let the runner's own code ask and store, over the open session."""
    monkeypatch.setattr(renewal, "SPREAD_SECONDS", 0.0)
    part = Renewal(config=caller.line._config, line=caller.line)

    async def answer() -> pb.AgentCertificate:
        while True:
            message = await caller.read()
            if message.HasField("renew_certificate"):
                part.want()
            if message.HasField("certificate"):
                part.take(message.certificate)
                return message.certificate

    asking = asyncio.create_task(part.run(caller.call.write, protocol=9))
    try:
        async with asyncio.timeout(SECONDS):
            return await answer()
    finally:
        asking.cancel()


async def test_at_half_its_life_it_is_renewed_over_the_session_with_a_new_key(
    place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = caller.line.certificate
    assert present is not None
    await caller.connect()
    half = (present.valid_until_ms - present.issued_ms) // 2
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    assert abs(present.renewal_ms() - (present.issued_ms + half)) <= 1
    assert present.renewal_ms() > now_ms
    # As if it had been made sixteen days ago.
    day = 24 * 3600 * 1000
    caller.line.certificate = replace(
        present, issued_ms=present.issued_ms - 16 * day, valid_until_ms=present.valid_until_ms - 16 * day
    )
    await renewed(caller, monkeypatch)
    kept = line_of(caller.line._config.state_dir)
    assert kept.certificate is not None
    assert kept.certificate.certificate != present.certificate
    assert kept.certificate.private_key != present.private_key
    assert kept.certificate.valid_until_ms >= present.valid_until_ms
    again = Caller(line=kept)
    assert (await again.connect()).protocol >= 9
    await kept.close()
    assert await in_thread(AgentCertificate.objects.count) == 2


async def test_an_authority_is_replaced_while_agents_are_connected(
    place: Place,
    caller: Caller,
    owner: User,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    far_server = await in_thread(lambda: factories.make_server(owner, name="far"))
    # Enrolled, and away all the while.
    far = await make("far", await place.ticket(far_server)).enrol()
    old_pin = await in_thread(lambda: authority.pin(now=NOW))
    await caller.connect()
    assert caller.line.certificate is not None
    before = caller.line.certificate.authorities
    await in_thread(lambda: call_command("rotate_authority"))
    await renewed(caller, monkeypatch)
    # What it was given it is to come back with: before that it may not have it.
    with pytest.raises(CommandError, match="2 agents have not connected with a certificate of the new authority yet"):
        await in_thread(lambda: call_command("rotate_authority", finish=True))
    assert await caller.end() == (grpc.StatusCode.ABORTED, "Come back with the renewed certificate.")
    # Both are trusted, by both sides; and new agents still know the gateway by the former one.
    assert caller.line.certificate.authorities.count("BEGIN CERTIFICATE") == 2
    assert before in caller.line.certificate.authorities
    assert await in_thread(lambda: authority.pin(now=NOW)) == old_pin
    assert (await caller.connect()).protocol >= 9
    assert (await far.connect()).protocol >= 9
    with pytest.raises(CommandError, match=r"1 agents have not connected .* yet: far"):
        await in_thread(lambda: call_command("rotate_authority", finish=True))
    with pytest.raises(CommandError, match="still trusted"):
        await in_thread(lambda: call_command("rotate_authority"))
    await in_thread(lambda: call_command("rotate_authority", finish=True, force=True))
    await place_shows_another(place)
    assert await in_thread(lambda: authority.pin(now=NOW)) != old_pin
    await caller.line.close()
    assert (await caller.connect()).protocol >= 9
    # Who was away knows nobody there any more, and is let in with a new token.
    await far.line.close()
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await far.connect()
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    far.line.note_failure(error.value)
    assert UNTRUSTED in [record.getMessage() for record in caplog.records]
    assert far.line.identity is not None
    token = await place.ticket(far_server, replace=True)
    again = Caller(line=line_of(far.line._config.state_dir, token))
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await again.connect()
    again.line.note_failure(error.value)
    assert (await again.connect()).protocol >= 9
    await again.line.close()


async def place_shows_another(place: Place) -> None:
    """Wait until the gateway has heard of the end of the former authority."""
    async with asyncio.timeout(SECONDS):
        while (served := place.gateway._trust._served) is None or len(served.version) > 1:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("new_token", [False, True])
async def test_a_certificate_that_ended_while_the_server_was_off_asks_for_a_new_token(
    place: Place, caller: Caller, server: Server, caplog: pytest.LogCaptureFixture, new_token: bool
) -> None:
    config = caller.line._config
    ended = replace(caller.line.certificate, valid_until_ms=1_700_000_000_000)  # type: ignore[type-var]
    token = await place.ticket(server, replace=True) if new_token else ""
    again = Caller(line=line_of(config.state_dir, token))
    again.line.certificate = ended
    refusal = grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, *nothing(), details="", debug_error_string="")
    again.line.note_failure(refusal)
    said = [record.getMessage() for record in caplog.records if "certificate ended" in record.getMessage()]
    if new_token:
        assert again.line.identity is None
        assert (await again.connect()).protocol >= 9
    else:
        assert said == [ENDED.format(day="2023-11-14")]
        # Who it is stays, so that its work goes on.
        assert again.line.identity is not None
    await again.line.close()


def nothing() -> tuple[Any, Any]:
    return grpc.aio.Metadata(), grpc.aio.Metadata()


@pytest.mark.django_db(transaction=True)
def test_processes_that_start_at_once_make_one_authority() -> None:
    ready, made = threading.Barrier(4), list[str]()

    def start() -> None:
        ready.wait()
        try:
            made.append(authority.pin(now=NOW))
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(made) == 4
    assert len(set(made)) == 1
    assert Authority.objects.count() == 1


@pytest.mark.django_db
def test_its_key_is_sealed_and_sealed_anew_with_the_other_secrets(settings: Any) -> None:
    pin = authority.pin(now=NOW)
    stored = Authority.objects.get()
    assert "PRIVATE" not in stored.sealed_key + stored.certificate
    keys = settings.AXION_ENCRYPTION_KEYS
    newest = max(keys) + 1
    settings.AXION_ENCRYPTION_KEYS = {**keys, newest: b"k" * 32}
    assert rotate_keys().settled
    settings.AXION_ENCRYPTION_KEYS = {newest: b"k" * 32}
    assert Authority.objects.get().sealed_key.startswith(f"{newest}:")
    assert authority.gateway_trust(names=(), now=NOW).keys.chain.count("BEGIN CERTIFICATE") == 2
    assert authority.pin(now=NOW) == pin
