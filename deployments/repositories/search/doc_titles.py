"""Pages of the operators' documentation and their sections, by title: of what `make docs` built, where it did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings

from deployments.data.search_types import Found, FoundKind
from deployments.types import Caller

INDEX = "search/search_index.json"
# Of an index that would be larger nothing is read.
MAX_BYTES = 16 * 1024 * 1024
MAX_TITLE = 120


@dataclass(frozen=True, kw_only=True)
class Title:
    """A page or a section of one; `page` is the page's title, empty for the page itself."""

    location: str
    title: str
    page: str = ""


def titles_with(words: Sequence[str], *, caller: Caller, limit: int) -> list[Found]:
    """Pages before sections, the shortest title first; anybody may read them. Nothing where they are not built."""
    del caller
    file = Path(settings.DOCS_ROOT, INDEX)
    try:
        state = file.stat()
    except OSError:
        return []
    folded = [word.casefold() for word in words]
    fitting = [
        each for each in _titles(file, state.st_mtime_ns, state.st_size) if _says(f"{each.title} {each.page}", folded)
    ]
    fitting = [each for each in fitting if any(word in each.title.casefold() for word in folded)]
    fitting.sort(key=lambda each: (bool(each.page), len(each.title)))
    return [
        Found(
            kind=FoundKind.DOCUMENTATION,
            id=uuid5(NAMESPACE_URL, each.location),
            title=each.title,
            detail=each.page,
            address=f"/docs/{each.location}",
        )
        for each in fitting[: limit + 1]
    ]


def _says(text: str, words: Sequence[str]) -> bool:
    return all(word in text.casefold() for word in words)


@lru_cache(maxsize=2)
def _titles(file: Path, changed: int, size: int) -> tuple[Title, ...]:
    """Read the titles of an index as it was changed last; none of one that cannot be read."""
    del changed
    try:
        told: dict[str, Any] = json.loads(file.read_text()) if size <= MAX_BYTES else {}
        entries = [(str(each["location"]), unescape(str(each["title"]))[:MAX_TITLE]) for each in told.get("docs", ())]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    pages = {location: title for location, title in entries if "#" not in location}
    return tuple(
        Title(location=location, title=title, page=pages.get(location.partition("#")[0], "") if "#" in location else "")
        for location, title in entries
        if title
    )
