"""An agent in a container becomes another version, or stays what it is: real containers on the real engine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from agents.runner.updating.own_container import like
from agents.runner.updating.record import Phase
from tests.runner.gateway import TestGateway
from tests.runner.updating.in_container import ContainerAgent, docker, make_base
from tests.runner.updating.installed import version
from tests.runner.updating.test_updating import DIES, DIES_LATER, FINE_BESIDE, NEXT_SCHEMA, TWO_SECONDS, ended, order

OLD, NEW, NEWER = "0.9.1", "0.9.2", "0.9.3"
# The new version is welcomed, and dies at the very next line, as far as its place is concerned.
LEAVES_THE_REST = "import agents.runner.updating.container_handover as c; c._take_place = lambda own, former: None"
IMPATIENT = "import agents.runner.updating.container_handover as c; c.REMOVAL_SECONDS = 1"
# Nobody inside a container can kill its first process.
DIES_WITH_IT = DIES_LATER.replace("os.kill(os.getpid(), signal.SIGKILL)", "os._exit(9)")
WAITS = "import time; time.sleep(600)"


def has_docker() -> bool:
    return subprocess.run(["docker", "info"], capture_output=True, timeout=60, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_docker(), reason="needs Docker")


@pytest.fixture
def agent(served: TestGateway, tmp_path: Path) -> Iterator[ContainerAgent]:
    """Images and folder are there, nothing runs yet."""
    name = f"axion-agent-test-{uuid4().hex[:8]}"
    made = ContainerAgent(name=name, state_dir=tmp_path / "state", port=served.port)
    make_base(made.base)
    try:
        yield made
    finally:
        sys.stdout.write(made.log())
        made.remove()


def started(agent: ContainerAgent, served: TestGateway, **changed: str) -> str:
    """Its container, once the agent has said Hello."""
    agent.start(agent.version(OLD, **changed))
    served.until(lambda: served.hellos, what="the first Hello")
    return agent.containers()[agent.name]


def test_a_new_version_takes_the_place_of_the_old_container(agent: ContainerAgent, served: TestGateway) -> None:
    former = agent.described(started(agent, served))
    wanted = agent.version(NEW)
    assert ended(served, order(served, wanted)).state == Phase.DONE
    # It was tried beside the old one first, then became it.
    assert [(each.version, each.build) for each in served.trials] == [(NEW, wanted.build)]
    assert (served.hellos[-1].version, served.hellos[-1].build) == (NEW, wanted.build)
    assert served.hellos[-1].journal_id == served.hellos[0].journal_id
    (present,) = set(agent.containers().values()) - {former["Id"]}
    agent.settle({agent.name: present})
    assert agent.described(present)["HostConfig"] == former["HostConfig"]
    # Docker starts it again; and it becomes another version in turn.
    hellos = len(served.hellos)
    agent.kill(present)
    served.until(lambda: len(served.hellos) > hellos, what="the restarted agent")
    assert served.hellos[-1].version == NEW
    newer = agent.version(NEWER)
    assert ended(served, order(served, newer)).state == Phase.DONE
    assert served.hellos[-1].version == NEWER
    (last,) = set(agent.containers().values()) - {present}
    agent.settle({agent.name: last})
    own = {each for each in agent.described(last)["Config"]["Env"] if each.startswith("AXION_AGENT_")}
    assert {each for each in own if "__" not in each} == {
        f"AXION_AGENT_BUILD={newer.build}", f"AXION_AGENT_FORMER_CONTAINER={present}", "AXION_AGENT_HELLO_SECONDS=30",
    }  # fmt: skip
    images = set(docker("images", "--format", "{{.Tag}}", agent.name).split())
    assert images == {f"{newer.build}-image", f"{wanted.build}-image"}


def test_a_version_that_fails_leaves_the_old_container_in_place(agent: ContainerAgent, served: TestGateway) -> None:
    present = started(agent, served)
    for main, store, why in (
        (DIES, "", "broken from the start"),
        (FINE_BESIDE.format(then=DIES_WITH_IT), NEXT_SCHEMA, "ended before it had said Hello"),
        (FINE_BESIDE.format(then=TWO_SECONDS), NEXT_SCHEMA, "did not say Hello"),
    ):
        served.mute_to = NEW
        wanted = agent.version(NEW, main=main, **({"store": store} if store else {}))
        state = ended(served, order(served, wanted))
        assert (state.state, why in state.message) == (Phase.FAILED, True), state
        agent.settle({agent.name: present})
    assert {each.version for each in served.hellos} == {OLD}
    assert len({each.journal_id for each in served.hellos}) == 1
    served.mute_to = ""
    cannot_be_built = version(NEW, dockerfile="FROM scratch\nCOPY not-there /\n")
    state = ended(served, order(served, cannot_be_built))
    assert (state.state, "could not be built" in state.message) == (Phase.FAILED, True), state
    assert ended(served, order(served, agent.version(NEW, store=NEXT_SCHEMA))).state == Phase.DONE
    assert served.hellos[-1].version == NEW


def test_killed_while_the_journal_changes_hands(agent: ContainerAgent, served: TestGateway) -> None:
    """The former one is started again, and has its journal; the new one is gone."""
    present = started(agent, served)
    wanted = agent.version(NEW, main=FINE_BESIDE.format(then=WAITS))
    update_id = order(served, wanted)
    agent_next = f"{agent.name}-next"
    served.until(lambda: agent_next in agent.containers(), what="the new container", seconds=90)
    agent.kill(present)
    state = ended(served, update_id)
    assert (state.state, "ended before it had said Hello" in state.message) == (Phase.FAILED, True), state
    agent.settle({agent.name: present})
    assert {each.version for each in served.hellos} == {OLD}


def test_the_new_one_dies_once_it_is_decided(agent: ContainerAgent, served: TestGateway) -> None:
    """The former one leaves by itself, and Docker starts the new one from then on."""
    present = started(agent, served, main=FINE_BESIDE.format(then=IMPATIENT))
    wanted = agent.version(NEW, main=FINE_BESIDE.format(then=LEAVES_THE_REST))
    assert ended(served, order(served, wanted)).state == Phase.DONE
    (left,) = set(agent.containers().values()) - {present}
    agent.settle({f"{agent.name}-next": left})
    assert agent.described(left)["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert agent.described(left)["State"]["Running"]


def test_another_container_is_started_as_this_one_was() -> None:
    described = {
        "Config": {
            "Env": ["PATH=/old", "TOKEN=t", "AXION_AGENT_BUILD=a", "AXION_AGENT_FORMER_CONTAINER=f"],
            "Labels": {"of": "image", "mine": "1"},
            "User": "",
        },
        "HostConfig": {"Binds": ["/a:/a"], "NetworkMode": "host", "RestartPolicy": {"Name": "always"}},
    }
    own = {"Env": ["PATH=/old"], "Labels": {"of": "image"}, "User": ""}
    made = like(described, own=own, new={"Env": ["PATH=/new"], "Labels": {"of": "new image"}, "User": "agent"})
    assert made == {
        "Env": ["TOKEN=t"],
        "Labels": {"of": "new image", "mine": "1"},
        "User": "agent",
        "HostConfig": {
            "Binds": ["/a:/a"],
            "NetworkMode": "host",
            "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            "AutoRemove": False,
        },
    }
