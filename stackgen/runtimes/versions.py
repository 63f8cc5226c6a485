"""Which release of a language code asks for, by the files in which people say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

Release = tuple[int, ...]

_COMPARED = re.compile(r"(>=|<=|~>|~=|==|!=|\^|~|>|<|=)?\s*v?(\d+(?:\.(?:\d+|[xX*]))*)(?![\w.])")
_BETWEEN = re.compile(r"(\S+)\s+-\s+(\S+)")
_TOOL_LINE = r"^\s*{name}\s*=?\s*[\"']?(?:[a-z]+-)?v?(\d[\w.]*)"


def chosen(asked: str, releases: Sequence[Release], usual: Release) -> Release | None:
    """Return the usual release where the text allows it, else the newest that it allows; None where it allows none.

    The text is a version or a range as npm, pip, Composer, Bundler and the like write them.
    """
    if not _COMPARED.search(asked) or allows(asked, usual):
        return usual
    return next((release for release in sorted(releases, reverse=True) if allows(asked, release)), None)


def allows(asked: str, release: Release) -> bool:
    """Return whether one of the alternatives of a range takes a release."""
    alternatives = re.split(r"\|\|?", _BETWEEN.sub(r">=\1 <=\2", asked))
    return any(
        all(_holds(sign, version, release) for sign, version in _COMPARED.findall(text))
        for text in alternatives
        if text.strip()
    )


def _holds(sign: str, text: str, release: Release) -> bool:
    parts = tuple(int(part) for part in re.split(r"\.[xX*]", text)[0].split("."))
    wanted, given = parts[: len(release)], release[: len(parts)]
    if sign in (">=", ">"):
        return given > wanted or (given == wanted and (sign == ">=" or len(parts) > len(release)))
    if sign in ("<=", "<"):
        beyond = sign == "<=" or any(parts[len(release) :])
        return given < wanted or (given == wanted and beyond)
    if sign == "!=":
        return given != wanted or len(parts) > len(release)
    if sign in ("^", "~", "~=", "~>"):
        kept = 1 if sign == "^" else max(1, len(parts) - 1)
        return given >= wanted and given[:kept] == wanted[:kept]
    return given == wanted


def from_tool_files(texts: Iterable[str], *names: str) -> str:
    """Return the version that `.tool-versions` or `mise.toml` gives a tool under one of its names; empty without."""
    for text in texts:
        for name in names:
            if found := re.search(_TOOL_LINE.format(name=name), text, re.MULTILINE):
                return found[1]
    return ""


def written(release: Release) -> str:
    return ".".join(map(str, release))
