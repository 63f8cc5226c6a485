"""HTTP routes: the admin, REST, and a health answer for load balancers."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.generic import RedirectView


def alive(_: HttpRequest) -> JsonResponse:
    """Answers while the process serves; says nothing about the rest."""
    return JsonResponse({"status": "alive"})


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", alive),
    path("api/", include("deployments.api.urls")),
    path("admin/", admin.site.urls),
]
