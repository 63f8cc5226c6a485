"""Search over everything that a caller may see."""

from __future__ import annotations

from agents.wording.sentences import sentence
from deployments.data.search_types import Found, FoundKind, SearchResult
from deployments.errors import Invalid
from deployments.repositories.search import belongings, doc_titles, open_rows, search_rows
from deployments.types import Caller

MIN_LENGTH = 2
MAX_LENGTH = 100
MAX_WORDS = 5
# Of one kind.
MAX_FOUND = 8
QUERIES = (
    search_rows.projects_with,
    search_rows.deployments_with,
    search_rows.services_with,
    belongings.variables_with,
    belongings.volumes_with,
    search_rows.machines_with,
    belongings.agents_with,
    belongings.commands_with,
    search_rows.incidents_with,
    search_rows.registries_with,
    search_rows.channels_with,
    search_rows.people_with,
    search_rows.groups_with,
    belongings.invitations_with,
    open_rows.enrolments_with,
    open_rows.mutes_with,
    doc_titles.titles_with,
)


def search(*, caller: Caller, text: str, signed_in: bool) -> SearchResult:
    """Return what holds all words of the text, at most MAX_FOUND of each kind. Stores nothing.

    API tokens are found by who is `signed_in` alone: whoever has one token is told of no other, as where they are
    listed. Raises Invalid for a text that is too short or too long.
    """
    words = words_in(text)
    queries = (*QUERIES, belongings.tokens_with) if signed_in else QUERIES
    found = [item for query in queries for item in query(words, caller=caller, limit=MAX_FOUND)]
    items: list[Found] = []
    more: set[FoundKind] = set()
    for kind in FoundKind:
        of_kind = [item for item in found if item.kind is kind]
        items += of_kind[:MAX_FOUND]
        if len(of_kind) > MAX_FOUND:
            more.add(kind)
    return SearchResult(items=tuple(items), more=frozenset(more))


def words_in(text: str) -> list[str]:
    """Return the words of a search. Raises Invalid."""
    text = text.strip()
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        raise Invalid(
            sentence("The search is too short or too long."),
            details={
                "q": sentence(
                    "between {min_length} and {max_length} characters", min_length=MIN_LENGTH, max_length=MAX_LENGTH
                )
            },
        )
    if "\0" in text:
        raise Invalid(sentence("This cannot be searched for."), details={"q": sentence("holds a NUL character")})
    words = text.split()
    if len(words) > MAX_WORDS:
        raise Invalid(
            sentence("Search for fewer words."),
            details={"q": sentence("at most {max_words} words", max_words=MAX_WORDS)},
        )
    return words
