"""A runner as installed in a folder becomes another version, or stays what it is: real processes, a real container."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.updating.record import Phase
from tests.runner.gateway import TestGateway
from tests.runner.stacks import Stack
from tests.runner.updating.installed import InstalledAgent, Version, install, version

OLD, NEW = "0.9.1", "0.9.2"


@pytest.fixture
def agent(served: TestGateway, tmp_path: Path) -> Iterator[InstalledAgent]:
    install(tmp_path / "home", version(OLD))
    started = InstalledAgent(home=tmp_path / "home", state_dir=tmp_path / "state", port=served.port)
    started.start(AXION_AGENT__AGENT__UPDATE_SECONDS="20")
    try:
        served.until(lambda: served.hellos, what="the first Hello")
        yield started
    finally:
        started.stop()
        sys.stdout.write(started.log_file.read_text())


def order(gateway: TestGateway, wanted: Version) -> str:
    update_id = str(uuid4())
    gateway.bundles[wanted.digest] = wanted.content
    gateway.order_update(pb.UpdateOrder(update_id=update_id, version=NEW, digest=wanted.digest))
    return update_id


def ended(gateway: TestGateway, update_id: str) -> pb.UpdateState:
    """How the update ended, as the agent told it."""

    def last() -> pb.UpdateState | None:
        told = [each for each in gateway.updates if each.update_id == update_id]
        return told[-1] if told and told[-1].state in (Phase.DONE, Phase.FAILED) else None

    found: pb.UpdateState = gateway.until(last, what="the end of the update", seconds=90)
    return found


def test_a_new_version_takes_over_and_no_container_notices(
    agent: InstalledAgent, served: TestGateway, stack: Stack, engine: Any
) -> None:
    command = stack.deploy()
    served.send(command)
    assert served.finished(command.command_id, seconds=120).outcome == pb.SUCCEEDED
    before = {each["Id"]: each["State"] for each in engine.containers(filters={"label": f"axion.lane={command.lane}"})}
    pid, former = agent.runner_pid(), agent.current()
    wanted = version(NEW)
    update_id = order(served, wanted)
    assert ended(served, update_id).state == Phase.DONE
    # It was tried beside the old one first, then became it: the same process to whoever supervises it.
    assert [(each.version, each.build) for each in served.trials] == [(NEW, wanted.build)]
    assert (served.hellos[-1].version, served.hellos[-1].build) == (NEW, wanted.build)
    assert served.hellos[-1].journal_id == served.hellos[0].journal_id
    assert agent.runner_pid() == pid
    agent.wait_for_current(wanted.build)
    assert {path.name.partition("-")[0] for path in (agent.home / "releases").iterdir()} == {former, wanted.build}
    after = {each["Id"]: each["State"] for each in engine.containers(filters={"label": f"axion.lane={command.lane}"})}
    assert before == after
    assert before
    # It works: an order is carried out, and a start goes on with the new one.
    agent.kill_runner()
    hellos = len(served.hellos)
    served.until(lambda: len(served.hellos) > hellos, what="the restarted agent")
    assert served.hellos[-1].version == NEW
    stop = stack.stop()
    served.send(stop)
    assert served.finished(stop.command_id).outcome == pb.SUCCEEDED
    # The order comes again: it is answered, and nothing begins anew.
    told = len(served.updates)
    served.order_update(pb.UpdateOrder(update_id=update_id, version=NEW, digest=wanted.digest))
    served.until(lambda: len(served.updates) > told, what="the answer")
    assert served.updates[-1].state == Phase.DONE


# Ended at once; said nothing at all.
DIES = "import sys\nsys.exit('broken from the start')\n"
SILENT = "import time\ntime.sleep(600)\n"
# Good while it is tried; then, with the journal, brought forward by it, it dies, or has two seconds to say Hello.
FINE_BESIDE = """
import os, sys, signal
from pathlib import Path
import agents.runner.real as real
if "--trial" not in sys.argv:
    {then}
sys.exit(real.main())
"""
DIES_LATER = (
    "from agents.runner.journal.store import Store; Store(Path(os.environ['AXION_AGENT__AGENT__STATE_DIR']) /"
    " 'journal.sqlite3'); os.kill(os.getpid(), signal.SIGKILL)"
)
TWO_SECONDS = "os.environ['AXION_AGENT_HELLO_SECONDS'] = '2'"
NEXT_SCHEMA = 'SIXTH = "CREATE TABLE of_a_newer_version (id INTEGER) STRICT;"\n'


def test_a_version_that_fails_leaves_the_old_one_in_place(agent: InstalledAgent, served: TestGateway) -> None:
    pid, former = agent.runner_pid(), agent.current()
    for main, why in ((DIES, "broken from the start"), (SILENT, "did not say Hello within 2 seconds")):
        wanted = version(NEW, main=main)
        if main is SILENT:
            agent.stop()
            agent.start(AXION_AGENT__AGENT__UPDATE_SECONDS="2")
            served.until(lambda: len(served.hellos) > 1, what="the agent")
            pid = agent.runner_pid()
        state = ended(served, order(served, wanted))
        assert (state.state, why in state.message) == (Phase.FAILED, True), state
        assert agent.runner_pid() == pid
        assert agent.current() == former
    wrong = version(NEW)
    update_id = str(uuid4())
    digest = "0" * 64
    served.bundles[digest] = wrong.content
    served.order_update(pb.UpdateOrder(update_id=update_id, version=NEW, digest=digest))
    assert "SHA-256 differs" in ended(served, update_id).message
    assert len(served.hellos) == 2
    assert not served.trials


def test_a_version_that_fails_with_the_journal_gives_it_back(agent: InstalledAgent, served: TestGateway) -> None:
    former, journal = agent.current(), served.hellos[0].journal_id
    for then, why in ((DIES_LATER, "ended before it had said Hello"), (TWO_SECONDS, "did not say Hello")):
        served.mute_to = NEW
        hellos = len(served.hellos)
        wanted = version(NEW, main=FINE_BESIDE.format(then=then), store=NEXT_SCHEMA)
        state = ended(served, order(served, wanted))
        assert (state.state, why in state.message) == (Phase.FAILED, True), state
        # The old one is back, with the journal as it had left it, which it could not have read otherwise.
        assert [each.version for each in served.hellos[hellos:]] == [OLD]
        assert served.hellos[-1].journal_id == journal
        assert agent.current() == former
    assert served.unanswered
    # Nothing is left of it that would be in the way: the next good version takes over.
    served.mute_to = ""
    assert ended(served, order(served, version(NEW, store=NEXT_SCHEMA))).state == Phase.DONE
    assert served.hellos[-1].version == NEW
