"""Channels of notifications in the admin: add, edit or delete one, send a test, see what went there."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from agents.templatetags.moments import render_moment
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from deployments.admin import badges
from deployments.admin.observation.channel_forms import (
    FIELDS,
    LEAST,
    ChannelForm,
    NewChannelForm,
    change_in,
    channel_in,
    values_of,
)
from deployments.admin.observation.mute_form import MUTES, minutes_in
from deployments.admin.own_forms import UseCaseRowsMixin, projects_to_change, show_refusal
from deployments.admin.ownership import caller_in, or_404, uuid_or_404
from deployments.admin.page_responses import render_page, show_error
from deployments.data.notification_types import ChannelRecord, ChannelRules, DeliveryState
from deployments.errors import DeployError, NotFound
from deployments.models import NotificationChannel
from deployments.repositories.notifications import channel_rows
from deployments.services.notifications import channels, mutes
from deployments.services.permissions import access

PAGE = "admin/deployments/channel/page.html"
NEW = "admin/deployments/channel/new.html"
EDIT = "admin/deployments/channel/edit.html"
SHOWN = 50
TONES = {
    DeliveryState.SENT: "good",
    DeliveryState.FAILED: "bad",
    DeliveryState.WAITING: "busy",
    DeliveryState.SKIPPED: "none",
}


@admin.register(NotificationChannel)
class NotificationChannelAdmin(UseCaseRowsMixin, ModelAdmin):
    list_display = ("name", "service", "of", "made")
    adds_rows = True
    ordering = ("name", "pk")
    empty_title = lazy("No channels")
    empty_hint = lazy("Add one to get incidents by mail, in a chat, or by a webhook.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationChannel]:
        return channel_rows.visible(caller_in(request)).defer("sealed")

    @display(description=lazy("Of"))
    def of(self, row: NotificationChannel) -> str:
        return row.project.name if row.project else gettext("yourself")

    @display(description=lazy("Added"))
    def made(self, row: NotificationChannel) -> Any:
        return render_moment(row.created_at)

    def get_urls(self) -> list[URLPattern]:
        own = [
            self.route_to(self.edit_view, "<uuid:object_id>/edit/", name="edit"),
            self.route_to(require_POST(self.test_view), "<uuid:object_id>/test/", name="test"),
            self.route_to(require_POST(self.remove_view), "<uuid:object_id>/remove/", name="remove"),
            self.route_to(require_POST(self.mute_view), "<uuid:object_id>/mute/", name="mute"),
            self.route_to(require_POST(self.repeat_view), "<uuid:object_id>/repeat/", name="repeat"),
        ]
        return own + list(super().get_urls())

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the form, or what a webhook's messages are signed with, this once."""
        form = NewChannelForm(request.POST or None)
        choices = [("", gettext("yourself")), *projects_to_change(request)]
        form.fields["project"].choices = choices  # type: ignore[attr-defined]  # a choice field
        form.offer(projects_seen(request))
        context = {**self.admin_site.each_context(request), "title": gettext("New channel"), "form": form}
        if request.method == "POST" and form.is_valid():
            try:
                made, secret = channels.add_channel(
                    caller=caller_in(request), new=channel_in(form.cleaned_data), at=timezone.now()
                )
                if not secret:
                    messages.success(request, gettext("Channel added. Send a test."))
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
            muted=channel.muted_until is not None and channel.muted_until > timezone.now(),
            mutes=MUTES,
            deliveries=[(delivery, TONES.get(DeliveryState(delivery.state), "none")) for delivery in page.items],
            more=page.total - len(page.items),
            may_change=channels.may_change(caller=caller, channel=channel),
        )

    def edit_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Show the channel's rules to be changed, or what a webhook that moved is signed with, this once."""
        caller = caller_in(request)
        channel: ChannelRecord = or_404(channels.get_channel, caller=caller, channel_id=object_id)
        form = ChannelForm(request.POST or None, initial=values_of(channel))
        form.offer([] if channel.project_id else projects_seen(request, named=channel.rules.project_ids))
        context = {**self.admin_site.each_context(request), "title": _("Edit channel"), "form": form}
        context |= {"channel": channel, "may_change": channels.may_change(caller=caller, channel=channel)}
        if request.method == "POST" and form.is_valid():
            try:
                _changed, secret = channels.change_channel(
                    caller=caller, channel_id=channel.id, change=change_in(form.cleaned_data)
                )
                if not secret:
                    messages.success(request, _("Channel changed."))
                    return redirect("admin:deployments_notificationchannel_change", channel.id)
                context["secret"] = secret
            except DeployError as error:
                show_refusal(form, error, fields=FIELDS)
        answer = TemplateResponse(request, EDIT, context)
        add_never_cache_headers(answer)
        return answer

    def test_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(channels.get_channel, caller=caller, channel_id=object_id)
        try:
            channels.send_test(caller=caller, channel_id=object_id, at=timezone.now())
            messages.success(request, gettext("Test sent. Reload to see whether it was delivered."))
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_notificationchannel_change", object_id)

    def mute_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        caller = caller_in(request)
        or_404(channels.get_channel, caller=caller, channel_id=object_id)
        try:
            minutes = minutes_in(request.POST)
            muted = mutes.mute_channel(caller=caller, channel_id=object_id, minutes=minutes, at=timezone.now())
            said = gettext("Muted: no notifications for now.") if muted.muted_until else gettext("Unmuted.")
            messages.success(request, said)
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
        messages.success(request, gettext("Channel deleted."))
        return redirect("admin:deployments_notificationchannel_changelist")

    def repeat_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Send again the delivery that the form names."""
        caller = caller_in(request)
        or_404(channels.get_channel, caller=caller, channel_id=object_id)
        try:
            delivery_id = delivery_in(request)
            channels.repeat_delivery(caller=caller, delivery_id=delivery_id)
            messages.success(request, gettext("Sent again, with the same id."))
        except DeployError as error:
            show_error(request, error)
        return redirect("admin:deployments_notificationchannel_change", object_id)


def delivery_in(request: HttpRequest) -> UUID:
    """Return the posted delivery. Raise NotFound for what is no id."""
    try:
        return UUID(request.POST.get("delivery", ""))
    except ValueError:
        raise NotFound(sentence("No such delivery.")) from None


def quiet_words(rules: ChannelRules) -> str:
    if rules.quiet_from == rules.quiet_to:
        return ""
    start, end = (f"{minute // 60:02}:{minute % 60:02}" for minute in (rules.quiet_from, rules.quiet_to))
    but = gettext(", but for critical ones") if rules.critical_always else ""
    words = gettext("{start} to {end} {time_zone}").format(start=start, end=end, time_zone=rules.time_zone)
    return f"{words}{but}"


def projects_seen(request: HttpRequest, *, named: Collection[UUID] = ()) -> list[tuple[str, str]]:
    """Return the projects of which the signed-in user may be told, as the choices of a field; and those `named`."""
    seen = {str(project.id): project.name for project in access.projects_of(caller_in(request))}
    gone = {str(each): _("A project that you cannot view any more") for each in named if str(each) not in seen}
    return [*seen.items(), *gone.items()]
