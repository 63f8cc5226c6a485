"""What each subcommand of `manage.py deployments` does: it calls the use cases of every other door."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.cluster_actions import cluster_action
from axion_deploy.terminal.container_logs import show_container_logs
from axion_deploy.terminal.end_actions import delete_action
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.follow import events_since, follow
from axion_deploy.terminal.job_actions import jobs_action
from axion_deploy.terminal.plans_and_history import show_entry, show_plan
from axion_deploy.terminal.reach_actions import reach_action
from axion_deploy.terminal.registry_actions import registries_action
from axion_deploy.terminal.screen import Screen
from axion_deploy.terminal.variable_actions import variables_action
from axion_deploy.terminal.volume_actions import volumes_action
from deployments.errors import Invalid
from deployments.event_types import EventType
from deployments.services.fleet import machine_list
from deployments.services.lifecycle import cancel
from deployments.services.queries import history_view, lookups, stack_list
from deployments.services.requests import deploy, make_plan, plan_actions, repair, restart, rollback, scale, stop
from deployments.states import FINISHED, Reason, Status
from deployments.types import Caller, DeploymentRecord, DeployRequest, EventRecord, Target

Options = Mapping[str, Any]


def deploy_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    wish = wish_in(caller=caller, options=options)
    made = deploy.deploy_project(caller=caller, request=wish, deployment_id=uuid4(), at=timezone.now())
    return watched(caller=caller, made=made, options=options, screen=screen)


def rollback_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    made = rollback.rollback_deployment(
        caller=caller,
        deployment_id=options["deployment"],
        target_deployment_id=options["to"],
        rollback_id=uuid4(),
        request_id=options["request_id"],
        at=timezone.now(),
    )
    return watched(caller=caller, made=made, options=options, screen=screen)


def stop_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    project = names.project_named(caller=caller, text=options["project"])
    target = target_in(caller=caller, project_id=project.id, options=options)
    if options["plan"]:
        show_plan(plan_actions.plan_stop(caller=caller, project_id=project.id, target=target), screen)
        return Exit.DONE
    made = stop.stop_project(
        caller=caller,
        project_id=project.id,
        target=target,
        deployment_id=uuid4(),
        request_id=options["request_id"],
        at=timezone.now(),
    )
    return watched(caller=caller, made=made, options=options, screen=screen)


def scale_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    project = names.project_named(caller=caller, text=options["project"])
    target = target_in(caller=caller, project_id=project.id, options=options)
    if options["plan"]:
        plan = plan_actions.plan_scale(
            caller=caller,
            project_id=project.id,
            target=target,
            service_name=options["service"],
            replicas=options["replicas"],
        )
        show_plan(plan, screen)
        return Exit.DONE
    made = scale.scale_service(
        caller=caller,
        project_id=project.id,
        target=target,
        service_name=options["service"],
        replicas=options["replicas"],
        deployment_id=uuid4(),
        request_id=options["request_id"],
        at=timezone.now(),
    )
    return watched(caller=caller, made=made, options=options, screen=screen)


def restart_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    project = names.project_named(caller=caller, text=options["project"])
    target = target_in(caller=caller, project_id=project.id, options=options)
    wish: Any = {"project_id": project.id, "target": target, "service_name": options["service"]}
    wish["move_to"] = options["move_to"]
    if options["plan"]:
        show_plan(make_plan.plan_restart(caller=caller, **wish), screen)
        return Exit.DONE
    made = restart.restart_service(
        caller=caller, deployment_id=uuid4(), request_id=options["request_id"], at=timezone.now(), **wish
    )
    return watched(caller=caller, made=made, options=options, screen=screen)


def repair_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    """Repair, with --plan only say what a repair would do, with --leave or --forget silence one difference or not."""
    project = names.project_named(caller=caller, text=options["project"])
    target = target_in(caller=caller, project_id=project.id, options=options)
    if named := options["leave"] or options["forget"]:
        service, _, aspect = named.partition("/")
        repair.leave_difference(
            caller=caller,
            project_id=project.id,
            target=target,
            service_name=service,
            aspect=aspect,
            left=bool(options["leave"]),
        )
        screen.say(_left(named, left=bool(options["leave"])))
        return Exit.DONE
    if options["plan"]:
        plan = repair.plan_repair(caller=caller, project_id=project.id, target=target, services=options["service"])
        show_plan(plan, screen)
        return Exit.DONE
    made = repair.repair_stack(
        caller=caller,
        project_id=project.id,
        target=target,
        services=options["service"],
        approval=options["approval"],
        deployment_id=uuid4(),
        request_id=options["request_id"],
        at=timezone.now(),
    )
    return watched(caller=caller, made=made, options=options, screen=screen)


def plan_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    if options["rollback"]:
        plan = make_plan.plan_rollback(
            caller=caller, deployment_id=options["rollback"], target_deployment_id=options["to"]
        )
    elif options["project"]:
        plan = make_plan.plan_deployment(caller=caller, request=(wish := wish_in(caller=caller, options=options)))
        screen.say(sentence("On {server}:", server=machine_list.target_name(wish.target)))
    else:
        raise Invalid(sentence("Name a project, or --rollback and a deployment."), details={"project": "required"})
    show_plan(plan, screen)
    return Exit.DONE


def status_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    found = lookups.get_deployment(caller=caller, deployment_id=options["deployment"])
    if options["wait"] and found.status not in FINISHED:
        return watched(caller=caller, made=found, options=options, screen=screen)
    screen.ended(found)
    return Exit.FAILED if found.status in FINISHED - {Status.SUCCESS} else Exit.DONE


def cancel_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    left = cancel.cancel_deployment(caller=caller, deployment_id=options["deployment"], at=timezone.now())
    if options["wait"]:
        left = until_its_end(caller=caller, made=left, options=options, screen=screen, after=left.last_sequence)
    screen.ended(left)
    return Exit.FAILED if left.status in FINISHED and left.reason is not Reason.CANCELLED else Exit.DONE


def logs_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    if options["project"]:
        return show_container_logs(caller=caller, options=options, screen=screen, now=timezone.now())
    wanted = options["service"]
    if options["deployment"] is None:
        raise Invalid(sentence("Name a deployment, or --project and a project."), details={"deployment": "required"})

    def show(event: EventRecord) -> None:
        if event.type == EventType.LOG_WRITTEN and wanted in ("", event.payload.get("serviceName")):
            screen.event(event)

    deployment_id = options["deployment"]
    if not options["follow"]:
        for event in events_since(caller=caller, deployment_id=deployment_id, after=0):
            show(event)
        return Exit.DONE
    for _ in follow(caller=caller, deployment_id=deployment_id, seconds=options["timeout"], shown=show):
        pass
    return Exit.DONE


def history_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    project = names.project_named(caller=caller, text=options["project"])
    named = options["server"] or options["cluster"]
    target = target_in(caller=caller, project_id=project.id, options=options) if named else None
    page = history_view.list_history(
        caller=caller,
        project_id=project.id,
        target_id=target.id if target else None,
        page=options["page"],
        limit=options["limit"],
    )
    for entry in page.items:
        show_entry(entry, screen)
    if not page.items:
        screen.say(sentence("No successful deployment yet."))
    return Exit.DONE


def ps_action(*, caller: Caller, options: Options, screen: Screen) -> Exit:
    project_id = names.project_named(caller=caller, text=options["project"]).id if options["project"] else None
    found = stack_list.list_stacks(caller=caller, project_id=project_id)
    for line in found.lines:
        screen.stack(line, at=timezone.now())
    if not found.lines:
        screen.say(sentence("Nothing has been deployed yet."))
    if found.left_out:
        screen.say(sentence("{left_out} more projects: name one to see its stacks.", left_out=found.left_out))
        screen.tell("leftOut", {"projects": found.left_out})
    return Exit.DONE


def _left(named: str, *, left: bool) -> str:
    ignored = sentence("{difference} is ignored until it changes.", difference=named)
    return ignored if left else sentence("{difference} is no longer ignored.", difference=named)


ACTIONS: Mapping[str, Callable[..., Exit]] = {
    "deploy": deploy_action,
    "plan": plan_action,
    "status": status_action,
    "cancel": cancel_action,
    "rollback": rollback_action,
    "history": history_action,
    "logs": logs_action,
    "ps": ps_action,
    "stop": stop_action,
    "scale": scale_action,
    "restart": restart_action,
    "variables": variables_action,
    "volumes": volumes_action,
    "reach": reach_action,
    "cluster": cluster_action,
    "delete": delete_action,
    "registries": registries_action,
    "jobs": jobs_action,
    "repair": repair_action,
}


def wish_in(*, caller: Caller, options: Options) -> DeployRequest:
    project = names.project_named(caller=caller, text=options["project"])
    return DeployRequest(
        project_id=project.id,
        target=target_in(caller=caller, project_id=project.id, options=options),
        env_vars=names.variables_in(given=options["env"], file=options["env_file"]),
        force_redeploy=options["force"],
        request_id=options.get("request_id", ""),
        approval=options.get("approval", ""),
        description=options.get("message", ""),
    )


def target_in(*, caller: Caller, project_id: UUID, options: Options) -> Target:
    return names.target_named(
        caller=caller, project_id=project_id, server=options["server"], cluster=options["cluster"]
    )


def watched(*, caller: Caller, made: DeploymentRecord, options: Options, screen: Screen) -> Exit:
    """Follow the deployment to its end, or only show it."""
    if not options["wait"]:
        screen.ended(made)
        return Exit.DONE
    screen.say(sentence("{kind} {id} of {project_name}", kind=made.kind, id=made.id, project_name=made.project_name))
    screen.tell("accepted", {"deploymentId": str(made.id)})
    ended = until_its_end(caller=caller, made=made, options=options, screen=screen)
    screen.ended(ended)
    return Exit.DONE if ended.status is Status.SUCCESS else Exit.FAILED


def until_its_end(
    *, caller: Caller, made: DeploymentRecord, options: Options, screen: Screen, after: int = 0
) -> DeploymentRecord:
    last = made
    looks = follow(caller=caller, deployment_id=made.id, seconds=options["timeout"], shown=screen.event, after=after)
    for last in looks:
        screen.progress(last)
    return last
