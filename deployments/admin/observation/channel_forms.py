"""The forms of channels, and what each asks for."""

from __future__ import annotations

from datetime import time
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from agents.wording.pages import lazy
from deployments.admin import badges
from deployments.admin.own_forms import widget
from deployments.data.incident_types import Cause, Severity
from deployments.data.notification_types import (
    MAX_REMINDER_MINUTES,
    ChannelChange,
    ChannelKind,
    ChannelRecord,
    ChannelRules,
    NewChannel,
)
from deployments.names import MAX_NAME

MAX_ADDRESS = 2000
KINDS = {ChannelKind.WEBHOOK: lazy("Signed webhook"), ChannelKind.SERVICE: lazy("Mail, chat or another service")}
LEAST = {Severity.WARNING: lazy("Warnings and critical"), Severity.CRITICAL: lazy("Critical only")}
# How the fields of a refusal are called in the form.
FIELDS = {
    "name": "name",
    "address": "address",
    "projectIds": "only",
    "reminderMinutes": "reminder_minutes",
    "quietFrom": "quiet_from",
    "quietTo": "quiet_to",
    "timeZone": "time_zone",
}


class RulesForm(forms.Form):
    """What a channel is told of and when."""

    name = forms.CharField(label=lazy("Name"), max_length=MAX_NAME, widget=widget(forms.TextInput))
    least_severity = forms.ChoiceField(
        choices=[(str(least), words) for least, words in LEAST.items()],
        label=lazy("Incidents"),
        widget=widget(forms.Select),
    )
    causes = forms.MultipleChoiceField(
        label=lazy("Causes"),
        required=False,
        choices=[(str(cause), badges.cause_words(cause)) for cause in Cause],
        widget=forms.CheckboxSelectMultiple,
        help_text=lazy("Tick none for all causes."),
    )
    only = forms.MultipleChoiceField(
        required=False,
        label=_("Only these projects"),
        widget=widget(forms.SelectMultiple, size="6"),
        help_text=_("Select none for all your projects."),
    )
    reminder_minutes = forms.IntegerField(
        min_value=0,
        max_value=MAX_REMINDER_MINUTES,
        initial=0,
        label=lazy("Reminder interval (minutes)"),
        help_text=lazy("Until the incident is acknowledged or ends; 0 for never."),
        widget=widget(forms.NumberInput),
    )
    quiet_from = forms.TimeField(required=False, label=lazy("Quiet from"), widget=widget(forms.TimeInput, type="time"))
    quiet_to = forms.TimeField(required=False, label=lazy("Quiet until"), widget=widget(forms.TimeInput, type="time"))
    time_zone = forms.CharField(
        label=lazy("Time zone"),
        max_length=64,
        initial="UTC",
        widget=widget(forms.TextInput),
        help_text=lazy("Used for the quiet hours."),
    )
    critical_always = forms.BooleanField(
        required=False, initial=True, label=lazy("Send critical incidents during quiet hours")
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_to") is None):
            self.add_error("quiet_to", gettext("Give both the beginning and the end of quiet hours, or neither."))
        return cleaned

    def offer(self, projects: list[tuple[str, str]]) -> None:
        """Offer these projects to choose from; without any there is nothing to choose."""
        if projects:
            self.fields["only"].choices = projects  # type: ignore[attr-defined]  # a choice field
        else:
            del self.fields["only"]


class NewChannelForm(RulesForm):
    field_order = ("name", "kind", "address", "project")
    kind = forms.ChoiceField(
        label=lazy("Kind"), choices=[(str(kind), words) for kind, words in KINDS.items()], widget=widget(forms.Select)
    )
    address = forms.CharField(
        label=lazy("Address"),
        max_length=MAX_ADDRESS,
        strip=False,
        widget=widget(forms.PasswordInput, autocomplete="off"),
        help_text=lazy(
            "https://... for a webhook; for others an address of the apprise library, such as "
            "mailto://user:password@example.org, slack://... or ntfys://... It is stored sealed "
            "and never shown again."
        ),
    )
    project = forms.ChoiceField(
        label=lazy("Project"),
        required=False,
        widget=widget(forms.Select),
        help_text=lazy("A project's channel is seen by all its members."),
    )


class ChannelForm(RulesForm):
    field_order = ("name", "address")
    address = forms.CharField(
        max_length=MAX_ADDRESS,
        required=False,
        strip=False,
        label=_("New address"),
        widget=widget(forms.PasswordInput, autocomplete="off"),
        help_text=_("Leave it empty to keep the one it has. A webhook gets a new signing secret with a new address."),
    )


def channel_in(form: dict[str, Any]) -> NewChannel:
    """Return the channel that a form asks for."""
    return NewChannel(
        name=form["name"],
        kind=ChannelKind(form["kind"]),
        address=form["address"],
        project_id=UUID(form["project"]) if form["project"] else None,
        rules=rules_in(form),
    )


def change_in(form: dict[str, Any]) -> ChannelChange:
    """Return what a form makes of a channel."""
    return ChannelChange(name=form["name"], rules=rules_in(form), address=form["address"])


def rules_in(form: dict[str, Any]) -> ChannelRules:
    start, end = form["quiet_from"], form["quiet_to"]
    return ChannelRules(
        causes=frozenset(form["causes"]),
        least_severity=Severity(form["least_severity"]),
        project_ids=frozenset(map(UUID, form.get("only", ()))),
        reminder_minutes=form["reminder_minutes"],
        quiet_from=start.hour * 60 + start.minute if start else 0,
        quiet_to=end.hour * 60 + end.minute if end else 0,
        time_zone=form["time_zone"],
        critical_always=form["critical_always"],
    )


def values_of(channel: ChannelRecord) -> dict[str, Any]:
    """Return what the form shows of a channel: everything but its address."""
    rules = channel.rules
    quiet = rules.quiet_from != rules.quiet_to
    return {
        "name": channel.name,
        "least_severity": str(rules.least_severity),
        "causes": sorted(rules.causes),
        "only": sorted(map(str, rules.project_ids)),
        "reminder_minutes": rules.reminder_minutes,
        "quiet_from": _time(rules.quiet_from) if quiet else None,
        "quiet_to": _time(rules.quiet_to) if quiet else None,
        "time_zone": rules.time_zone,
        "critical_always": rules.critical_always,
    }


def _time(minute: int) -> time:
    return time(hour=minute // 60, minute=minute % 60)
