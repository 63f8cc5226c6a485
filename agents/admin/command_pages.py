"""The command ledger in the admin, to look at."""

from __future__ import annotations

import json

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from agents.admin.hints import COMMAND_COLOURS
from agents.admin.pages import ReadOnlyAdmin
from agents.models import CommandRecord
from agents.wording.pages import lazy


@admin.register(CommandRecord)
class CommandRecordAdmin(ReadOnlyAdmin):
    owner_path = "agent__owner"
    list_display = ("what", "where", "status_pill", "agent", "attempts", "queued_at", "finished_at")
    list_select_related = ("agent",)
    list_filter = ("status", "kind")
    search_fields = ("lane",)
    exclude = ("payload",)
    readonly_fields = ("status_pill", "order")
    empty_title = lazy("No commands yet")
    empty_hint = lazy("Every command sent to an agent is listed here.")
    empty_link = ("admin:deployments_project_changelist", lazy("Open a project"))

    @display(description=lazy("Status"), label=COMMAND_COLOURS)
    def status_pill(self, command: CommandRecord) -> str:
        return command.status

    @display(description=lazy("Command"), ordering="number")
    def what(self, command: CommandRecord) -> str:
        return f"{command.kind} #{command.number}"

    @display(description=lazy("Project @ target"), ordering="lane")
    def where(self, command: CommandRecord) -> SafeString:
        # The beginnings of two ids are enough to tell lanes apart, and the search takes them.
        short = "@".join(part[:8] for part in command.lane.split("@"))
        return format_html('<span title="{}">{}</span>', command.lane, short)

    @display(description=lazy("Order"))
    def order(self, command: CommandRecord) -> SafeString:
        text = json.dumps(command.payload, indent=2, ensure_ascii=False)
        return format_html('<pre class="ax-tail" tabindex="0">{}</pre>', text)
