"""The subcommands and options of `manage.py deployments`."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from axion_deploy.terminal.acting import add_machine_end, subcommands
from axion_deploy.terminal.exits import explained
from deployments.data.end_types import MachineEnd

MAX_WAIT_SECONDS = 3600.0
MAX_LISTED = 20
CLUSTER_ACTIONS = (
    *("show", "form", "adopt", "join", "rotate-tokens", "images"),
    *("drain", "activate", "promote", "demote", "leave", "remove", "delete"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the subcommands, each with its options and exit codes."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = explained()
    action = subcommands(parser)
    _deploying(action)
    _looking(action)
    _keeping(action)


def _deploying(action: Any) -> None:
    deploy = action("deploy", _("Deploy the project's newest graph and code, and follow it."))
    _to_a_target(deploy)
    _with_variables(deploy)
    deploy.add_argument("-m", "--message", default="", help=_("Why: a commit, a ticket, a sentence."))
    deploy.add_argument(
        "--approval", default="", help=_("The approval of a plan: rejected if anything has changed since.")
    )
    plan = action("plan", _("Show what a deployment would change; with --rollback, what a rollback would change."))
    _to_a_target(plan, optional=True)
    _with_variables(plan)
    plan.add_argument("--rollback", type=UUID, metavar="DEPLOYMENT", help=_("Plan the rollback of this deployment."))
    plan.add_argument("--to", type=UUID, metavar="DEPLOYMENT", help=_("With --rollback: the version to restore."))
    stop = action("stop", _("Stop a project on a target; volumes are kept."))
    _to_a_target(stop)
    scale = action("scale", _("Change the number of copies of a service."))
    _to_a_target(scale)
    scale.add_argument("service")
    scale.add_argument("replicas", type=int)
    for each in (stop, scale):
        each.add_argument(
            "--plan", action="store_true", help=_("Only show what would change, and what becomes of data.")
        )
    restart = action("restart", _("Restart a service, or run a job; everything else keeps running."))
    _to_a_target(restart)
    restart.add_argument("service")
    restart.add_argument(
        "--move-to",
        default="",
        metavar="NODE",
        help=_("In a cluster: run it on this node from now on. Its data is not copied; --plan says what that means."),
    )
    restart.add_argument("--plan", action="store_true", help=_("Only show what would change."))
    rollback = action("rollback", _("Undo a deployment: restore an earlier version."))
    rollback.add_argument("deployment", type=UUID)
    rollback.add_argument(
        "--to", type=UUID, metavar="DEPLOYMENT", help=_("The version to restore. Default: the previous one.")
    )
    repair = _repairing(action)
    for each in (deploy, stop, scale, restart, rollback, repair):
        each.add_argument(
            "--request-id", default="", help=_("Makes the command safe to repeat: the same id takes effect once.")
        )
        _waiting(each, default=True)


def _repairing(action: Any) -> ArgumentParser:
    repair = action("repair", _("Recreate the services that were changed on the server."))
    _to_a_target(repair)
    repair.add_argument(
        "--service",
        action="append",
        default=[],
        help=_("Only this service, even if its difference is ignored. Repeatable."),
    )
    repair.add_argument("--plan", action="store_true", help=_("Only show what a repair would change."))
    repair.add_argument(
        "--approval", default="", help=_("The approval of a plan: rejected if anything has changed since.")
    )
    silence = repair.add_mutually_exclusive_group()
    silence.add_argument("--leave", default="", metavar="SERVICE/ASPECT", help=_("Ignore this difference."))
    silence.add_argument("--forget", default="", metavar="SERVICE/ASPECT", help=_("No longer ignore it."))
    made: ArgumentParser = repair
    return made


def _looking(action: Any) -> None:
    status = action("status", _("Show the status of a deployment; with --wait, follow it until it ends."))
    cancel = action("cancel", _("Cancel a deployment."))
    for each, waits in ((status, False), (cancel, True)):
        each.add_argument("deployment", type=UUID)
        _waiting(each, default=waits)
    logs = action("logs", _("Show logs: of a project's containers, or of a deployment and its builds."))
    logs.add_argument("deployment", type=UUID, nargs="?")
    logs.add_argument("--project", help=_("Name or id: the logs of its containers, read from their servers."))
    logs.add_argument("--follow", action="store_true", help=_("Follow the log; of a deployment, until it ends."))
    logs.add_argument("--service", default="", help=_("Only this service; for a project, several separated by commas."))
    logs.add_argument("--timeout", type=float, default=MAX_WAIT_SECONDS, metavar="SECONDS")
    of_project = logs.add_argument_group(_("of a project"))
    of_project.add_argument("--server", help=_("Name or id. Default: all servers the project runs on."))
    of_project.add_argument("--since", default="", metavar="WHEN", help=_("90s, 10m, 2h, 1d, or a time in ISO 8601."))
    of_project.add_argument("--until", default="", metavar="WHEN", help=_("As --since."))
    of_project.add_argument(
        "--tail", type=int, default=200, metavar="LINES", help=_("The number of past lines to show.")
    )
    of_project.add_argument("--search", default="", metavar="TEXT", help=_("Only lines that contain this text."))
    ps = action("ps", _("Show the current state of stacks, and when each was last seen."))
    ps.add_argument("project", nargs="?", default="", help=_("Name or id. Default: all projects that you can see."))
    history = action("history", _("List successful deployments, newest first, and whether each can be restored."))
    _to_a_target(history)
    history.add_argument("--page", type=int, default=1)
    history.add_argument("--limit", type=int, default=MAX_LISTED)


def _keeping(action: Any) -> None:
    variables = action(
        "variables", _("Set, remove and list the variables of every deployment. Values are never shown.")
    )
    variables.add_argument("project", help=_("Name or id."))
    variables.add_argument("--server", help=_("Name or id: only for this server."))
    variables.add_argument("--node", default="", help=_("Name or id: only for this node."))
    _given(variables)
    variables.add_argument("--remove", action="append", default=[], metavar="NAME")
    shown = variables.add_mutually_exclusive_group()
    shown.add_argument("--changes", action="store_true", help=_("Show who set or removed what, newest first."))
    shown.add_argument("--export", action="store_true", help=_("Print a .env file with the names, to be filled in."))

    _of_clusters(action)
    volumes = action("volumes", _("List the project's volumes, orphaned ones first; delete one by its full name."))
    volumes.add_argument("project", help=_("Name or id."))
    volumes.add_argument("--server", help=_("Name or id. With --delete: the server that has the volume."))
    volumes.add_argument(
        "--delete", default="", metavar="NAME", help=_("Delete this orphaned volume and all its data.")
    )

    reach = action("reach", _("Check from a server whether the project's external nodes can be reached."))
    _to_a_target(reach)
    reach.add_argument("--node", action="append", default=[], metavar="NAME", help=_("Only this one. Repeatable."))
    reach.add_argument("--wait", action=BooleanOptionalAction, default=True, help=_("Wait for the answer."))

    delete = action("delete", _("Delete a project, or show how far its deletion is; its history stays readable."))
    delete.add_argument("project", help=_("Name or id."))
    which = delete.add_mutually_exclusive_group()
    which.add_argument(
        "--confirm", default="", metavar="NAME", help=_("Begin or continue the deletion: the full name.")
    )
    which.add_argument("--cancel", action="store_true", help=_("Keep the project, while nothing was removed yet."))
    delete.add_argument(
        "--volumes", action="store_true", help=_("With --confirm: delete its volumes and all their data.")
    )

    _registries_and_jobs(action)


def _registries_and_jobs(action: Any) -> None:
    registries = action(
        "registries", _("List registries of private images; add, change or delete the one with ADDRESS.")
    )
    registries.add_argument(
        "address", nargs="?", default="", help=_("HOST or HOST:PORT, as it stands before an image.")
    )
    whose = registries.add_mutually_exclusive_group()
    whose.add_argument("--project", default="", help=_("Name or id: only for this project. Default: for all your own."))
    whose.add_argument("--everybody", action="store_true", help=_("For everybody's projects; for administrators."))
    registries.add_argument("--name", default="", help=_("What people call it. Default: its address."))
    registries.add_argument("--username", help=_("Empty: no login."))
    registries.add_argument("--password-env", default="", metavar="VARIABLE", help=_("The variable with the password."))
    registries.add_argument("--ca-file", type=Path, help=_("Authorities in PEM that signed its certificate."))
    registries.add_argument(
        "--test-from", default="", metavar="SERVER", help=_("Test it from this server and show the result.")
    )
    registries.add_argument("--delete", action="store_true", help=_("Delete it here; its images stay in it."))

    jobs = action("jobs", _("List the jobs of what runs, and the runs of those on a schedule."))
    jobs.add_argument("project", help=_("Name or id."))
    jobs.add_argument("--job", default="", metavar="NAME", help=_("Only runs of this job."))
    one = jobs.add_mutually_exclusive_group()
    one.add_argument("--output", default="", metavar="RUN", help=_("Show the end of what this run wrote."))
    one.add_argument("--stop", default="", metavar="RUN", help=_("Stop this run."))


def _of_clusters(action: Any) -> None:
    cluster = action("cluster", _("Show a cluster's nodes, form, adopt and change its Swarm, or delete the cluster."))
    cluster.add_argument("name", help=_("Name or id."))
    cluster.add_argument("do", nargs="?", default="show", choices=CLUSTER_ACTIONS)
    for role, text in (
        ("manager", _("A server that becomes a manager, and the address at which other nodes reach it. Repeatable.")),
        ("worker", _("A server that becomes a worker, and the address at which other nodes reach it. Repeatable.")),
    ):
        cluster.add_argument(
            f"--{role}",
            action="append",
            default=[],
            metavar="SERVER[=ADDRESS]",
            help=text,
        )
    cluster.add_argument(
        "--builder", metavar="SERVER", help=_("images: the server that builds. Empty: the manager at work.")
    )
    cluster.add_argument(
        "--registry", metavar="ADDRESS", help=_("images: the registry to push to. Empty: the default.")
    )
    cluster.add_argument("--node", default="", help=_("Id or hostname of the node to change."))
    cluster.add_argument("--yes", action="store_true", help=_("Do it despite the consequences."))
    add_machine_end(cluster, ends=(MachineEnd.DISSOLVE, MachineEnd.FORGET))


def _to_a_target(parser: ArgumentParser, *, optional: bool = False) -> None:
    nargs: Any = {"nargs": "?", "default": ""} if optional else {}
    parser.add_argument("project", help=_("Name or id."), **nargs)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--server", help=_("Name or id. Default: the server, if you can use exactly one."))
    where.add_argument("--cluster", help=_("Name or id."))


def _with_variables(parser: ArgumentParser) -> None:
    _given(parser)
    parser.add_argument("--force", action="store_true", help=_("Recreate all services, even unchanged ones."))


def _given(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help=_("A variable. Without a value it is read from the environment, which keeps it out of process lists."),
    )
    parser.add_argument(
        "--env-file", type=Path, help=_("A .env file; quotes, comments and values of several lines are supported.")
    )


def _waiting(parser: ArgumentParser, *, default: bool) -> None:
    parser.add_argument(
        "--wait", action=BooleanOptionalAction, default=default, help=_("Wait until the deployment ends.")
    )
    parser.add_argument(
        "--timeout", type=float, default=MAX_WAIT_SECONDS, metavar="SECONDS", help=_("How long to wait at most.")
    )
