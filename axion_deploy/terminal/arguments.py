"""The subcommands and options of `manage.py deployments`."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any
from uuid import UUID

from axion_deploy.terminal.exits import explained

MAX_WAIT_SECONDS = 3600.0
MAX_LISTED = 20


def add_arguments(parser: ArgumentParser) -> None:
    """Add the subcommands, each with its options and exit codes."""
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = explained()
    actions: Any = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> ArgumentParser:
        made: ArgumentParser = actions.add_parser(
            name, help=text, description=text, epilog=explained(), formatter_class=RawDescriptionHelpFormatter
        )
        made.add_argument("--user", help="As whom. Without it: the only superuser, if there is exactly one.")
        made.add_argument("--json", action="store_true", help="One JSON object a line, each with its `kind`.")
        return made

    _deploying(action)
    _looking(action)
    _keeping(action)


def _deploying(action: Any) -> None:
    deploy = action("deploy", "Deploy the project's newest graph and code, and follow it.")
    _to_a_target(deploy)
    _with_variables(deploy)
    deploy.add_argument("-m", "--message", default="", help="Why: a commit, a ticket, a sentence.")
    deploy.add_argument("--approval", default="", help="Of a plan: refused when what it was made from has changed.")
    plan = action("plan", "What a deployment would do; with --rollback, what a rollback would do.")
    _to_a_target(plan, optional=True)
    _with_variables(plan)
    plan.add_argument("--rollback", type=UUID, metavar="DEPLOYMENT", help="The plan of undoing this deployment.")
    plan.add_argument("--to", type=UUID, metavar="DEPLOYMENT", help="With --rollback: back to this success.")
    stop = action("stop", "Stop everything of the project on a target; volumes stay.")
    _to_a_target(stop)
    scale = action("scale", "Run another number of copies of one service.")
    _to_a_target(scale)
    scale.add_argument("service")
    scale.add_argument("replicas", type=int)
    restart = action("restart", "Make all containers of one service anew, or run a job; everything else stays.")
    _to_a_target(restart)
    restart.add_argument("service")
    restart.add_argument("--plan", action="store_true", help="Only say what would happen.")
    rollback = action("rollback", "Undo a deployment: bring an earlier success back.")
    rollback.add_argument("deployment", type=UUID)
    rollback.add_argument("--to", type=UUID, metavar="DEPLOYMENT", help="Back to this success; default the one before.")
    repair = action("repair", "Start exactly the services anew that somebody changed on the server.")
    _to_a_target(repair)
    repair.add_argument("--service", action="append", default=[], help="Exactly this one, also if it was left.")
    repair.add_argument("--plan", action="store_true", help="Only say what a repair would do.")
    repair.add_argument("--approval", default="", help="Of a plan: refused when something else differs by now.")
    silence = repair.add_mutually_exclusive_group()
    silence.add_argument("--leave", default="", metavar="SERVICE/ASPECT", help="Leave this difference as it is.")
    silence.add_argument("--forget", default="", metavar="SERVICE/ASPECT", help="Leave it no longer.")
    for each in (deploy, stop, scale, restart, rollback, repair):
        each.add_argument("--request-id", default="", help="A repeat with the same id changes nothing.")
        _waiting(each, default=True)


def _looking(action: Any) -> None:
    status = action("status", "How a deployment is; with --wait, until it ends.")
    cancel = action("cancel", "Ask a deployment to stop.")
    for each, waits in ((status, False), (cancel, True)):
        each.add_argument("deployment", type=UUID)
        _waiting(each, default=waits)
    logs = action("logs", "What services write: those of a project now, or those of a deployment and its builds.")
    logs.add_argument("deployment", type=UUID, nargs="?")
    logs.add_argument("--project", help="Name or id: what its containers write, read from their servers.")
    logs.add_argument("--follow", action="store_true", help="Go on: of a deployment until it ends.")
    logs.add_argument("--service", default="", help="Only this one's; of a project, several with commas.")
    logs.add_argument("--timeout", type=float, default=MAX_WAIT_SECONDS, metavar="SECONDS")
    of_project = logs.add_argument_group("of a project")
    of_project.add_argument("--server", help="Name or id. Without it: all on which the project runs.")
    of_project.add_argument("--since", default="", metavar="WHEN", help="90s, 10m, 2h, 1d, or a time in ISO 8601.")
    of_project.add_argument("--until", default="", metavar="WHEN", help="As --since.")
    of_project.add_argument("--tail", type=int, default=200, metavar="LINES", help="At most so many of the past.")
    of_project.add_argument("--search", default="", metavar="TEXT", help="Only lines in which this stands.")
    ps = action("ps", "How the stacks are now, each with the age of the look at it.")
    ps.add_argument("project", nargs="?", default="", help="Name or id; without one, all that you may see.")
    history = action("history", "The project's successes, newest first, and whether each can be brought back now.")
    _to_a_target(history)
    history.add_argument("--page", type=int, default=1)
    history.add_argument("--limit", type=int, default=MAX_LISTED)


def _keeping(action: Any) -> None:
    variables = action(
        "variables", "Variables that every deployment takes: set, remove, list by name. No value is shown."
    )
    variables.add_argument("project", help="Name or id.")
    variables.add_argument("--server", help="Name or id: of this server alone.")
    variables.add_argument("--node", default="", help="Name or id: of this node alone.")
    _given(variables)
    variables.add_argument("--remove", action="append", default=[], metavar="NAME")
    shown = variables.add_mutually_exclusive_group()
    shown.add_argument("--changes", action="store_true", help="Who set or removed what, newest first.")
    shown.add_argument("--export", action="store_true", help="A .env file with the names, to be filled in.")

    volumes = action("volumes", "The project's volumes, left over ones first; delete one by its whole name.")
    volumes.add_argument("project", help="Name or id.")
    volumes.add_argument("--server", help="Name or id: with --delete, where the volume is.")
    volumes.add_argument("--delete", default="", metavar="NAME", help="This orphaned volume and all data in it.")


def _to_a_target(parser: ArgumentParser, *, optional: bool = False) -> None:
    nargs: Any = {"nargs": "?", "default": ""} if optional else {}
    parser.add_argument("project", help="Name or id.", **nargs)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--server", help="Name or id. Without a target: the only server you may use.")
    where.add_argument("--cluster", help="Name or id. A cluster takes no deployments yet.")


def _with_variables(parser: ArgumentParser) -> None:
    _given(parser)
    parser.add_argument("--force", action="store_true", help="Replace what has not changed, too.")


def _given(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="A variable; without a value it is taken from this environment, where no list of processes shows it.",
    )
    parser.add_argument("--env-file", type=Path, help="A .env file: quotes, comments, values of several lines.")


def _waiting(parser: ArgumentParser, *, default: bool) -> None:
    parser.add_argument("--wait", action=BooleanOptionalAction, default=default, help="Until the deployment ends.")
    parser.add_argument(
        "--timeout", type=float, default=MAX_WAIT_SECONDS, metavar="SECONDS", help="Wait at most so long."
    )
