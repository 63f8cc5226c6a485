"""The address of a project's page, and the way there after its forms."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse

from deployments.models import Project


def page_of(object_id: Any) -> str:
    return reverse("admin:deployments_project_change", args=[object_id])


def to_page(request: HttpRequest, project: Project, answer: HttpResponse) -> HttpResponse:
    """Lead to the project's page where Django would to the list."""
    stays = {"_addanother", "_continue"} & request.POST.keys() or not isinstance(answer, HttpResponseRedirect)
    return answer if stays else redirect(page_of(project.pk))
