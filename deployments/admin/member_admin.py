"""People of a project: for its owner on the project's settings, and for whoever was invited on a page of their own."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from deployments.admin.ownership import OwnRowsMixin, caller_in, or_404, uuid_or_404
from deployments.admin.page_responses import show_error
from deployments.errors import DeployError
from deployments.models import ProjectInvitation, ProjectMember
from deployments.repositories.invitations import MAX_AGE
from deployments.services.sharing import membership


class PeopleInline(OwnRowsMixin, TabularInline):
    """For the owner, who got here through the project's own check."""

    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)


class MemberInline(PeopleInline):
    """Who may see or deploy. Whoever is to come is invited below."""

    model = ProjectMember
    fields = ("who", "role")
    readonly_fields = ("who",)
    hide_title = True

    @display(description="Member")
    def who(self, member: ProjectMember) -> str:
        # As a field of its own it would link to a page that is for superusers.
        return member.user.get_username()


class InvitationInline(PeopleInline):
    """Who was asked by name and has not answered."""

    model = ProjectInvitation
    fields = ("name", "role")
    hide_title = True
    verbose_name = "invitation"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProjectInvitation]:
        rows: QuerySet[ProjectInvitation] = super().get_queryset(request)
        return rows.filter(created_at__gt=timezone.now() - MAX_AGE)


def save_people(request: HttpRequest, *, project_id: UUID, formset: Any) -> None:
    """Apply each change of the form through the use case that every door uses."""
    formset.save(commit=False)
    caller, at = caller_in(request), timezone.now()
    try:
        for gone in formset.deleted_objects:
            membership.remove_member(caller=caller, project_id=project_id, name=name_of(gone), at=at)
        for changed in (*(row for row, _ in formset.changed_objects), *formset.new_objects):
            membership.put_member(caller=caller, project_id=project_id, name=name_of(changed), role=changed.role, at=at)
    except DeployError as error:
        show_error(request, error)


def name_of(row: ProjectMember | ProjectInvitation) -> str:
    return row.user.get_username() if isinstance(row, ProjectMember) else row.name


@admin.register(ProjectInvitation)
class InvitationAdmin(OwnRowsMixin, ModelAdmin):
    """What the reader was invited to. Nobody sees others' invitations, superusers included."""

    list_display = ("project_name", "role", "inviter", "created_at")
    list_select_related = ("project", "invited_by")
    fields = list_display
    readonly_fields = list_display
    actions = None
    actions_detail = ("accept", "decline")
    empty_title = "No invitations"
    empty_hint = "Owners of projects can invite you by your user name. Accept or decline here."

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

    @display(description="Project")
    def project_name(self, row: ProjectInvitation) -> str:
        return row.project.name

    @display(description="Invited by")
    def inviter(self, row: ProjectInvitation) -> str:
        return row.invited_by.get_username()

    @action(description="Accept", url_path="accept", icon="check", permissions=["answer"])
    def accept(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.answered(request, object_id, accepted=True)

    @action(description="Decline", url_path="decline", icon="close", permissions=["answer"])
    def decline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.answered(request, object_id, accepted=False)

    def answered(self, request: HttpRequest, object_id: str, *, accepted: bool) -> HttpResponse:
        """Ask first; accept or decline by POST only. Raise Http404 for another's invitation and for none."""
        row = get_object_or_404(self.get_queryset(request), pk=uuid_or_404(object_id))
        if request.method != "POST":
            verb = "Join" if accepted else "Decline"
            context = {"title": f"{verb} {row.project.name}?", "row": row, "accepted": accepted, "opts": self.opts}
            context |= self.admin_site.each_context(request)
            return TemplateResponse(request, "admin/deployments/invitation.html", context)
        answer = membership.accept_invitation if accepted else membership.decline_invitation
        or_404(answer, caller=caller_in(request), invitation_id=row.pk, at=timezone.now())
        if not accepted:
            messages.success(request, f"You declined the invitation to {row.project.name}.")
            return redirect("admin:deployments_projectinvitation_changelist")
        messages.success(request, f"You are now a member of {row.project.name}.")
        return redirect("admin:deployments_project_changelist")
