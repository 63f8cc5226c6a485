"""How a command line becomes words: a shell only where one is meant, and then one that hands signals on."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

# Words of variables in front of a program; `exec` goes behind them.
ASSIGNED = re.compile(r"\s*(?:[A-Za-z_]\w*=(?:'[^']*'|\"[^\"]*\"|[^\s'\";&|<>])*\s+)*")
VARIABLE = re.compile(r"\$[A-Za-z_{(]")
JOINERS = ("&&", "||", ";", "\n")
# What the shell itself does, or what ends something that began before: nothing to hand the container over to.
OF_THE_SHELL = frozenset({
    "", "exec", "exit", "cd", "export", "set", "wait", "fi", "done", "esac", "}", "then", "else", "do", "if", "for",
    "while", "until", "case", "{", "trap", "return", ":", ".", "source", "eval", "unset", "ulimit", "umask", "function",
})  # fmt: skip
SPANS_COMMANDS = re.compile(r"(?:^|[;&|\n]\s*)(?:if|for|while|until|case|trap|function|\{)\s|<<")


def exec_form(command: str) -> tuple[str, ...]:
    """Return a command line as a list, without a shell where it needs none: signals reach the program itself.

    A text that is a list in JSON holds the words themselves.
    """
    if words := listed_words(command):
        return words
    if any(_operators(command)):
        return ("sh", "-c", handing_over(command))
    if _is_expanded(command):
        return ("sh", "-c", with_exec(command))
    return _split(command)


def image_words(command: str) -> tuple[str, ...]:
    """Return the words for an image that others built, which may have an entrypoint, and no shell.

    A shell stands before them only for what nothing else can mean: several commands, redirections, variables of the
    container. Options are never a shell's.
    """
    if words := listed_words(command):
        return words
    if command.startswith("-"):
        return _split(command)
    joins = any(_operators(command))
    if joins or _assigned(command).strip() or _has_variable(command):
        return ("sh", "-c", handing_over(command) if joins else with_exec(command))
    return _split(command)


def handing_over(script: str) -> str:
    """Return a script whose last command takes the shell's place, so that signals reach it; as it is where none can."""
    joined = -1
    length = 0
    for place, sign in _operators(script):
        if sign in ("|", "&", "(", ")", "`"):
            return script
        if sign in JOINERS and script[place + len(sign) :].strip():
            joined, length = place, len(sign)
    if SPANS_COMMANDS.search(script):
        return script
    head, tail = script[: joined + length] if joined >= 0 else "", script[joined + length :] if joined >= 0 else script
    return f"{head}{' ' if head and not head.endswith(chr(10)) else ''}{with_exec(tail.lstrip())}"


def with_exec(command: str) -> str:
    """Return one command that takes the place of the shell, the variables in front of it first."""
    assigned = _assigned(command)
    rest = command[len(assigned) :]
    first = rest.split(maxsplit=1)[0] if rest.strip() else ""
    return command if first in OF_THE_SHELL else f"{assigned}exec {rest}"


def listed_words(command: str) -> tuple[str, ...]:
    """Return the words of a command that is written as a list in JSON; none for any other text."""
    if not command.startswith("["):
        return ()
    try:
        words = json.loads(command)
    except (ValueError, RecursionError):
        return ()
    return tuple(words) if isinstance(words, list) and all(isinstance(word, str) for word in words) else ()


def split_words(command: str) -> tuple[str, ...]:
    """Return the words of a command that no shell reads: a list in JSON, or a line split as a shell splits it."""
    if words := listed_words(command):
        return words
    if "\n" in command.strip():
        return ("sh", "-c", command)
    return _split(command)


def _assigned(command: str) -> str:
    """Return the variables in front of the program."""
    found = ASSIGNED.match(command)
    return found[0] if found else ""


def _split(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ("sh", "-c", command)


def _unquoted(command: str) -> Iterator[tuple[int, str, str]]:
    """Yield place, sign and quote ("", or a double one) of all that a shell looks at."""
    quote = ""
    escaped = False
    for place, sign in enumerate(command):
        if escaped:
            escaped = False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif quote:
            if sign == quote:
                quote = ""
            elif quote == '"':
                yield place, sign, quote
        elif sign in "'\"":
            quote = sign
        else:
            yield place, sign, ""


def _operators(command: str) -> Iterator[tuple[int, str]]:
    """Yield place and sign of each operator outside of quotes; `&&` and `||` as one, an `&` of a redirection not."""
    skipped = -1
    for place, sign, quote in _unquoted(command):
        if quote or place == skipped or sign not in ";&|<>()`\n":
            continue
        if sign in "&|" and command[place + 1 : place + 2] == sign:
            skipped = place + 1
            yield place, sign * 2
        elif sign == "&" and command[place - 1 : place] in ("<", ">"):
            continue
        else:
            yield place, sign


def _has_variable(command: str) -> bool:
    return any(sign == "$" and VARIABLE.match(command, place) for place, sign, _ in _unquoted(command))


def _is_expanded(command: str) -> bool:
    """Return whether a shell would make something else of the words than a splitting into them."""
    if _assigned(command).strip():
        return True
    for place, sign, quote in _unquoted(command):
        begins_word = place == 0 or command[place - 1].isspace()
        if sign in "$`" or (not quote and (sign in "*?[" or (sign in "#~" and begins_word))):
            return True
    return False
