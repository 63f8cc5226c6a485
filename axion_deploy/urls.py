"""HTTP routes: the admin, REST, the operators' pages, and a health answer for load balancers."""

from __future__ import annotations

from django.urls import include, path
from django.views.generic import RedirectView

from axion_deploy.admin_pages import site
from axion_deploy.agent_downloads.download_views import agent_archive, install_script, wheel, wheel_list
from axion_deploy.health_pages import alive, event_lags
from axion_deploy.languages.script_words import script_words
from axion_deploy.operator_docs.views import docs
from deployments.admin.accounts.confirm import confirm_password
from deployments.admin.accounts.language_views import your_language
from deployments.admin.site import sign_in
from deployments.admin.teams.activity_views import your_activity
from deployments.admin.teams.forgotten_views import ChooseByEmail, forgotten, forgotten_sent
from deployments.admin.teams.link_views import choose_password, join_project
from deployments.api import error_handlers

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", alive),
    path("healthz/events", event_lags),
    path("words/<str:language>-<str:mark>.js", script_words, name="script-words"),
    path("docs/", docs, {"path": ""}, name="docs"),
    path("docs/<path:path>", docs),
    path("agents/install.sh", install_script, name="agent-script"),
    path("agents/runner/<str:name>", agent_archive, name="agent-archive"),
    path("agents/wheels/", wheel_list, name="agent-wheels"),
    path("agents/wheels/<str:name>", wheel, name="agent-wheel"),
    path("api/", include("deployments.api.urls")),
    path("admin/login/", sign_in),
    path("admin/confirm/", site.admin_view(confirm_password), name="confirm-password"),
    path("admin/join/<str:text>/", site.admin_view(join_project), name="join-project"),
    path("admin/password/<str:text>/", choose_password, name="choose-password"),
    path("admin/language/", site.admin_view(your_language), name="your-language"),
    path("admin/activity/", site.admin_view(your_activity), name="your-activity"),
    path("admin/forgotten/", forgotten, name="admin_password_reset"),
    path("admin/forgotten/sent/", forgotten_sent, name="forgotten-sent"),
    path("admin/forgotten/<uidb64>/<token>/", ChooseByEmail.as_view(), name="forgotten-choose"),
    path("admin/", site.urls),
]
handler400 = error_handlers.bad_request
handler500 = error_handlers.server_error
