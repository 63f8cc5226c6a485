"""The command ledger in the admin, to look at: what it holds itself, and no names of projects."""

from __future__ import annotations

import json
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from agents.admin.pages import ReadOnlyAdmin
from agents.models import CommandRecord
from agents.wording.pages import lazy


class CommandRecordAdmin(ReadOnlyAdmin):
    owner_path = "agent__owner"
    list_display: Any = ("what", "queued_at", "finished_at")
    list_select_related = ("agent",)
    list_filter = ("status", "kind")
    search_fields: Any = ("lane",)
    empty_title = lazy("No commands yet")
    empty_hint = lazy("Every command sent to an agent is listed here.")
    empty_link = ("admin:deployments_project_changelist", lazy("Open a project"))

    @display(description=lazy("Command"), ordering="number")
    def what(self, command: CommandRecord) -> str:
        return f"{command.kind} #{command.number}"

    @display(description=lazy("Order"))
    def order(self, command: CommandRecord) -> SafeString:
        text = json.dumps(_readable(command.payload), indent=2, ensure_ascii=False)
        return format_html('<pre class="ax-tail" tabindex="0">{}</pre>', text)


def _readable(value: Any) -> Any:
    """Return the order with texts of several lines, such as its files, as lists of their lines."""
    if isinstance(value, dict):
        return {name: _readable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_readable(each) for each in value]
    return value.splitlines() if isinstance(value, str) and "\n" in value.rstrip("\n") else value
