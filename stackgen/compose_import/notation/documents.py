"""YAML to trees, within bounds: a safe subset of YAML 1.2 as the Compose specification's own library reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from stackgen.compose_import.complaints import ComposeInvalid, refused
from stackgen.compose_import.tree import Place, Scalar, Tree

MAX_FILE_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_ALIASES = 5_000
# Of one file, after all references are followed: what keeps a few lines from becoming billions.
MAX_VALUES = 200_000
MAX_DOCUMENTS = 20

_PLAIN = "plain"
_STRING = "tag:yaml.org,2002:str"
_RESOLVED = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_LoaderBase = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_LoaderBase):  # type: ignore[misc,valid-type]
    """Parses only: what a plain word means is decided here, by other rules than PyYAML's own (YAML 1.1)."""


@dataclass(slots=True, eq=False)
class _Raw:
    """A node before its references are followed. `content` is text, a list of items or a list of pairs."""

    line: int
    tag: str
    content: str | list[_Raw] | list[tuple[_Raw, _Raw]]
    kind: str


@dataclass(slots=True, eq=False)
class _Parser:
    file: str
    events: Iterator[yaml.Event]
    anchors: dict[str, _Raw] = field(default_factory=dict)
    aliases: int = 0

    def node(self, event: yaml.Event, depth: int = 0) -> _Raw:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if depth > MAX_DEPTH:
            raise refused(Place(self.file, line), f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, line)
        if isinstance(event, yaml.ScalarEvent):
            tag = event.tag or (_PLAIN if event.implicit[0] else _STRING)
            return self._keep(event, _Raw(line=line, tag=tag, content=event.value, kind="scalar"))
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[_Raw] = []
            raw = self._keep(event, _Raw(line=line, tag=event.tag or "", content=items, kind="sequence"))
            while not isinstance(following := next(self.events), yaml.SequenceEndEvent):
                items.append(self.node(following, depth + 1))
            return raw
        if not isinstance(event, yaml.MappingStartEvent):
            raise refused(Place(self.file, line), "is no YAML")
        pairs: list[tuple[_Raw, _Raw]] = []
        raw = self._keep(event, _Raw(line=line, tag=event.tag or "", content=pairs, kind="mapping"))
        while not isinstance(following := next(self.events), yaml.MappingEndEvent):
            key = self.node(following, depth + 1)
            pairs.append((key, self.node(next(self.events), depth + 1)))
        return raw

    def _keep(self, event: yaml.NodeEvent, raw: _Raw) -> _Raw:
        if event.anchor:
            self.anchors[event.anchor] = raw
        return raw

    def _alias(self, event: yaml.AliasEvent, line: int) -> _Raw:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise refused(Place(self.file, line), f"has more than {MAX_ALIASES} references (*name)")
        if event.anchor not in self.anchors:
            raise refused(Place(self.file, line), f"refers to *{event.anchor}, which is not defined above")
        return self.anchors[event.anchor]


@dataclass(slots=True, eq=False)
class _Builder:
    file: str
    values: int = 0

    def tree(self, raw: _Raw, path: str, depth: int = 0) -> Tree:
        place = Place(self.file, raw.line, path)
        self.values += 1
        if self.values > MAX_VALUES:
            raise refused(place, f"becomes more than {MAX_VALUES} values once its references are followed")
        if depth > MAX_DEPTH:
            raise refused(place, "refers to itself, or is nested too deeply")
        tag = _own_tag(raw)
        if raw.kind == "sequence":
            items = [self.tree(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(_items(raw))]
            return Tree(items, place, tag)
        if raw.kind == "mapping":
            return Tree(self._members(raw, path, depth), place, tag)
        return Tree(_scalar(raw, place), place, tag)

    def _members(self, raw: _Raw, path: str, depth: int) -> dict[str, Tree]:
        members: dict[str, Tree] = {}
        merged: list[_Raw] = []
        for key, value in _pairs(raw):
            if key.kind != "scalar":
                raise refused(Place(self.file, key.line, path), "a key must be a word, not a list or a mapping")
            name = str(key.content)
            if name == "<<" and key.tag in {_PLAIN, "tag:yaml.org,2002:merge"}:
                merged.extend(_items(value) if value.kind == "sequence" else [value])
                continue
            where = f"{path}.{name}" if path else name
            if name in members:
                raise refused(Place(self.file, key.line, where), "stands here twice")
            members[name] = self.tree(value, where, depth + 1)
        for source in merged:
            if source.kind != "mapping":
                raise refused(Place(self.file, source.line, path), "<< takes a mapping, or a list of mappings")
            for name, tree in self._members(source, path, depth + 1).items():
                members.setdefault(name, tree)
        return members


def read_documents(*, file: str, content: bytes | str) -> list[Tree]:
    """Return the documents of a file that hold anything. Raises ComposeInvalid for what is no YAML, or too much."""
    text = _decoded(file, content)
    try:
        return list(_documents(file, text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise refused(Place(file, mark.line + 1 if mark else 0), f"is no YAML: {reason}") from None
    except yaml.YAMLError as error:
        raise refused(Place(file), f"is no YAML: {error}") from None


def _decoded(file: str, content: bytes | str) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise refused(Place(file), f"is larger than {MAX_FILE_BYTES // 1024} KiB")
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refused(Place(file), "is no text in UTF-8") from None


def _documents(file: str, text: str) -> Iterator[Tree]:
    parser = _Parser(file=file, events=iter(yaml.parse(text, Loader=_Loader)))
    builder = _Builder(file=file)
    count = 0
    for event in parser.events:
        if not isinstance(event, yaml.NodeEvent):
            # Names of one document mean nothing in the next.
            parser.anchors.clear()
            continue
        count += 1
        if count > MAX_DOCUMENTS:
            raise refused(Place(file), f"holds more than {MAX_DOCUMENTS} documents")
        tree = builder.tree(parser.node(event), "")
        if isinstance(tree.value, dict):
            yield tree
        elif tree.value is not None:
            raise refused(tree.place, "must be a mapping with `services`")


def _own_tag(raw: _Raw) -> str:
    return raw.tag[1:] if raw.tag in {"!reset", "!override"} else ""


def _items(raw: _Raw) -> list[_Raw]:
    return [item for item in raw.content if isinstance(item, _Raw)]


def _pairs(raw: _Raw) -> list[tuple[_Raw, _Raw]]:
    return [pair for pair in raw.content if isinstance(pair, tuple)]


def _scalar(raw: _Raw, place: Place) -> Scalar:
    text, tag = str(raw.content), raw.tag
    if "\0" in text:
        raise refused(place, "holds a zero byte")
    if tag == _PLAIN or tag.startswith("!"):
        return resolved(text)
    if tag in {_STRING, f"{_RESOLVED}binary"}:
        return text
    value = resolved(text)
    if tag == f"{_RESOLVED}float" and isinstance(value, int):
        return float(value)
    return value


def resolved(text: str) -> Scalar:
    """Return what a plain word of YAML means: nothing, a truth value, a number, else the text."""
    if text in _WORDS:
        return _WORDS[text]
    if text and text[0] in "+-.0123456789":
        if _INT.fullmatch(text):
            return _whole(text)
        if _FLOAT.fullmatch(text):
            return float(text.replace("_", ""))
    return text


def _whole(text: str) -> Scalar:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    # Longer ones are no numbers to anybody who reads 64 bits.
    if len(digits) > 24:
        return text
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0") and len(digits) > 1:
        return sign * int(digits[1:].removeprefix("o") or "0", 8)
    return sign * int(digits)


__all__ = ["ComposeInvalid", "read_documents", "resolved"]
