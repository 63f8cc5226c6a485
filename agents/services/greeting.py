"""A session begins: who speaks for the agent, what both sides hold, and what is due. One transaction, no network."""

from __future__ import annotations

from uuid import UUID

import structlog
from django.db import transaction

from agents.contracts.version import SETTLING_PROTOCOL
from agents.errors import AnotherMachine, Unauthenticated
from agents.hello import TWO_MACHINES, Greeting, Hello, KnownAgent, admit, clock_skew_ms, unknown_stacks_sentence
from agents.repositories import agents, delivery, ledger, session_rows
from agents.services.enrolment import hash_of

logger = structlog.get_logger(__name__)


def greet(*, agent_id: UUID, credential: str, session_id: UUID, hello: Hello, serial: str = "") -> Greeting:
    """Let this session speak for the agent, in place of any earlier one, and make due what the agent may have missed.

    Raises Unauthenticated for a credential that has ended, AnotherMachine for the older of two machines that
    use it, which is stored, so that the server's page says it. `serial`: of the certificate that it came with.
    """
    greeting = _greeted(agent_id=agent_id, credential=credential, session_id=session_id, hello=hello, serial=serial)
    if greeting is None:
        raise AnotherMachine(TWO_MACHINES)
    return greeting


def _greeted(*, agent_id: UUID, credential: str, session_id: UUID, hello: Hello, serial: str) -> Greeting | None:
    with transaction.atomic():
        agent = session_rows.lock_for_session(agent_id=agent_id, credential_hash=hash_of(credential))
        if agent is None:
            raise Unauthenticated
        instances = admit(
            agent.instances, instance_id=hello.instance_id, now=agent.now, heard_lately=agent.heard_lately
        )
        if instances is None:
            agents.refuse_instance(agent_id=agent_id, instance_id=hello.instance_id, trouble=TWO_MACHINES)
            return None
        incarnation = agent.ledger_incarnation or ledger.incarnation()
        behind = ledger.raise_floors(agent_id=agent_id, highest=hello.highest_numbers)
        strange = unknown_stacks_sentence(ledger.unknown_stacks(hello.stacks))
        trouble = " ".join(filter(None, [TWO_MACHINES if instances.refused else "", strange]))
        session_rows.open_session(
            agent_id=agent_id,
            session_id=session_id,
            hello=hello,
            instances=instances,
            trouble=trouble,
            skew_ms=clock_skew_ms(clock_ms=hello.clock_ms, now=agent.now),
            serial=serial,
        )
        # What is ordered from now on is due by itself.
        if agent.has_open_commands:
            _make_due(agent, hello, incarnation=incarnation)
        doubtful = delivery.doubtful(agent_id=agent_id, lanes=behind, hello=hello)
    if behind:
        logger.error(
            "an agent knows more than the ledger: the database was restored", agent_id=str(agent_id), lanes=behind
        )
    return Greeting(ledger_incarnation=incarnation, doubtful=doubtful)


def _make_due(agent: KnownAgent, hello: Hello, *, incarnation: UUID) -> None:
    """Make commands due; what the agent holds only where it served another ledger and waits for our word."""
    same_ledger = hello.protocol < SETTLING_PROTOCOL or hello.ledger_incarnation == str(incarnation)
    new_process = agent.instances.present not in ("", hello.instance_id)
    delivery.make_due(
        agent_id=agent.id,
        unfinished=hello.unfinished if same_ledger else (),
        new_process=new_process,
        new_journal=new_process and agent.journal_id not in ("", hello.journal_id),
    )
