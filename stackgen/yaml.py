"""Writes YAML as a person would: plain where plain is safe, quoted where a reader could take it for something else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

Value: TypeAlias = "str | int | Mapping[str, Value] | Mapping[str | Comment, Value] | Sequence[Value] | None"

# A letter, slash, dot or dollar first, and nothing that YAML gives a meaning; colons and blanks are checked below.
PLAIN = re.compile(r"[A-Za-z/._$][A-Za-z0-9 /._@:+,=()%~${}-]*|[0-9]{1,9}[smMGK]")
RESERVED = re.compile(
    r"null|true|false|yes|no|on|off|y|n|nan|\.nan|[-+.]?\.?inf|~|\.|=|<<|[-+]?\.?[0-9][0-9_.,:eExXoObBa-fA-F+-]*|\.[0-9eE_+-]*",
    re.IGNORECASE,
)
LINE_BREAKS_AND_SUCH = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
NOT_IN_BLOCKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
# The indentation of what lies right below the top.
OUTER = 2


@dataclass(frozen=True, eq=False, slots=True)
class Comment:
    """As a key with the value None: a comment line before the next key. An empty one is an empty line."""

    text: str = ""


class Flow(tuple[str, ...]):
    """A list of scalars written in one line, as commands are."""

    __slots__ = ()


def document(value: Mapping[str | Comment, Value] | Mapping[str, Value]) -> str:
    """Return the text of a YAML document whose top is a mapping."""
    lines: list[str] = []
    _mapping(value, "", lines)
    return "\n".join(lines) + "\n"


def scalar(value: str | int | None) -> str:
    """Return one scalar, on one line."""
    return _text(value) if isinstance(value, str) else json.dumps(value)


# Keys and most values come again and again.
@lru_cache(maxsize=4096)
def _text(value: str) -> str:
    return value if _is_plain(value) else quoted(value)


def quoted(text: str) -> str:
    """Return the text in double quotes. JSON's escapes are YAML's, but for what only YAML takes for line breaks."""
    body = json.dumps(text, ensure_ascii=False)
    return LINE_BREAKS_AND_SUCH.sub(lambda match: f"\\u{ord(match[0]):04x}", body)


def _is_plain(text: str) -> bool:
    return (
        PLAIN.fullmatch(text) is not None
        and ": " not in text
        and text[-1] not in ": "
        and not text.startswith(("---", "..."))
        and RESERVED.fullmatch(text) is None
    )


def _mapping(mapping: Mapping[str, Value] | Mapping[str | Comment, Value], indent: str, lines: list[str]) -> None:
    for key, value in mapping.items():
        if isinstance(key, Comment):
            lines.append(f"{indent}# {key.text}" if key.text else "")
        else:
            start = len(lines)
            _entry(f"{indent}{_text(key)}:", value, indent, lines)
            if len(indent) == OUTER and len(lines) > start + 1:
                # One text for each service and network: a fraction of the memory of all their lines.
                lines[start:] = ["\n".join(lines[start:])]


def _entry(head: str, value: Value, indent: str, lines: list[str]) -> None:
    if isinstance(value, str):
        if "\n" in value and _fits_block(value):
            _block(head, value, indent, lines)
        else:
            lines.append(f"{head} {scalar(value)}")
    elif isinstance(value, Mapping):
        if value:
            lines.append(head)
            _mapping(value, indent + "  ", lines)
        else:
            lines.append(f"{head} {{}}")
    elif isinstance(value, Sequence):
        _sequence(head, value, indent, lines)
    else:
        lines.append(f"{head} {scalar(value)}")


def _sequence(head: str, items: Sequence[Value], indent: str, lines: list[str]) -> None:
    if isinstance(items, Flow) or not items:
        lines.append(f"{head} [{', '.join(quoted(str(item)) for item in items)}]")
        return
    lines.append(head)
    for item in items:
        if isinstance(item, Mapping) and item:
            inner: list[str] = []
            _mapping(item, indent + "    ", inner)
            inner[0] = f"{indent}  - {inner[0][len(indent) + 4 :]}"
            lines.extend(inner)
        else:
            _entry(f"{indent}  -", item, indent + "  ", lines)


def _fits_block(text: str) -> bool:
    """Return whether the text comes back unchanged from a literal block without any indicator."""
    ends_once = text.endswith("\n") and not text.endswith("\n\n")
    return ends_once and text[0] not in " \t\n" and NOT_IN_BLOCKS.search(text) is None


def _block(head: str, text: str, indent: str, lines: list[str]) -> None:
    lines.append(f"{head} |")
    lines.extend(f"{indent}  {line}" if line else "" for line in text[:-1].split("\n"))
