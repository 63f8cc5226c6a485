"""HTTP routes: the admin, REST, and a health answer for load balancers."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.generic import RedirectView

from deployments import publishing
from deployments.admin.sign_in import sign_in
from deployments.api import missing
from deployments.services import health


def alive(_: HttpRequest) -> JsonResponse:
    """Answers while the process serves; says nothing about the rest."""
    return JsonResponse({"status": "alive"})


def event_lags(_: HttpRequest) -> JsonResponse:
    """How many stored events wait to go out, by outbox, and the age of the oldest in seconds."""
    lags = publishing.lags(at=timezone.now())
    return JsonResponse(
        {lag.name: {"waiting": lag.waiting, "oldestSeconds": lag.oldest.total_seconds()} for lag in lags}
    )


def kafka_health(_: HttpRequest) -> JsonResponse:
    """Whether consumers of ours serve the platform's other services, by what they said in the last seconds."""
    found = health.kafka()
    return JsonResponse({"status": found.health, "message": found.message})


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", alive),
    path("healthz/events", event_lags),
    path("healthz/kafka", kafka_health),
    path("api/", include("deployments.api.urls")),
    path("admin/login/", sign_in),
    path("admin/", admin.site.urls),
]
handler400 = missing.bad_request
handler500 = missing.server_error
