"""The subcommands and options of `manage.py agents`."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction
from pathlib import Path

from django.utils.translation import gettext as _

from axion_deploy.terminal.acting import add_machine_end, subcommands
from deployments.data.end_types import MachineEnd

MAX_WAIT_SECONDS = 3600.0


def add_agent_arguments(parser: ArgumentParser) -> None:
    """Add the subcommands, each with its options and exit codes."""
    action = subcommands(parser)
    listed = action("list", _("List your servers and the state of their agents."))
    listed.add_argument("--label", default="", help=_("Only those with this label."))
    listed.add_argument("--version", default="", help=_("Only those whose agents are of this version."))
    listed.add_argument("--presence", default="", choices=["", "online", "silent", "lost", "pending"])
    label = action(
        "label", _("Add labels to a server, remove or show them. Deployments can name a server by its label.")
    )
    label.add_argument("server", help=_("Name or id."))
    label.add_argument("labels", nargs="*", help=_("Such as region=eu."))
    label.add_argument("--remove", nargs="+", default=[], metavar="LABEL", help=_("Remove these."))
    install = action("install", _("Install a server's agent by SSH, and follow it. Safe to repeat."))
    _signing_in(install)
    install.add_argument(
        "--gateway", required=True, metavar="URL", help=_("The gateway as the server reaches it: https://host:50051.")
    )
    install.add_argument(
        "--with-docker", action="store_true", help=_("Install Docker and Compose if missing (Debian, Ubuntu).")
    )
    install.add_argument("--replace", action="store_true", help=_("Also while the server's agent is connected."))
    update = action("update", _("Update agents to this control plane's version, in waves, and follow that."))
    update.add_argument("server", nargs="*", help=_("Names or ids. Default: all of your servers."))
    update.add_argument("--wait", action=BooleanOptionalAction, default=True, help=_("Wait until it ends."))
    update.add_argument(
        "--timeout", type=float, default=MAX_WAIT_SECONDS, metavar="SECONDS", help=_("How long at most.")
    )
    _signing_in(action("uninstall", _("Remove a server's agent and its data; deployed containers and volumes stay.")))
    delete = action("delete", _("Delete a server, or say what would follow from that, or how far it is."))
    delete.add_argument("server", help=_("Name or id."))
    add_machine_end(delete, ends=(MachineEnd.DRAIN, MachineEnd.UNINSTALL, MachineEnd.FORGET))
    seen = action("containers", _("List what runs on a server without Axion Deploy, as its agent reports it now."))
    adopt = action("adopt", _("Show the project that such containers would become; create it with --project."))
    for each in (seen, adopt):
        each.add_argument("server", help=_("Name or id."))
        each.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help=_("How long at most."))
    adopt.add_argument("names", nargs="+", help=_("Compose projects and single containers, by name."))
    adopt.add_argument("--project", default="", metavar="NAME", help=_("Create the project under this name."))
    wheels = action("wheels", _("Download the agent's packages for servers without a package index."))
    wheels.add_argument("--python", type=int, nargs="+", default=[11, 12, 13], help=_("Minor versions of Python 3."))
    wheels.add_argument("--machine", nargs="+", default=["x86_64", "aarch64"], choices=["x86_64", "aarch64"])


def _signing_in(parser: ArgumentParser) -> None:
    parser.add_argument("server", help=_("Name or id."))
    parser.add_argument("--host", default="", help=_("Default: the last one used, or the server's host."))
    parser.add_argument("--port", type=int, help=_("Default: the last one used, or 22."))
    parser.add_argument("--ssh-user", default="", help=_("root, or a user who may use sudo."))
    parser.add_argument(
        "--key-file", type=Path, help=_("A private key without passphrase. The password is then sudo's.")
    )
    parser.add_argument(
        "--ask-password",
        action="store_true",
        help=_("Ask for the password. Default: the variable AXION_SSH_PASSWORD."),
    )
    parser.add_argument(
        "--host-key", default="", metavar="SHA256:...", help=_("The server's host key. Default: you are asked.")
    )
    parser.add_argument("--keep-login", action="store_true", help=_("Keep the login, encrypted, for the next time."))
    parser.add_argument("--wait", action=BooleanOptionalAction, default=True, help=_("Wait until it ends."))
    parser.add_argument(
        "--timeout", type=float, default=MAX_WAIT_SECONDS, metavar="SECONDS", help=_("How long at most.")
    )
