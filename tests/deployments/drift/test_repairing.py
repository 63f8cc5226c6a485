"""What was changed on a server is stored, repaired through lane and approval, or left; never taken for meant."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from agents.contracts.version import OBSERVING_PROTOCOL
from agents.models import Agent
from deployments.errors import Conflict, Forbidden, Invalid, NotFound
from deployments.models import DeploymentEvent, ProjectMember
from deployments.services.permissions.access import caller_of
from deployments.services.queries import lane_view
from deployments.services.requests import make_plan, repair
from deployments.states import Kind, Status
from deployments.types import DeploymentRecord
from tests import factories
from tests.deployments.drift.stage import SETUP, Stage


def ask(stage: Stage, **fields: Any) -> DeploymentRecord:
    return repair.repair_stack(
        caller=fields.pop("caller", stage.lane.caller),
        project_id=stage.lane.project_id,
        target=stage.lane.target,
        deployment_id=uuid4(),
        at=stage.lane.now(),
        **fields,
    )


def plan(stage: Stage, **fields: Any) -> make_plan.PlannedDeployment:
    return repair.plan_repair(
        caller=stage.lane.caller, project_id=stage.lane.project_id, target=stage.lane.target, **fields
    )


def leave(stage: Stage, service: str, aspect: str, *, left: bool = True) -> None:
    repair.leave_difference(
        caller=stage.lane.caller,
        project_id=stage.lane.project_id,
        target=stage.lane.target,
        service_name=service,
        aspect=aspect,
        left=left,
    )


def test_a_change_is_stored_with_the_picture_and_goes_with_it(stage: Stage) -> None:
    assert stage.drift() == ()
    stage.set_env("web")
    (difference,) = stage.drift()
    assert (difference.key, difference.node_id, difference.by_people) == ("web/env", "n-web", True)
    stage.remove("db")
    assert stage.aspects() == ["db/missing", "web/env"]
    assert stage.drift()[1].since_ms == difference.since_ms
    stage.put_back("db")
    stage.put_back("web")
    assert stage.drift() == ()


def test_lanes_say_it_and_hold_no_value(stage: Stage) -> None:
    stage.set_env("web")
    (view,) = lane_view.view_lanes(caller=stage.lane.caller, project_id=stage.lane.project_id)
    assert view.drift is not None
    assert [each.key for each in view.drift.differences] == ["web/env"]
    (shape,) = lane_view.seen_shapes(caller=stage.lane.caller, project_id=stage.lane.project_id).values()
    assert shape["drift"]["differences"][0]["serviceName"] == "web"


def test_a_repair_starts_exactly_what_differs(stage: Stage) -> None:
    stage.set_env("web")
    planned = plan(stage)
    assert {change.service: change.action for change in planned.changes} == {"web": "replace", "db": "keep"}
    asked = ask(stage, approval=planned.approval)
    assert (asked.kind, asked.renews) == (Kind.REPAIR, ("web",))
    command = stage.lane.command(stage.lane.start(asked))
    assert command["restarts"] == ["web"]
    assert set(command["pinned_images"]) == {"web", "db"}
    ended = stage.prove(asked)
    assert (ended.status, stage.drift()) == (Status.SUCCESS, ())


def test_only_the_named_services_are_repaired_also_left_ones(stage: Stage) -> None:
    stage.set_env("web")
    stage.set_env("db")
    leave(stage, "db", "env")
    assert ask(stage, services=["db"]).renews == ("db",)
    assert ask(stage).renews == ("web",)
    with pytest.raises(Invalid, match="does not differ"):
        ask(stage, services=["cache"])


def test_with_nothing_to_repair_nothing_is_asked_for(stage: Stage) -> None:
    with pytest.raises(Conflict, match="nothing to repair"):
        ask(stage)
    stage.set_env("web")
    leave(stage, "web", "env")
    with pytest.raises(Conflict, match="are ignored"):
        ask(stage)


def test_who_touched_the_server_since_the_plan_has_the_repair_refused(stage: Stage) -> None:
    stage.set_env("web")
    approval = plan(stage).approval
    asked = ask(stage, approval=approval)
    stage.remove("db")
    with pytest.raises(Conflict, match="Something else differs"):
        ask(stage, approval=approval)
    started = stage.lane.start(asked)
    assert (started.status, "Something else differs" in started.message) == (Status.FAILED, True)


def test_who_touched_the_server_since_the_plan_has_the_deployment_refused(stage: Stage) -> None:
    request = stage.lane.request()
    approval = make_plan.plan_deployment(caller=stage.lane.caller, request=request).approval
    waiting = stage.lane.ask(approval=approval)
    stage.set_env("web")
    with pytest.raises(Conflict, match="server"):
        stage.lane.ask(approval=approval)
    assert "server" in stage.lane.start(waiting).message
    former = approval.rpartition("-")[0]
    assert stage.lane.ask(approval=former).status is Status.PENDING, "an approval of a version without this part"


def test_a_plan_says_that_nobody_can_see_the_server(stage: Stage) -> None:
    Agent.objects.update(session_id=None)
    planned = make_plan.plan_deployment(caller=stage.lane.caller, request=stage.lane.request())
    assert "compares with what was deployed last" in " ".join(planned.warnings)
    stage.connect()
    again = make_plan.plan_deployment(caller=stage.lane.caller, request=stage.lane.request())
    assert again.approval == planned.approval, "nobody touched it"
    assert again.warnings == ()


def test_a_deployment_starts_anew_what_was_changed_and_its_plan_says_so(stage: Stage) -> None:
    stage.set_env("web")
    planned = make_plan.plan_deployment(caller=stage.lane.caller, request=stage.lane.request())
    web = next(change for change in planned.changes if change.service == "web")
    assert (web.action, web.reasons) == ("replace", ("on the server, environment: changed (other)",))
    started = stage.lane.start(stage.lane.ask())
    assert stage.lane.command(started)["restarts"] == ["web"]


def test_what_is_left_stays_left_over_deployments_until_it_changes(stage: Stage) -> None:
    stage.set_env("web")
    leave(stage, "web", "env")
    with pytest.raises(Conflict):
        leave(stage, "web", "env")
    started = stage.lane.start(stage.lane.ask())
    assert stage.lane.command(started)["restarts"] == []
    stage.prove(started)
    (left,) = stage.drift()
    assert (left.key, left.left_by) == ("web/env", stage.lane.caller.name), "no deployment took it for what is meant"
    stage.change("web", settings={**SETUP, "env": "a third one"})
    assert [each.left_by for each in stage.drift()] == [""]
    with pytest.raises(NotFound):
        leave(stage, "db", "env")


def test_a_stack_that_was_proven_by_an_older_agent_says_what_is_not_known(lane: Any) -> None:
    old = Stage(lane)
    old.connect(protocol=OBSERVING_PROTOCOL)
    lane.store_graph(web="web:1", db="db:1")
    lane.deployed()
    old.age(10)
    old.change("web", image_id="sha256:other")
    (shape,) = lane_view.seen_shapes(caller=lane.caller, project_id=lane.project_id).values()
    assert {each["aspect"] for each in shape["drift"]["differences"]} == {"image"}
    assert "not recorded in full for" in shape["drift"]["whyNot"]


def test_an_agent_that_cannot_start_anew_is_not_asked_to(stage: Stage) -> None:
    stage.connect(protocol=OBSERVING_PROTOCOL)
    stage.set_env("web")
    with pytest.raises(Conflict, match="too old"):
        ask(stage)
    stage.put_back("web")
    stage.remove("db")
    assert ask(stage).renews == ("db",), "any agent starts what is not there"


def test_a_stranger_is_named_and_removed_where_it_is_part_of_the_stack(stage: Stage) -> None:
    stage.tell(stage.container("intruder"))
    assert stage.aspects() == ["intruder/extra"]
    assert [(c.service, c.action) for c in plan(stage).changes if c.action != "keep"] == [("intruder", "remove")]
    stage.tell(stage.container("intruder", stack_name=""))
    with pytest.raises(Conflict, match="remove it on the server yourself"):
        plan(stage)


def test_nothing_is_compared_while_a_deployment_works(stage: Stage) -> None:
    started = stage.lane.start(stage.lane.ask(force_redeploy=True))
    stage.remove("web")
    assert stage.drift() == ()
    stage.changes.clear()
    stage.prove(started, started=True)
    assert stage.drift() == ()


def test_a_rolled_back_deployment_leaves_what_was_meant(stage: Stage) -> None:
    stage.lane.store_graph(web="web:2", db="db:1")
    stage.lane.restore(stage.lane.start(stage.lane.ask()))
    stage.tell()
    stage.set_env("web")
    assert stage.drift() == (), "the agent has a moment to tell what it put back"
    stage.age(10)
    stage.change("web", settings={**SETUP, "env": "another"})
    assert stage.aspects() == ["web/env"]


def test_a_viewer_may_look_and_not_repair(stage: Stage) -> None:
    stage.set_env("web")
    viewer = factories.make_user("vera")
    ProjectMember.objects.create(project_id=stage.lane.project_id, user=viewer, role="viewer")
    with pytest.raises(Forbidden):
        ask(stage, caller=caller_of(viewer))
    with pytest.raises(NotFound):
        ask(stage, caller=caller_of(factories.make_user("sam")))


def test_a_repeat_repairs_once(stage: Stage) -> None:
    stage.set_env("web")
    first = ask(stage, request_id="r1")
    assert ask(stage, request_id="r1").id == first.id
    assert DeploymentEvent.objects.filter(deployment=first.id, type="deployment.requested").count() == 1


def test_a_repair_of_what_runs_no_longer_is_refused_at_its_start(stage: Stage) -> None:
    stage.set_env("web")
    other = stage.lane.ask()
    asked = ask(stage)
    stage.prove(stage.lane.start(other))
    started = stage.lane.start(asked)
    assert (started.status, "deployed there meanwhile" in started.message) == (Status.FAILED, True)
