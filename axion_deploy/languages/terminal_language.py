"""In which language a terminal is spoken to: help, lines for people and errors, never what scripts read."""

from __future__ import annotations

import itertools
import os
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from agents.wording.pages import shown
from deployments.errors import DeployError

OPTION = "--language"
# The first of these that is set decides, as for every other program.
VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
# What the sentences of every language may hold beside letters.
BEYOND_ASCII = "—–…«»→"


class SpeakingCommand(BaseCommand):
    """Speaks the language of whoever typed it; what it does, stores and prints for scripts is English throughout."""

    language = settings.LANGUAGE_CODE

    def run_from_argv(self, argv: list[str]) -> None:
        self.language = terminal_language(argv=argv, environ=os.environ, encoding=sys.stdout.encoding)
        super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        with translation.override(self.language):
            self.help = str(self.help)
            parser = super().create_parser(prog_name, subcommand, **kwargs)
            add_language(parser)
            return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            raise CommandError(self.in_words(str_of(error)), returncode=error.returncode) from error

    def say(self, text: str) -> None:
        """Print a line for people."""
        self.stdout.write(self.in_words(text))

    def in_words(self, text: str) -> str:
        """Return a sentence in the terminal's language."""
        with translation.override(self.language):
            return shown(text)

    def problem(self, error: DeployError) -> str:
        """Return what went wrong and in which field, in the terminal's language."""
        details = (f"  {field}: {self.in_words(why)}" for field, why in error.details.items())
        return "\n".join([self.in_words(error.message), *details])


def add_language(parser: ArgumentParser) -> None:
    """Add the option; `run_from_argv` has read it by then, as the help needs it already."""
    parser.add_argument(
        OPTION,
        choices=[code for code, _ in settings.LANGUAGES],
        default=SUPPRESS,
        help=translation.gettext("Language of help, lines and errors. Default: the language of LANG, if available."),
    )


def terminal_language(*, argv: Sequence[str], environ: Mapping[str, str], encoding: str | None) -> str:
    """Return the language that `--language` or else the locale names; English where it is not offered or printable."""
    named = _after(OPTION, argv) or next((environ[name] for name in VARIABLES if environ.get(name)), "")
    language = named.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    offered = dict(settings.LANGUAGES)
    if language not in offered or not _prints(f"{offered[language]}{BEYOND_ASCII}", encoding):
        return settings.LANGUAGE_CODE
    return language


def _after(option: str, argv: Sequence[str]) -> str:
    """Return the value of an option, written apart or with =."""
    for each, following in itertools.zip_longest(argv, argv[1:], fillvalue=""):
        if each == option:
            return following
        if each.startswith(f"{option}="):
            return each.removeprefix(f"{option}=")
    return ""


def _prints(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def str_of(error: Exception) -> str:
    """Return what was raised with the error, which may be a sentence that can be translated still."""
    said = error.args[0] if error.args else ""
    return said if isinstance(said, str) else str(said)
