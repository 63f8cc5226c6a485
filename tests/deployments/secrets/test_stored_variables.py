"""Variables that stay: what a deployment takes, who may set them, what is told of them, and that no value leaves."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from pytest_django.fixtures import Settings

from deployments.data.variable_types import PROJECT_WIDE, Place, Scope
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import Deployment, DeploymentEvent, DeploymentHistory, ProjectVariable, VariableChange
from deployments.services.permissions.access import caller_of
from deployments.services.projects import project_variables, sources
from deployments.services.requests import make_plan, repeat
from deployments.services.requests.scale import scale_service
from deployments.services.secrets import rotation, variables
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.lane import Lane
from tests.factories import NOW

CANARY = "canary-7f3a-ł$"


def node(name: str, **config: str) -> dict[str, Any]:
    return {"id": f"n-{name}", "type": 1, "data": {"serviceName": name, "config": {"image": "busybox:1", **config}}}


def store(lane: Lane, *nodes: dict[str, Any]) -> None:
    sources.store_graph(caller=lane.caller, project_id=lane.project_id, graph={"nodes": list(nodes), "edges": []})


def put(lane: Lane, place: Place = PROJECT_WIDE, *, remove: tuple[str, ...] = (), **values: str) -> None:
    project_variables.change_variables(
        caller=lane.caller, project_id=lane.project_id, place=place, values=values, remove=remove, at=lane.now()
    )


def values_of(deployment: DeploymentRecord) -> dict[str, str]:
    return variables.values_for(deployment_id=deployment.id)


def of_node(name: str) -> Place:
    return Place(scope=Scope.NODE, key=f"n-{name}")


def on(lane: Lane) -> Place:
    return Place(scope=Scope.TARGET, key=str(lane.server.id))


def test_a_deployment_takes_the_stored_ones_and_over_them_what_its_request_brings(lane: Lane) -> None:
    store(lane, node("api", **{"env.A": "drawing"}), node("web"))
    put(lane, A="project", B="project", C="project", D="project")
    put(lane, on(lane), B="target", C="target", D="target")
    put(lane, of_node("api"), C="node", D="node")
    elsewhere = Place(scope=Scope.TARGET, key=str(uuid4()))
    ProjectVariable.objects.filter(scope="target", name="D").update(scope_key=elsewhere.key)
    first = lane.deployed(env_vars={"D": "request"})
    assert values_of(first) == {
        "ENV_A": "project", "ENV_B": "target", "ENV_C": "target", "ENV_API_C": "node", "ENV_D": "request",
    }  # fmt: skip
    compose = first.config["dockerComposeYml"]
    assert "C: ${ENV_API_C}" in compose
    assert "C: ${ENV_C}" in compose
    # The next one has them still, but not what came with the request alone.
    second = lane.deployed()
    assert values_of(second)["ENV_D"] == "project"
    # A rollback has the values of its version, whatever is stored by then.
    put(lane, A="newer", remove=("B",))
    back = lane.start(lane.ask_rollback(second, to=first))
    assert values_of(back) == values_of(first)


def test_a_scale_keeps_what_runs_as_it_was_given(lane: Lane) -> None:
    store(lane, node("api"))
    put(lane, A="1")
    put(lane, of_node("api"), B="2")
    deployed = lane.deployed()
    put(lane, A="changed")
    put(lane, of_node("api"), B="changed")
    asked = scale_service(
        caller=lane.caller,
        project_id=lane.project_id,
        target=lane.target,
        service_name="api",
        replicas=2,
        deployment_id=uuid4(),
        at=lane.now(),
    )
    assert values_of(lane.start(asked)) == values_of(deployed)


def test_a_repeat_takes_the_stored_ones_as_they_are_by_then(lane: Lane) -> None:
    store(lane, node("api"))
    put(lane, A="1", B="1")
    failed = lane.fail(lane.start(lane.ask(env_vars={"B": "typed"})))
    kept = repeat.variables_of(caller=lane.caller, project_id=lane.project_id, deployment_id=failed.id)
    assert kept == {"B": "typed"}


def test_the_plan_names_what_is_added_changed_and_removed(lane: Lane) -> None:
    store(lane, node("api"))
    put(lane, KEPT="1", CHANGED=CANARY, GOES="1")
    lane.deployed()
    put(lane, CHANGED=f"{CANARY}-2", remove=("GOES",))
    put(lane, of_node("api"), COMES=CANARY)
    plan = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert plan.variables.added == ("n-api.COMES",)
    assert plan.variables.changed == ("CHANGED",)
    assert plan.variables.removed == ("GOES",)
    assert "variables removed: GOES\n" in plan.text
    assert CANARY not in repr(plan)


def test_a_plan_is_refused_when_a_stored_value_changed_since(lane: Lane) -> None:
    store(lane, node("api"))
    put(lane, A="1")
    approval = make_plan.plan_deployment(caller=lane.caller, request=lane.request()).approval
    put(lane, A="2")
    with pytest.raises(Conflict) as refused:
        lane.ask(approval=approval)
    assert list(refused.value.details) == ["environment"]


def test_a_name_that_a_node_refers_to_and_nobody_gave_is_a_problem(lane: Lane) -> None:
    store(lane, node("api", **{"secret.TOKEN": ""}))
    with pytest.raises(Invalid) as refused:
        make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert dict(refused.value.details) == {"n-api.secret.TOKEN": "no value"}
    with pytest.raises(Invalid):
        lane.ask()
    put(lane, of_node("api"), TOKEN="given")
    assert values_of(lane.deployed()) == {"ENV_API_TOKEN": "given"}


def test_a_text_may_refer_to_a_variable_that_somebody_gave(lane: Lane) -> None:
    store(lane, node("api", **{"env.GREETING": "hello ${var.WHO} at $5"}))
    with pytest.raises(Invalid, match="refers to the variable WHO, which nobody gave"):
        make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    put(lane, WHO="you")
    deployed = lane.deployed()
    assert "GREETING: hello ${ENV_WHO} at $$5" in deployed.config["dockerComposeYml"]
    assert values_of(deployed) == {"ENV_WHO": "you"}


def test_variables_of_a_node_that_went_are_named(lane: Lane) -> None:
    store(lane, node("api"), node("web"))
    put(lane, of_node("web"), A="1")
    store(lane, node("api"))
    plan = make_plan.plan_deployment(caller=lane.caller, request=lane.request())
    assert any("A: kept for the node n-web" in warning for warning in plan.warnings)
    assert values_of(lane.deployed()) == {}


def test_a_variable_may_not_move_the_data_of_a_database(lane: Lane) -> None:
    database = {"id": "n-db", "type": 2, "data": {"serviceName": "db", "config": {"databaseType": "postgresql"}}}
    store(lane, database)
    put(lane, of_node("db"), PGDATA="/elsewhere")
    with pytest.raises(Invalid, match="where data lies"):
        lane.ask()


def test_who_set_what_and_when_can_be_read_and_no_value(lane: Lane) -> None:
    store(lane, node("api"))
    deployer = factories.make_user("dora")
    factories.add_member(factories.project_of(lane.project_id), deployer, role="deployer")
    put(lane, A=CANARY)
    project_variables.change_variables(
        caller=caller_of(deployer), project_id=lane.project_id, place=PROJECT_WIDE, values={"A": "b"}, at=NOW
    )
    put(lane, remove=("A",))
    put(lane, A="c")
    found = project_variables.list_changes(caller=lane.caller, project_id=lane.project_id)
    told = [(each.name, each.version, each.action, each.by) for each in found]
    owner = lane.owner.username
    assert told == [("A", 3, "set", owner), ("A", 2, "removed", owner), ("A", 2, "set", "dora"), ("A", 1, "set", owner)]
    (stored,) = project_variables.list_variables(caller=lane.caller, project_id=lane.project_id)
    assert (stored.name, stored.version, stored.set_by) == ("A", 3, owner)
    # Whose account is gone is still named.
    deployer.delete()
    assert VariableChange.objects.filter(changed_by_name="dora", changed_by=None).count() == 1


def test_viewers_see_names_and_set_nothing_strangers_learn_nothing(lane: Lane) -> None:
    put(lane, A="1")
    viewer, stranger = factories.make_user("vera"), factories.make_user("stan")
    factories.add_member(factories.project_of(lane.project_id), viewer, role="viewer")
    assert project_variables.list_variables(caller=caller_of(viewer), project_id=lane.project_id)
    change: dict[str, Any] = {"project_id": lane.project_id, "place": PROJECT_WIDE, "values": {"A": "2"}, "at": NOW}
    with pytest.raises(Forbidden):
        project_variables.change_variables(caller=caller_of(viewer), **change)
    for act in (
        lambda: project_variables.change_variables(caller=caller_of(stranger), **change),
        lambda: project_variables.list_variables(caller=caller_of(stranger), project_id=lane.project_id),
        lambda: project_variables.list_changes(caller=caller_of(stranger), project_id=lane.project_id),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.parametrize(
    ("place", "values", "remove", "field"),
    [
        (PROJECT_WIDE, {"no-name": "1"}, (), "variables.no-name"),
        (PROJECT_WIDE, {"A": "x\x00"}, (), "variables.A"),
        (PROJECT_WIDE, {"A": "1"}, ("A",), "remove.A"),
        (PROJECT_WIDE, {}, ("GONE",), "remove.GONE"),
        (Place(scope=Scope.NODE, key="n-nowhere"), {"A": "1"}, (), "nodeId"),
        (Place(scope=Scope.TARGET, key=str(uuid4())), {"A": "1"}, (), "serverId"),
    ],
)
def test_bad_input_names_the_field_and_stores_nothing(
    lane: Lane, place: Place, values: dict[str, str], remove: tuple[str, ...], field: str
) -> None:
    with pytest.raises((Invalid, NotFound)) as refused:
        project_variables.change_variables(
            caller=lane.caller,
            project_id=lane.project_id,
            place=place,
            values={"GOOD": "1", **values} if values else {},
            remove=remove,
            at=NOW,
        )
    assert list(refused.value.details) == [field]
    assert not ProjectVariable.objects.exists()
    assert not VariableChange.objects.exists()


def test_no_value_lies_open_in_any_table(lane: Lane) -> None:
    store(lane, node("api", **{"secret.S": CANARY}))
    put(lane, A=CANARY)
    put(lane, of_node("api"), B=CANARY)
    lane.deployed(env_vars={"C": CANARY})
    lane.ask()
    for model in (ProjectVariable, VariableChange, Deployment, DeploymentEvent, DeploymentHistory):
        rows = json.dumps(list(model.objects.values()), cls=DjangoJSONEncoder, ensure_ascii=False, default=str)
        assert CANARY not in rows, model.__name__
    text = project_variables.export_env_file(caller=lane.caller, project_id=lane.project_id, place=PROJECT_WIDE)
    assert text == "A=\n"


def test_a_new_key_seals_them_anew(lane: Lane, settings: Settings) -> None:
    settings.AXION_ENCRYPTION_KEYS = {1: bytes(32)}
    store(lane, node("api"))
    put(lane, A=CANARY)
    put(lane, of_node("api"), B=CANARY)
    settings.AXION_ENCRYPTION_KEYS = {1: bytes(32), 2: bytes([2]) * 32}
    assert rotation.rotate_keys().resealed == 2
    settings.AXION_ENCRYPTION_KEYS = {2: bytes([2]) * 32}
    assert values_of(lane.start(lane.ask())) == {"ENV_A": CANARY, "ENV_API_B": CANARY}


def test_no_sealed_column_is_forgotten_by_the_rotation() -> None:
    """A column that holds sealed values has a name or a help text that says so; each is read by `upkeep.sealed`."""
    rotated = {
        ("agent_authorities", "sealed_key"),
        ("cluster_changes", "sealed_token"),
        ("adoptions", "sealed"),
        ("project_secrets", "sealed"),
        ("project_variables", "sealed"),
        ("notification_channels", "sealed"),
        ("registries", "sealed"),
        ("agent_installations", "sealed"),
        ("server_accesses", "sealed"),
        ("deployments", "sealed_variables"),
        ("deployments", "sealed_session"),
        ("deployments", "env_vars"),
        ("deployment_history", "sealed_variables"),
        ("deployment_history", "env_vars"),
    }
    found = {
        (model._meta.db_table, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if "sealed" in field.name or "sealed" in getattr(field, "help_text", "").lower()
    }
    assert found == rotated, "give a new sealed column a reader in upkeep/sealed.py and a step in rotation.py"
