"""Docker's own files of container output, searched from their end: the engine reads them an order slower.

Only for whoever may read them; everybody else asks the engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK_BYTES = 4 * 1024 * 1024
MAX_SEARCHED_BYTES = 256 * 1024 * 1024
MAX_RECORD_BYTES = 128 * 1024
# What Docker puts at the end of a record that ends a line; a longer line is told in several records.
END_OF_LINE = rb'\n",'


@dataclass(slots=True)
class Searched:
    """How far a search came: bytes that were looked through, lines in several records, and whether all was seen."""

    bytes: int = 0
    in_pieces: int = 0
    whole: bool = True


def files_of(inspected: Mapping[str, Any]) -> tuple[Path, ...]:
    """Return the container's files, the newest first; none where there are no such files, or we may not read them."""
    if (inspected["HostConfig"].get("LogConfig") or {}).get("Type") != "json-file" or not inspected.get("LogPath"):
        return ()
    newest = Path(inspected["LogPath"])
    try:
        rotated = sorted(newest.parent.glob(f"{newest.name}.*"), key=lambda path: path.suffix)
        # A packed one is the engine's to read.
        if not newest.is_file() or any(path.suffix == ".gz" for path in rotated):
            return ()
        with newest.open("rb"):
            return (newest, *rotated)
    except OSError:
        return ()


def search(*, files: tuple[Path, ...], needle: str, searched: Searched) -> Iterator[tuple[str, bool, str]]:
    """Yield time, whether it is of the error stream, and text of the lines with `needle`, the newest first.

    No matter which case. Raises OSError.
    """
    wanted = json.dumps(needle, ensure_ascii=False)[1:-1]
    for plain, escaped in (("&", r"\u0026"), ("<", r"\u003c"), (">", r"\u003e")):
        wanted = wanted.replace(plain, escaped)
    pattern = wanted.encode().lower()
    for file in files:
        for block in _blocks(file, searched):
            yield from _matches(block, pattern, searched)


def _blocks(file: Path, searched: Searched) -> Iterator[bytes]:
    """Yield the file from its end, each block beginning and ending with a record."""
    with file.open("rb") as stream:
        at, rest = stream.seek(0, 2), b""
        while at:
            if searched.bytes >= MAX_SEARCHED_BYTES:
                searched.whole = False
                return
            size = min(BLOCK_BYTES, at)
            at -= size
            stream.seek(at)
            block = stream.read(size) + rest
            searched.bytes += size
            border = block.find(b"\n") + 1 if at else 0
            rest = block[:border]
            if len(rest) > MAX_RECORD_BYTES:
                searched.in_pieces, rest = searched.in_pieces + 1, b""
            yield block[border:]


def _matches(block: bytes, pattern: bytes, searched: Searched) -> Iterator[tuple[str, bool, str]]:
    lower = block.lower()
    at = len(lower)
    while (found := lower.rfind(pattern, 0, at)) >= 0:
        start = block.rfind(b"\n", 0, found) + 1
        end = block.find(b"\n", found)
        at = start
        record = block[start : end if end >= 0 else len(block)]
        before = block[block.rfind(b"\n", 0, max(0, start - 1)) + 1 : start]
        try:
            said = json.loads(record)
        except ValueError:  # being written, or nothing that Docker wrote
            continue
        if END_OF_LINE not in record or (before and END_OF_LINE not in before):
            searched.in_pieces += 1
            continue
        yield str(said.get("time", "")), said.get("stream") == "stderr", str(said.get("log", "")).rstrip("\r\n")
