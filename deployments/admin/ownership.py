"""Staff see their own rows, superusers all; the access module says what may be done, not Django's permissions."""

# ruff: noqa: ARG002 - signatures are Django's

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils.cache import add_never_cache_headers

from deployments.errors import NotFound
from deployments.services.permissions import access
from deployments.services.permissions.access import caller_of
from deployments.types import Caller, Right


def caller_in(request: HttpRequest) -> Caller:
    """Return the signed-in user as the use cases know it. Raise Unauthenticated."""
    return caller_of(request.user)


def uuid_or_404(text: str) -> UUID:
    """Return the id in an admin address. Raise Http404 for anything else."""
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None


def or_404(load: Any, **arguments: Any) -> Any:
    """Return what `load` returns. Raise Http404 for what is missing or a stranger's."""
    try:
        return load(**arguments)
    except NotFound as error:
        raise Http404(error.message) from None


def require_project_viewer(request: HttpRequest, project_id: UUID) -> Caller:
    """Return the caller if they may see the project. Raise Http404 otherwise."""
    caller = caller_in(request)
    or_404(access.project_for, caller=caller, project_id=project_id, right=Right.SEE)
    return caller


def uncached_json(data: dict[str, Any]) -> HttpResponse:
    """Answer with JSON that no cache keeps."""
    answer = JsonResponse(data)
    add_never_cache_headers(answer)
    return answer


class OwnRowsMixin:
    """For model admins: any signed-in member of staff may look; rows are narrowed by `get_queryset`.

    `empty_title`, `empty_hint`, `empty_link` (route and words): what a list says before it has rows.
    """

    empty_title: ClassVar[str] = ""
    empty_hint: ClassVar[str] = ""
    empty_link: ClassVar[tuple[str, str] | None] = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and getattr(request.user, "is_staff", False))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def route_to(self, view: Any, address: str, *, name: str) -> URLPattern:
        """Return a route of the model's own, behind the admin's sign-in, named as Django names the others."""
        admin: Any = self
        wrapped: Any = admin.admin_site.admin_view(view)
        route: URLPattern = path(address, wrapped, name=f"{admin.opts.app_label}_{admin.opts.model_name}_{name}")
        return route
