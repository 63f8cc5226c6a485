"""Channels of notifications in the admin: add one, send a test, see what went there, send it again, delete it."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from deployments.admin import badges
from deployments.admin.own_forms import UseCaseRowsMixin, projects_to_change, show_refusal, widget
from deployments.admin.ownership import caller_in, or_404, uuid_or_404
from deployments.admin.page_responses import render_page, show_error
from deployments.data.incident_types import Cause, Severity
from deployments.data.notification_types import (
    MAX_REMINDER_MINUTES,
    ChannelKind,
    ChannelRecord,
    ChannelRules,
    DeliveryState,
    NewChannel,
)
from deployments.errors import DeployError
from deployments.models import NotificationChannel
from deployments.names import MAX_NAME
from deployments.repositories.notifications import channel_rows
from deployments.services.notifications import channels

PAGE = "admin/deployments/channel/page.html"
NEW = "admin/deployments/channel/new.html"
SHOWN = 50
MAX_ADDRESS = 2000
KINDS = {ChannelKind.WEBHOOK: "Signed webhook", ChannelKind.SERVICE: "Mail, chat or another service"}
LEAST = {Severity.WARNING: "Warnings and critical", Severity.CRITICAL: "Critical only"}
TONES = {
    DeliveryState.SENT: "good",
    DeliveryState.FAILED: "bad",
    DeliveryState.WAITING: "busy",
    DeliveryState.SKIPPED: "none",
}
# How the fields of a refusal are called in the form.
FIELDS = {
    "name": "name",
    "address": "address",
    "reminderMinutes": "reminder_minutes",
    "quietFrom": "quiet_from",
    "quietTo": "quiet_to",
    "timeZone": "time_zone",
}


class NewChannelForm(forms.Form):
    name = forms.CharField(max_length=MAX_NAME, widget=widget(forms.TextInput))
    kind = forms.ChoiceField(choices=[(str(kind), words) for kind, words in KINDS.items()], widget=widget(forms.Select))
    address = forms.CharField(
        max_length=MAX_ADDRESS,
        strip=False,
        widget=widget(forms.PasswordInput, autocomplete="off"),
        help_text="https://... for a webhook; for others an address of the apprise library, such as "
        "mailto://user:password@example.org, slack://... or ntfys://... It is stored sealed and never shown again.",
    )
    project = forms.ChoiceField(
        required=False, widget=widget(forms.Select), help_text="A project's channel is seen by all its members."
    )
    least_severity = forms.ChoiceField(
        choices=[(str(least), words) for least, words in LEAST.items()],
        label="Incidents",
        widget=widget(forms.Select),
    )
    causes = forms.MultipleChoiceField(
        required=False,
        choices=[(str(cause), badges.cause_words(cause)) for cause in Cause],
        widget=forms.CheckboxSelectMultiple,
        help_text="None for all.",
    )
    reminder_minutes = forms.IntegerField(
        min_value=0,
        max_value=MAX_REMINDER_MINUTES,
        initial=0,
        label="Reminder interval (minutes)",
        help_text="Until the incident is acknowledged or ends; 0 for never.",
        widget=widget(forms.NumberInput),
    )
    quiet_from = forms.TimeField(required=False, label="Quiet from", widget=widget(forms.TimeInput, type="time"))
    quiet_to = forms.TimeField(required=False, label="Quiet until", widget=widget(forms.TimeInput, type="time"))
    time_zone = forms.CharField(
        max_length=64, initial="UTC", widget=widget(forms.TextInput), help_text="Of the quiet hours."
    )
    critical_always = forms.BooleanField(
        required=False, initial=True, label="Send critical incidents during quiet hours"
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_to") is None):
            self.add_error("quiet_to", "Give both the beginning and the end of quiet hours, or neither.")
        return cleaned


@admin.register(NotificationChannel)
class NotificationChannelAdmin(UseCaseRowsMixin, ModelAdmin):
    list_display = ("name", "service", "of", "made")
    adds_rows = True
    ordering = ("name", "pk")
    empty_title = "No channels"
    empty_hint = "Add one to get incidents by mail, in a chat, or by a webhook."

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationChannel]:
        return channel_rows.visible(caller_in(request)).defer("sealed")

    @display(description="Of")
    def of(self, row: NotificationChannel) -> str:
        return row.project.name if row.project else "yourself"

    @display(description="Added")
    def made(self, row: NotificationChannel) -> Any:
        return badges.render_time(row.created_at)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.route_to(require_POST(self.test_view), "<uuid:object_id>/test/", name="test"),
            self.route_to(require_POST(self.remove_view), "<uuid:object_id>/remove/", name="remove"),
            self.route_to(require_POST(self.repeat_view), "<uuid:object_id>/repeat/", name="repeat"),
        ]
        return own + list(super().get_urls())

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form, or what a webhook's messages are signed with, this once."""
        form = NewChannelForm(request.POST or None)
        choices = [("", "yourself"), *projects_to_change(request)]
        form.fields["project"].choices = choices  # type: ignore[attr-defined]  # a choice field
        context = {**self.admin_site.each_context(request), "title": "New channel", "form": form}
        if request.method == "POST" and form.is_valid():
            try:
                made, secret = channels.add_channel(
                    caller=caller_in(request), new=channel_in(form.cleaned_data), at=timezone.now()
                )
                if not secret:
                    messages.success(request, "Channel added. Send a test.")
                    return redirect("admin:deployments_notificationchannel_change", made.id)
                context |= {"made": made, "secret": secret}
            except DeployError as error:
                show_refusal(form, error, fields=FIELDS)
        answer = TemplateResponse(request, NEW, context)
        add_never_cache_headers(answer)
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the channel with what went there."""
        caller = caller_in(request)
        channel: ChannelRecord = or_404(channels.get_channel, caller=caller, channel_id=uuid_or_404(object_id))
        page = channels.list_deliveries(caller=caller, channel_id=channel.id, limit=SHOWN)
        return render_page(
            request,
            PAGE,
            title=channel.name,
            of=NotificationChannel(pk=channel.id, name=channel.name),
            channel=channel,
            least=LEAST[channel.rules.least_severity],
            causes=[badges.cause_words(cause) for cause in sorted(channel.rules.causes)],
            quiet=quiet_words(channel.rules),
            deliveries=[(delivery, TONES.get(DeliveryState(delivery.state), "none")) for delivery in page.items],
            more=page.total - len(page.items),
            may_change=channels.may_change(caller=caller, channel=channel),
        )

    def test_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(channels.get_channel, caller=caller, channel_id=object_id)
        try:
            channels.send_test(caller=caller, channel_id=object_id, at=timezone.now())
            messages.success(request, "Test sent. Reload to see whether it was delivered.")
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_notificationchannel_change", object_id)

    def remove_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(channels.get_channel, caller=caller, channel_id=object_id)
        try:
            channels.delete_channel(caller=caller, channel_id=object_id)
        except DeployError as error:
            show_error(request, error)
            return redirect("admin:deployments_notificationchannel_change", object_id)
        messages.success(request, "Channel deleted.")
        return redirect("admin:deployments_notificationchannel_changelist")

    def repeat_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Send again the delivery that the form names."""
        caller = caller_in(request)
        or_404(channels.get_channel, caller=caller, channel_id=object_id)
        try:
            delivery_id = uuid_or_404(request.POST.get("delivery", ""))
            channels.repeat_delivery(caller=caller, delivery_id=delivery_id)
            messages.success(request, "Sent again, with the same id.")
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_notificationchannel_change", object_id)


def channel_in(form: dict[str, Any]) -> NewChannel:
    """Return the channel that a form asks for."""
    start, end = form["quiet_from"], form["quiet_to"]
    return NewChannel(
        name=form["name"],
        kind=ChannelKind(form["kind"]),
        address=form["address"],
        project_id=UUID(form["project"]) if form["project"] else None,
        rules=ChannelRules(
            causes=frozenset(form["causes"]),
            least_severity=Severity(form["least_severity"]),
            reminder_minutes=form["reminder_minutes"],
            quiet_from=start.hour * 60 + start.minute if start else 0,
            quiet_to=end.hour * 60 + end.minute if end else 0,
            time_zone=form["time_zone"],
            critical_always=form["critical_always"],
        ),
    )


def quiet_words(rules: ChannelRules) -> str:
    if rules.quiet_from == rules.quiet_to:
        return ""
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (rules.quiet_from, rules.quiet_to))
    but = ", but for critical ones" if rules.critical_always else ""
    return f"{start} to {end} {rules.time_zone}{but}"
