"""Two projects on one server that want one of its ports, and what a plan knows of the volumes of what runs."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings

from agents.states import CommandOutcome
from agents.types import CommandFinished, ServiceObserved
from deployments.errors import Invalid
from deployments.models import DeploymentHistory, User
from deployments.services.history import kept_data
from deployments.services.permissions.access import caller_of
from deployments.services.projects import sources
from deployments.services.requests import make_plan, plan_actions
from deployments.states import Reason, Status
from deployments.types import Target, TargetKind
from tests.deployments.lane import Lane
from tests.deployments.requests.test_stop_and_scale import stop


def graph(name: str, *, image: str = "web:1", **config: str) -> dict[str, Any]:
    data = {"serviceName": name, "config": {"image": image, "port": "80", **config}}
    return {"nodes": [{"id": f"n-{name}", "type": 1, "data": data}], "edges": []}


def with_graph(lane: Lane, raw: dict[str, Any]) -> Lane:
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph=raw)
    return lane


def beside(lane: Lane, *, owner: User | None = None, name: str = "Other") -> Lane:
    """Another project on the same server."""
    who = owner or lane.owner
    project = sources.create_project(caller=caller_of(who), project_id=uuid4(), name=name)
    return Lane(owner=who, project_id=project.id, server=lane.server, agent=lane.agent, seconds=100)


@pytest.fixture
def shop(lane: Lane) -> Lane:
    """It has port 8080 of the server."""
    with_graph(lane, graph("edge", hostPort="8080")).deployed()
    return lane


def warnings(lane: Lane) -> str:
    planned = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    return "\n".join(each for each in planned.warnings if "deployed last" not in each)


def test_the_plan_names_both_that_want_a_port(shop: Lane) -> None:
    other = with_graph(beside(shop), graph("door", hostPort="8080"))
    assert "'door' wants port 8080 of this server, which 'edge' of the project 'Shop' has" in warnings(other)
    assert warnings(with_graph(other, graph("door", hostPort="8081"))) == ""
    assert warnings(shop) == ""


def test_the_start_fails_before_anything_is_stopped_for_it(shop: Lane) -> None:
    other = with_graph(beside(shop), graph("door", hostPort="8080"))
    failed = other.start(other.ask())
    assert (failed.status, failed.reason) == (Status.FAILED, Reason.INVALID)
    assert "'edge' of the project 'Shop'" in failed.message


def test_the_port_is_free_again_after_another_version_or_a_stop(shop: Lane) -> None:
    other = with_graph(beside(shop), graph("door", hostPort="8080"))
    with_graph(shop, graph("edge", hostPort="9090")).deployed()
    assert warnings(other) == ""
    assert other.deployed().status is Status.SUCCESS
    assert "8080" in warnings(with_graph(shop, graph("edge", hostPort="8080")))


def test_a_project_of_somebody_else_is_not_named(shop: Lane, stranger: User) -> None:
    shop.server.owner_id = stranger.id
    shop.server.save()
    theirs = with_graph(beside(shop, owner=stranger), graph("door", hostPort="8080"))
    said = warnings(theirs)
    assert "port 8080 of this server, which a project of somebody else has" in said
    assert "Shop" not in said
    assert "edge" not in said


def behind_gateway(domain: str, *, on: str) -> dict[str, Any]:
    """A gateway that has the domain itself, by a route, or by the service that it leads to."""
    keys = {"gateway": {"domain": domain}, "route": {"domain": "b.example", "route.web": domain}, "service": {}}
    shop = graph("web", **({"domain": domain} if on == "service" else {}))
    data = {"serviceName": "edge", "config": {"gateway": "caddy", **keys[on]}}
    shop["nodes"].append({"id": "n-edge", "type": 3, "data": data})
    shop["edges"].append({"id": "e", "source": "n-edge", "target": "n-web", "type": 2})
    return shop


@pytest.mark.parametrize("on", ["gateway", "route", "service"])
def test_the_plan_warns_of_the_control_planes_own_name(lane: Lane, settings: Settings, on: str) -> None:
    settings.ALLOWED_HOSTS = ["Deploy.example.org", ".below.example", "*", "10.0.0.1", "[::1]"]
    who = "web" if on == "service" else "edge"
    told = warnings(with_graph(lane, behind_gateway("deploy.example.org", on=on)))
    assert f"'{who}' wants the domain deploy.example.org, under which this control plane is reached" in told
    for other in ("shop.example.org", "below.example", "example.org"):
        assert "this control plane" not in warnings(with_graph(lane, behind_gateway(other, on=on)))


@pytest.mark.parametrize("told", ["first", "with the proof alone"])
def test_what_an_image_keeps_is_in_the_next_plan(lane: Lane, told: str) -> None:
    deployment = lane.start(with_graph(lane, graph("notes", **{"env.GREETING": "one"})).ask())
    seen = ServiceObserved(node_id="n-notes", service_name="notes", state="running", image_volumes=("/data",))
    if told == "first":
        lane.report(deployment, seen)
        lane.succeed(deployment)
    else:
        proof = replace(seen, health="healthy", image_digest="sha256:notes", replicas=1, healthy_replicas=1)
        lane.report(deployment, CommandFinished(outcome=CommandOutcome.SUCCEEDED, services=(proof,)))
    with_graph(lane, graph("notes", **{"env.GREETING": "two"}))
    planned = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert planned.text.startswith("replace  notes  downtime  (GREETING changed; keeps the volume of its image)\n")
    assert "'notes': its image keeps data in /data, which no volume" in " ".join(planned.warnings)
    in_cluster = make_plan.running_now(
        project_id=lane.project_id, target=Target(kind=TargetKind.CLUSTER, id=lane.server.id)
    )
    assert (in_cluster.image_volumes, in_cluster.image_data) == ({}, {"notes": ("/data",)})
    (said,) = kept_data.image_data_warnings(graph=graph("notes"), image_data=in_cluster.image_data)
    assert "in a cluster each new task begins there with nothing" in said
    covered = {"env.GREETING": "two", "volume.notes": "/data/"}
    assert "its image keeps data" not in warnings(with_graph(lane, graph("notes", **covered)))


@pytest.mark.parametrize("stopped", [False, True])
def test_another_release_of_a_database_is_refused_over_its_data(lane: Lane, stopped: bool) -> None:
    def database(image: str, node_id: str = "one") -> dict[str, Any]:
        data = {"serviceName": "db", "config": {"databaseType": "postgresql", "image": image}}
        return {"nodes": [{"id": node_id, "type": 2, "data": data}], "edges": []}

    with_graph(lane, database("postgres:16.4")).deployed()
    if stopped:
        lane.succeed(lane.start(stop(lane)))
    later = with_graph(lane, database("postgres:18"))
    sentence = "'db' keeps data of postgresql 16, which postgresql 18 cannot read"
    for ask in (later.ask, lambda: make_plan.plan_deployment(caller=lane.caller, request=later.request())):
        with pytest.raises(Invalid, match=sentence):
            ask()
    for raw in (database("mirror:5000/postgres:16.9"), database("postgres:18", "two")):
        assert make_plan.plan_deployment(caller=lane.caller, request=with_graph(lane, raw).request()).changes


def database(image: str, kind: str, node_id: str = "one") -> dict[str, Any]:
    data = {"serviceName": "db", "config": {"databaseType": kind, "image": image}}
    return {"nodes": [{"id": node_id, "type": 2, "data": data}], "edges": []}


def test_a_step_is_advised_and_the_way_back_is_refused_in_plan_and_rollback(lane: Lane) -> None:
    first = with_graph(lane, database("mongo:7.0", "mongodb")).deployed()
    with_graph(lane, database("mongo:8.0", "mongodb"))
    planned = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert "'db' takes over data of mongodb 7.0 as mongodb 8.0" in " ".join(planned.warnings)
    assert "setFeatureCompatibilityVersion" in " ".join(planned.warnings)
    second = lane.deployed()
    sentence = "'db' keeps data of mongodb 8.0, which mongodb 7.0 cannot read. No earlier release"
    with pytest.raises(Invalid, match=sentence):
        make_plan.plan_rollback(caller=lane.caller, deployment_id=second.id)
    with pytest.raises(Invalid, match=sentence):
        lane.ask_rollback(second, to=first)
    with pytest.raises(Invalid, match="which redis 8 cannot read"):
        with_graph(lane, database("redis:8", "redis")).ask()


def test_what_becomes_of_data_stands_in_the_plan_of_a_stop_a_scale_and_a_rollback(lane: Lane) -> None:
    with_graph(lane, graph("notes", **{"volume.notes": "/data", "env.A": "1"})).deployed()
    second = with_graph(lane, graph("notes", **{"volume.notes": "/data", "volume.more": "/more"})).deployed()
    (volume,) = [each for each in stop_notes(lane) if each.startswith("Volumes are kept with all data in them: ")]
    assert "-notes" in volume
    assert "-more" in volume
    scaled = plan_actions.plan_scale(
        caller=lane.caller, project_id=lane.project_id, target=lane.target, service_name="notes", replicas=3
    )
    assert "notes: all copies read and write the same" in " ".join(scaled.warnings)
    assert [change.action for change in scaled.changes] != []
    told = " ".join(make_plan.plan_rollback(caller=lane.caller, deployment_id=second.id).warnings)
    assert "Data is not taken back: what was written since v1 stays in" in told
    assert re.search(r"v1 does not use \S+-more: kept with all data", told)


def stop_notes(lane: Lane) -> tuple[str, ...]:
    planned = plan_actions.plan_stop(caller=lane.caller, project_id=lane.project_id, target=lane.target)
    assert [change.action for change in planned.changes] == ["remove"]
    return planned.warnings


def test_volumes_of_a_version_that_named_them_in_its_file_alone_are_told_too(lane: Lane) -> None:
    def database(node_id: str) -> dict[str, Any]:
        data = {"serviceName": "db", "config": {"databaseType": "postgresql"}}
        return {"nodes": [{"id": node_id, "type": 2, "data": data}], "edges": []}

    with_graph(lane, database("one")).deployed()
    entry = DeploymentHistory.objects.get(project_id=lane.project_id)
    for service in entry.deployment_snapshot["config"]["services"]:
        del service["volumes"]
    entry.save()
    text = make_plan.plan_deployment(caller=lane.caller, request=with_graph(lane, database("two")).request()).text
    assert "begins empty; the data of db stays in volume axion-" in text
