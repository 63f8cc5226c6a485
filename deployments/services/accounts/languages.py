"""The language that a person chose for their pages and for messages to them."""

from __future__ import annotations

from django.conf import settings

from agents.wording.sentences import sentence
from deployments.errors import Invalid
from deployments.repositories import users
from deployments.types import Caller


def language_of(*, caller: Caller) -> str:
    """Return the code of the language that the caller chose; empty for none."""
    return users.language_of(caller.user_id)


def choose_language(*, caller: Caller, language: str) -> None:
    """Store it; empty for what the browser asks for. One statement. Raises Invalid for one that is not offered."""
    if language and language not in dict(settings.LANGUAGES):
        raise Invalid(sentence("This language is not offered."), details={"language": sentence("not offered")})
    users.set_language(caller.user_id, language)
