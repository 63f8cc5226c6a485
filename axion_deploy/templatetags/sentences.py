"""How a sentence of the use cases is shown on a page: {{ sentence|shown }}, in its reader's language."""

from __future__ import annotations

from django import template

from agents.wording.pages import shown

register = template.Library()
register.filter("shown", shown)
