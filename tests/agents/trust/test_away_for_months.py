"""A server was off for two months, or its clock is off by an hour: a certificate that ended, and one that did not."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import grpc
import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from agents.models import Agent, AgentCertificate, Server
from agents.pki.agent_keys import certificate_request, make_private_key
from agents.pki.certificates import make_authority, make_gateway_keys, sign_agent
from agents.pki.records import AgentCertificateData
from agents.runner.control_plane.certificate import load_certificate, save_certificate
from agents.runner.control_plane.line import ENDED
from agents.services import authority
from agents.transport.trust.renewals import certificate_message
from deployments.models import User
from tests.agents.trust.stage import SECONDS, Caller, Place, in_thread, line_of
from tests.bench.sessions import Taking, hostless_session

AWAY = timedelta(days=62)


async def as_after_two_months(caller: Caller) -> None:
    """Have it keep a certificate that was really made then, and has really ended."""
    line, identity, present = caller.line, caller.line.identity, caller.line.certificate
    assert identity is not None
    assert present is not None
    agent_id, request = UUID(identity.agent_id), certificate_request(present.private_key)

    def made_then() -> AgentCertificateData:
        with transaction.atomic():
            AgentCertificate.objects.all().delete()
            return authority.certify(agent_id=agent_id, request=request, now=datetime.now(UTC) - AWAY)

    message = certificate_message(await in_thread(made_then))
    kept = present.renewed(message=message, private_key=present.private_key)
    save_certificate(credential_file=line._config.credential_file, certificate=kept)
    await line.close()


async def test_after_two_months_a_new_token_is_asked_for_and_work_goes_on(
    place: Place, caller: Caller, server: Server, owner: User, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    await as_after_two_months(caller)
    config = caller.line._config
    kept = load_certificate(credential_file=config.credential_file, credential=caller.line.identity.credential)  # type: ignore[union-attr]  # enrolled
    assert kept is not None
    # The agent starts with the machine: it does what it had to do, and is not let in.
    session = hostless_session(config, dispatcher=Taking())
    assert session.may_resume()
    running = asyncio.create_task(session.run())
    day = datetime.fromtimestamp(kept.valid_until_ms / 1000, UTC)
    async with asyncio.timeout(SECONDS):
        while ENDED.format(day=f"{day:%Y-%m-%d}") not in [record.getMessage() for record in caplog.records]:
            await asyncio.sleep(0.05)
    assert not session.is_connected
    assert session.may_resume()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    session._journal.store.close()
    await session._line.close()

    # Its page says so, and leads to the line to paste.
    def pages() -> tuple[str, str]:
        User.objects.filter(pk=owner.pk).update(is_staff=True)
        client.force_login(owner)
        token = reverse("admin:agents_server_new_enrolment_token", args=[server.pk])
        page = client.get(reverse("admin:agents_server_overview", args=[server.pk])).content.decode()
        assert f'data-kind="main" href="{token}"' in page.split("not accepted")[1].split("</section>")[0]
        return page, client.post(token).content.decode()

    page, line = await in_thread(pages)
    assert f"Ended on {day:%Y-%m-%d}" in page
    assert "/agents/install.sh | sh -s -- axe_" in line
    # With a new token it is who it was, without a word about replacing anybody.
    before = await in_thread(Agent.objects.get)
    again = Caller(line=line_of(Path(config.state_dir), await place.ticket(server)))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await again.connect()
    again.line.note_failure(refused.value)
    assert (await again.connect()).protocol >= 9
    assert again.line.identity is not None
    assert UUID(again.line.identity.agent_id) == before.pk
    await again.line.close()


@pytest.mark.parametrize(
    ("hours", "is_good"), [(-48, False), (-23, True), (-1, True), (1, True), (24 * 29, True), (24 * 31, False)]
)
def test_a_certificate_made_now_by_a_clock_that_is_off(tmp_path: Path, hours: int, is_good: bool) -> None:
    """Each side looks at the other's by its own clock, in the handshake; OpenSSL judges here."""
    now = datetime.now(UTC)
    own = make_authority(now=now)
    gateway = make_gateway_keys(authority=own, names=["gateway.example"], now=now)
    agent = sign_agent(authority=own, request=certificate_request(make_private_key()), agent_id=UUID(int=1), now=now)
    (tmp_path / "authority").write_text(own.certificate)
    for shown, purpose in ((gateway.chain, "sslserver"), (agent.certificate, "sslclient")):
        (tmp_path / "shown").write_text(shown)
        at = str(int((now + timedelta(hours=hours)).timestamp()))
        done = subprocess.run(
            ["openssl", "verify", "-attime", at, "-purpose", purpose, "-CAfile", "authority", "shown"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode == 0) is is_good, done.stderr
