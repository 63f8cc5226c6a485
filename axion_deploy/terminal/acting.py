"""What the commands of the terminal share: who acts, subcommands with their exit codes, and how each of them ends."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from agents.db_errors import DATABASE_AWAY
from agents.wording.sentences import sentence
from axion_deploy.languages.terminal_language import SpeakingCommand, add_language
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit, Unreachable, exit_of, explained
from axion_deploy.terminal.screen import Screen
from deployments.errors import DeployError


class ActingCommand(SpeakingCommand):
    """Does one of `actions` as the user that `--user` names; `interrupted` says what goes on after Ctrl-C."""

    actions: ClassVar[Mapping[str, Callable[..., Exit]]]
    interrupted: ClassVar[str]
    # The checks take as long as the command itself, and every process has made them when it started.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        screen = Screen(as_json=options["json"], language=self.language)
        exit_ = self._act(options, screen)
        screen.tell("end", {"exitCode": int(exit_)})
        sys.exit(exit_)

    def _act(self, options: dict[str, Any], screen: Screen) -> Exit:
        try:
            caller = names.caller_named(options["user"])
            return self.actions[options["action"]](caller=caller, options=options, screen=screen)
        except DeployError as error:
            screen.problem(error)
            return exit_of(error)
        except DATABASE_AWAY:
            screen.problem(Unreachable(sentence("The database is not responding.")))
            return Exit.UNREACHABLE
        except KeyboardInterrupt:
            screen.say(self.interrupted)
            return Exit.INTERRUPTED


def subcommands(parser: ArgumentParser) -> Callable[[str, str], ArgumentParser]:
    """Return what adds a subcommand, by its name and what it does, with the options that all have."""
    actions: Any = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, text: str) -> ArgumentParser:
        made: ArgumentParser = actions.add_parser(
            name, help=text, description=text, epilog=explained(), formatter_class=RawDescriptionHelpFormatter
        )
        made.add_argument("--user", help=_("The user to act as. Default: the superuser, if there is exactly one."))
        made.add_argument(
            "--json", action="store_true", help=_("Print one JSON object per line, each with its `kind`.")
        )
        add_language(made)
        return made

    return action


def add_machine_end(parser: ArgumentParser, *, ends: Sequence[str]) -> None:
    """Add the options of deleting a server or cluster; the first of `ends` is what is done unless another is named."""
    parser.add_argument(
        "--end",
        default=str(ends[0]),
        choices=[str(each) for each in ends],
        help=_("What happens to what is running there."),
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--confirm", default="", metavar="NAME", help=_("Begin or continue the deletion: the full name.")
    )
    which.add_argument("--cancel", action="store_true", help=_("Keep it, if it is not deleted yet."))
