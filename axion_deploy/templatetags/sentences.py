"""How a sentence of the use cases is shown on a page: {{ sentence|shown }}, in its reader's language."""

from __future__ import annotations

from django import template

from agents.states import Presence
from agents.wording.pages import shown

register = template.Library()
register.filter("shown", shown)


@register.filter("presence")
def presence_words(presence: Presence) -> str:
    """Return how an agent is, in the words of its badge, for a sentence."""
    # Only pages need the admin's modules, and other processes make mails of templates.
    from deployments.admin.badges import PRESENCE

    return str(PRESENCE[presence].label).lower()
