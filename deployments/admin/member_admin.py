"""Invitations to projects, for whoever was invited."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from agents.wording.pages import lazy, shown
from deployments.admin.ownership import OwnRowsMixin, caller_in, or_404, uuid_or_404
from deployments.models import ProjectInvitation
from deployments.repositories.invitations import MAX_AGE
from deployments.roles import ROLE_WORDS, Role, greatest
from deployments.services.sharing import membership


@admin.register(ProjectInvitation)
class InvitationAdmin(OwnRowsMixin, ModelAdmin):
    """What the reader was invited to. Nobody sees others' invitations, superusers included."""

    list_display = ("project_name", "role", "inviter", "created_at")
    list_select_related = ("project", "invited_by")
    fields = list_display
    readonly_fields = list_display
    actions = None
    actions_detail = ("accept", "decline")
    empty_title = lazy("No invitations")
    empty_hint = lazy("Owners of projects can invite you by your user name. Accept or decline here.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_answer_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        # Only one's own are found at all.
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectInvitation]:
        rows: QuerySet[ProjectInvitation] = super().get_queryset(request)
        return rows.filter(name=caller_in(request).name, created_at__gt=timezone.now() - MAX_AGE)

    @display(description=lazy("Project"))
    def project_name(self, row: ProjectInvitation) -> str:
        return row.project.name

    @display(description=lazy("Invited by"))
    def inviter(self, row: ProjectInvitation) -> str:
        return row.invited_by.get_username()

    @action(description=lazy("Accept"), url_path="accept", icon="check", permissions=["answer"])
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.answered(request, object_id, accepted=True)

    @action(description=lazy("Decline"), url_path="decline", icon="close", permissions=["answer"])
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.answered(request, object_id, accepted=False)

    def answered(self, request: HttpRequest, object_id: str, *, accepted: bool) -> HttpResponse:
        """Ask first; accept or decline by POST only. Raise Http404 for another's invitation and for none."""
        row = get_object_or_404(self.get_queryset(request), pk=uuid_or_404(object_id))
        if request.method != "POST":
            words = shown(ROLE_WORDS[greatest([row.role]) or Role.VIEWER]).lower()
            title = gettext("Join {project}?") if accepted else gettext("Decline {project}?")
            title = title.format(project=row.project.name)
            context = {"title": title, "row": row, "accepted": accepted, "opts": self.opts}
            context["words"] = words
            context |= self.admin_site.each_context(request)
            return TemplateResponse(request, "admin/deployments/invitation.html", context)
        answer = membership.accept_invitation if accepted else membership.decline_invitation
        or_404(answer, caller=caller_in(request), invitation_id=row.pk, at=timezone.now())
        if not accepted:
            messages.success(request, gettext("You declined the invitation to {name}.").format(name=row.project.name))
            return redirect("admin:deployments_projectinvitation_changelist")
        messages.success(request, gettext("You are now a member of {name}.").format(name=row.project.name))
        return redirect("admin:deployments_project_changelist")
