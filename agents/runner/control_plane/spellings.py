"""In which spellings a secret value may turn up in output. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

MIN_VALUE = 6
BLOCK = 3
# How many characters of a group's four are mixed with what stands before the value, by how many bytes stand there.
MIXED_BEFORE = (0, 2, 3)
# The columns at which base64 and openssl break their lines.
COLUMNS = (76, 64)


def spellings_of(values: Iterable[str]) -> frozenset[str]:
    """Return every spelling of values and of their lines; what is shorter than MIN_VALUE would hit ordinary words."""
    parts = {part for value in values for part in (value, *value.splitlines())}
    found = {spelling for part in parts if len(part) >= MIN_VALUE for spelling in _spellings(part)}
    return frozenset(spelling for spelling in found if len(spelling) >= MIN_VALUE)


def _spellings(part: str) -> Iterator[str]:
    raw = part.encode(errors="surrogatepass")
    yield part
    yield quote(raw, safe="")
    yield quote(raw)
    yield quote_plus(raw)
    yield json.dumps(part)[1:-1]
    yield json.dumps(part, ensure_ascii=False)[1:-1]
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(BLOCK):
        yield from _base64(raw, before=before)
    whole = base64.b64encode(raw).decode()
    for width in COLUMNS:
        if len(whole) > width:
            yield from (whole[start : start + width] for start in range(0, len(whole), width))


def _base64(raw: bytes, *, before: int) -> Iterator[str]:
    """Yield the value's base64 after so many bytes of its group of three: as the end of a text and within one."""
    whole = base64.b64encode(b"\0" * before + raw).decode().rstrip("=")[MIXED_BEFORE[before] :]
    # The last character is mixed with what comes after, unless the groups are full.
    within = whole if (before + len(raw)) % BLOCK == 0 else whole[:-1]
    for spelling in {whole, within}:
        yield spelling
        yield spelling.translate(URL_SAFE)


URL_SAFE = str.maketrans("+/", "-_")
