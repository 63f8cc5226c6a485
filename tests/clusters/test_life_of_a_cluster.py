"""A cluster's life on three real engines: formed, changed, left and ended through agents alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from agents.models import Cluster, CommandRecord, Server
from agents.services import clusters, directory
from agents.swarm import NodeFacts, SwarmRole
from deployments.data.cluster_types import ChangeKind, ChangeState, Member
from deployments.errors import Conflict
from deployments.models import ClusterChange, User
from deployments.services.clusters import cluster_requests, cluster_view, progress
from tests.clusters.scene import GatewayThread, Host, Scene, new_id, now, until
from tests.servers.own_docker import missing
from tests.servers.own_engines import OwnEngines, own_engines

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(bool(missing()), reason=f"engines of our own need {missing()}"),
]


@pytest.fixture(scope="module")
def engines() -> Iterator[OwnEngines]:
    with own_engines("one", "two", "three") as started:
        yield started


@pytest.fixture
def scene(transactional_db: None, owner: User, engines: OwnEngines, tmp_path: Path) -> Iterator[Scene]:
    gateway = GatewayThread()
    gateway.start()
    made = Scene(folder=tmp_path, owner=owner, engines=engines, port=gateway.port)
    made.start()
    yield made
    made.stop()
    for host in made.hosts.values():
        host.engine.docker("swarm", "leave", "--force")
    gateway.stop()


def ids(scene: Scene) -> dict[str, str]:
    """Ids of nodes by hostname, as a manager told them."""
    nodes, _ = clusters.nodes_of(cluster_id=scene.cluster.pk)
    return {each.hostname: each.id for each in nodes}


def change(scene: Scene, name: str, action: ChangeKind) -> None:
    """Ask for it, confirm what follows from it, and see it done."""
    scene.done(
        *cluster_requests.change_node(
            caller=scene.caller, cluster_id=scene.cluster.pk, node_id=ids(scene)[name], action=action,
            confirmed=True, change_id=new_id(), at=now(),
        )
    )  # fmt: skip


def swarm_of(host: Host) -> str:
    return host.engine.docker("info", "--format", "{{.Swarm.Cluster.ID}}").stdout.strip()


def tokens_of(host: Host) -> set[str]:
    return {host.engine.docker("swarm", "join-token", "-q", role).stdout.strip() for role in ("worker", "manager")}


def everything_stored(folder: Path) -> str:
    """All rows of the tables that could hold a token, and all that agents wrote."""
    rows = [repr(each) for model in (ClusterChange, CommandRecord) for each in model.objects.values()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT swarm::text FROM agents")
        rows += [str(row) for row in cursor.fetchall()]
    files = [each.read_bytes().decode(errors="replace") for each in folder.rglob("*") if each.is_file()]
    return "\n".join([*rows, *files])


def test_a_cluster_is_formed_changed_and_ended(scene: Scene, tmp_path: Path) -> None:
    one, two, three = scene.hosts.values()
    members = [
        Member(server_id=one.server.pk, manager=True, address=one.engine.address),
        Member(server_id=two.server.pk, manager=True, address=two.engine.address),
        Member(server_id=three.server.pk, address=three.engine.address),
    ]
    change_id = new_id()
    asked = cluster_requests.form_cluster(
        caller=scene.caller, cluster_id=scene.cluster.pk, members=members, change_id=change_id, at=now()
    )
    # Asked for twice under one id, it is one wish.
    with pytest.raises(Conflict):
        cluster_requests.form_cluster(
            caller=scene.caller, cluster_id=scene.cluster.pk, members=members, change_id=new_id(), at=now()
        )
    # The first one's agent dies while it works, and is started again.
    one.agent.kill()
    one.start()
    scene.done(*asked)
    assert [each.role() for each in (one, two, three)] == ["manager", "manager", "worker"]
    assert Cluster.objects.get().swarm_id == swarm_of(one)
    assert set(Server.objects.values_list("cluster_id", flat=True)) == {scene.cluster.pk}
    # Every token that ever was is in nobody's rows, journals and logs.
    stored = everything_stored(tmp_path)
    assert not [each for each in tokens_of(one) if each in stored]
    assert "SWMTKN" not in stored

    view = cluster_view.view_cluster(caller=scene.caller, cluster_id=scene.cluster.pk)
    assert (view.trouble, view.managers, view.may_fail, view.outside) == ("", 2, 0, ())
    assert {each.server_name for each in view.nodes if each.connected} == {"one", "two", "three"}

    change(scene, "three", ChangeKind.DRAIN)
    shown = one.engine.docker("node", "ls", "--format", "{{.Hostname}} {{.Availability}}").stdout
    assert "three Drain" in shown
    change(scene, "three", ChangeKind.PROMOTE)
    until(lambda: three.role() == "manager", what="three as a manager")
    change(scene, "three", ChangeKind.DEMOTE)
    change(scene, "three", ChangeKind.ACTIVATE)
    before = tokens_of(one)
    scene.done(
        *cluster_requests.rotate_tokens(caller=scene.caller, cluster_id=scene.cluster.pk, change_id=new_id(), at=now())
    )
    assert not before & tokens_of(one)

    # A manager that is taken out while another one is there: the quorum goes with a majority only.
    with pytest.raises(Conflict, match="has to be confirmed"):
        cluster_requests.change_node(
            caller=scene.caller, cluster_id=scene.cluster.pk, node_id=ids(scene)["two"], action=ChangeKind.LEAVE,
            confirmed=False, change_id=new_id(), at=now(),
        )  # fmt: skip
    change(scene, "two", ChangeKind.LEAVE)
    assert two.role() == "inactive"
    until(lambda: ids(scene).keys() == {"one", "three"}, what="two to be forgotten")
    assert Server.objects.get(name="two").cluster_id is None

    # By hand somebody puts it into a swarm of its own: refused by name, whoever asks.
    two.engine.docker("swarm", "init", "--advertise-addr", two.engine.address)
    scene.until_told("two", SwarmRole.MANAGER)
    with pytest.raises(Conflict, match="two is in another Swarm"):
        cluster_requests.join_cluster(
            caller=scene.caller, cluster_id=scene.cluster.pk, member=members[1], change_id=new_id(), at=now()
        )
    adopted = Cluster.objects.create(owner=scene.owner, name="staging")
    cluster_requests.adopt_swarm(
        caller=scene.caller, cluster_id=adopted.pk, server_id=two.server.pk, change_id=new_id(), at=now()
    )
    adopted.refresh_from_db()
    assert adopted.swarm_id == swarm_of(two)
    assert Server.objects.get(name="two").cluster_id == adopted.pk

    # A node that died for good is removed by others; then the last one ends the swarm.
    three.agent.kill()
    three.engine.docker("swarm", "leave")
    until(lambda: not view_of(scene, "three").is_ready, what="three as down")
    change(scene, "three", ChangeKind.REMOVE)
    until(lambda: ids(scene).keys() == {"one"}, what="three to be forgotten")
    change(scene, "one", ChangeKind.LEAVE)
    assert one.role() == "inactive"
    assert Cluster.objects.get(name="production").swarm_id is None


def view_of(scene: Scene, name: str) -> NodeFacts:
    nodes, _ = clusters.nodes_of(cluster_id=scene.cluster.pk)
    return next(each for each in nodes if each.hostname == name)


def test_a_swarm_that_was_made_before_its_agent_died_is_known_by_its_label(scene: Scene) -> None:
    one, two, _ = scene.hosts.values()
    # As after a death between the making of the swarm and the report of it.
    for host, label in ((one, str(scene.cluster.pk)), (two, "of-somebody-else")):
        with host.engine.client() as api:
            spec = api.create_swarm_spec(labels={"axion.cluster": label})
            api.init_swarm(advertise_addr=host.engine.address, listen_addr="0.0.0.0:2377", swarm_spec=spec)
    # Asked for before anything was told of it: the wish is stored as if it had been.
    for host in (two, one):
        server = directory.get_server(server_id=host.server.pk)
        member = Member(server_id=server.id, manager=True)
        wish = cluster_requests._new(ChangeKind.FORM, member, server, change_id=new_id())
        asked = cluster_requests._ask(
            scene.caller, directory.get_cluster(cluster_id=scene.cluster.pk), [wish], at=now()
        )
        (ended,) = scene.ended(*asked)
        if host is two:
            assert (ended.state, "not made for this cluster" in ended.message) == (ChangeState.REFUSED, True)
        else:
            assert ended.state is ChangeState.DONE, ended.message
    assert Cluster.objects.get().swarm_id == swarm_of(one)
    assert progress.expire(at=now()) == 0
