"""Which images a Dockerfile takes from the host that it is built on: others' code may be in them.

Read as BuildKit reads it (docs.docker.com/reference/dockerfile): FROM after its arguments are put in, what is copied or
mounted from an image, and the image of the syntax itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

SYNTAX = re.compile(r"^\s*#\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
DIRECTIVE = re.compile(r"^\s*#\s*([a-z]+)\s*=\s*(\S+)\s*$", re.IGNORECASE)
ONBUILD = re.compile(r"^\s*ONBUILD\s+", re.IGNORECASE)
ARG = re.compile(r"^\s*ARG\s+(.*)$", re.IGNORECASE)
FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(.+?)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
COPIED = re.compile(r"^\s*(?:COPY|ADD)\s.*?--from=(\S+)", re.IGNORECASE)
MOUNTED = re.compile(r"--mount=\S*?\bfrom=([^\s,]+)", re.IGNORECASE)
# An argument with its default; what the arguments of a platform hold begins no name of an image.
GIVEN = re.compile(r"""([A-Za-z_]\w*)(?:=("[^"]*"|'[^']*'|\S*))?""")
OF_THE_PLATFORM = re.compile(r"(?:BUILD|TARGET)(?:PLATFORM|OS|ARCH|VARIANT)")
USE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^{}]*))?\})")
QUOTES = str.maketrans("", "", "\"'\\`")


class CannotBeRead(Exception):
    """A name of an image that only BuildKit itself could tell."""


def named_images(text: str, *, args: Mapping[str, str]) -> Iterator[str]:
    """Yield each image that is named, but for stages of its own; `args` are those of the build.

    Raises CannotBeRead for a name that is made in a way not known here.
    """
    known: dict[str, str] = {}
    stages: list[str] = []

    def is_stage(name: str) -> bool:
        return name.lower() in stages or (name.isdecimal() and int(name) < len(stages))

    yield from _of_the_syntax(text)
    for line in _instructions(text):
        if not stages and (found := ARG.match(line)):
            _take_arguments(found[1], known=known, args=args)
        elif found := FROM.match(line):
            image = _put_in(found[1], known)
            if not is_stage(image):
                yield image
            # One without a name can be told by its number only.
            stages.append((found[2] or "?").lower())
        yield from (name for name in _taken(line) if not is_stage(name))


def _of_the_syntax(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not DIRECTIVE.match(line):
            return
        if found := SYNTAX.match(line):
            yield found[1]


def _instructions(text: str) -> Iterator[str]:
    """Yield the instructions as one line each, without comments; what waits for another build counts as well."""
    escape = "`" if re.search(r"^\s*#\s*escape\s*=\s*`", text, re.IGNORECASE | re.MULTILINE) else "\\"
    whole = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#") or (whole and not line.strip()):
            continue
        stripped = line.rstrip()
        whole += stripped.removesuffix(escape)
        if not stripped.endswith(escape):
            yield ONBUILD.sub("", whole)
            whole = ""
    if whole:
        yield ONBUILD.sub("", whole)


def _take_arguments(line: str, *, known: dict[str, str], args: Mapping[str, str]) -> None:
    for name, default in GIVEN.findall(line):
        known[name] = args.get(name, _put_in(default, known))


def _taken(line: str) -> Iterator[str]:
    copied = COPIED.match(line)
    for name in (*((copied[1],) if copied else ()), *MOUNTED.findall(line)):
        yield name.translate(QUOTES)


def _put_in(text: str, known: Mapping[str, str]) -> str:
    """Return the text with its arguments put in and its quotes taken away. Raises CannotBeRead."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        found = "x" if OF_THE_PLATFORM.fullmatch(name) else known.get(name)
        how, other = match[3] or "", match[4] or ""
        is_there = found if how.startswith(":") else found is not None
        if how.endswith("+"):
            return other if is_there else ""
        return (found or "") if is_there or not how else other

    put = USE.sub(value, text)
    if "$" in put:
        raise CannotBeRead(text)
    return put.translate(QUOTES)
