"""How a moment is shown on every page: {% moment at %}, and {% moment at as shown %} for a sentence around it."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

register = template.Library()


@register.simple_tag(name="moment")
def render_moment(at: datetime | None) -> SafeString:
    """Return the moment as HTML, exact and with its zone; the browser adds how long ago that is, in its own zone."""
    if at is None:
        return SafeString("")
    return format_html(
        '<time class="ax-time" datetime="{}">{}</time>', at.isoformat(), date_format(localtime(at), "DATETIME_FORMAT")
    )
