"""HTTP routes: the admin, REST, and a health answer for load balancers."""

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.views.generic import RedirectView

from deployments import publishing
from deployments.admin.confirm import confirm_password
from deployments.admin.sign_in import sign_in
from deployments.api import missing
from deployments.services import health


def alive(_: HttpRequest) -> JsonResponse:
    """Answers while the process serves; beside it whether our consumers serve the platform's other services, and what
    our loops leave for later because it cannot be done.
    """
    found = (*([health.kafka()] if settings.KAFKA_BROKERS else []), *health.faults())
    told = {each.name: {"status": each.health, "message": each.message} for each in found}
    return JsonResponse({"status": "alive", **told})


def event_lags(_: HttpRequest) -> JsonResponse:
    """How many stored events wait to go out, by outbox, and the age of the oldest in seconds."""
    lags = publishing.lags(at=timezone.now())
    return JsonResponse(
        {lag.name: {"waiting": lag.waiting, "oldestSeconds": lag.oldest.total_seconds()} for lag in lags}
    )


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", alive),
    path("healthz/events", event_lags),
    path("api/", include("deployments.api.urls")),
    path("admin/login/", sign_in),
    path("admin/confirm/", admin.site.admin_view(confirm_password), name="confirm-password"),
    path("admin/", admin.site.urls),
]
handler400 = missing.bad_request
handler500 = missing.server_error
