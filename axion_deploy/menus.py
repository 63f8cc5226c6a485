"""What the menus of the admin lead to: the sidebar's, and the account's beside signing out."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from django.urls import reverse_lazy
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# The admin's library brings no Russian of its own; these are what of it people see here.
LIBRARY_WORDS = (
    _("Apply Filters"),
    _("Change History"),
    _("Choose file to upload"),
    _("Click to cancel"),
    _("Dark"),
    _("Expand row"),
    _("Forgotten your password or username?"),
    _("Go back"),
    _("Light"),
    _("Loading more results..."),
    _("More actions"),
    _("No results found"),
    _("Reset filters"),
    _("Run"),
    _("Search apps and models..."),
    _("Select action"),
    _("Select value"),
    _("Toggle password visibility"),
    _("Type to search"),
    _("Welcome back to"),
    _("You have been successfully logged out from the administration"),
)

ACCOUNT_MENU = {
    "navigation": [
        {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
        {"title": _("Language"), "link": reverse_lazy("your-language")},
        {"title": _("Your activity"), "link": reverse_lazy("your-activity")},
        {"title": _("API tokens"), "link": reverse_lazy("admin:deployments_apitoken_changelist")},
        {"title": _("API reference"), "link": reverse_lazy("api-docs")},
        {"title": _("Documentation"), "link": reverse_lazy("docs")},
    ]
}


def _items(items: Iterable[tuple[Promise, str, str]], **more: Any) -> list[dict[str, Any]]:
    return [
        {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{route}"), **more} for title, icon, route in items
    ]


SIDEBAR = {
    "navigation": [
        {
            "items": _items(
                (
                    (_("Overview"), "monitor_heart", "index"),
                    (_("Projects"), "hub", "deployments_project_changelist"),
                    (_("Deployments"), "rocket_launch", "deployments_deployment_changelist"),
                    (_("Incidents"), "emergency_home", "deployments_incident_changelist"),
                    (_("Servers"), "dns", "agents_server_changelist"),
                    (_("Clusters"), "lan", "agents_cluster_changelist"),
                    (_("Registries"), "inventory_2", "deployments_registry_changelist"),
                )
            )
        },
        {
            "items": [
                *_items(
                    (
                        (_("Invitations"), "mail", "deployments_projectinvitation_changelist"),
                        (_("Notifications"), "send", "deployments_notificationchannel_changelist"),
                        (_("API tokens"), "vpn_key", "deployments_apitoken_changelist"),
                    )
                ),
                *_items(
                    (
                        (_("Users"), "group", "deployments_user_changelist"),
                        (_("Groups"), "groups", "deployments_peoplegroup_changelist"),
                    ),
                    permission=attrgetter("user.is_superuser"),
                ),
            ]
        },
        # Of one server they stand on its page.
        {
            "title": _("Internals"),
            "separator": True,
            "collapsible": True,
            "items": _items(
                (
                    (_("Agents"), "smart_toy", "agents_agent_changelist"),
                    (_("Enrolment tokens"), "key", "agents_enrolmenttoken_changelist"),
                    (_("Commands"), "terminal", "agents_commandrecord_changelist"),
                )
            ),
        },
    ]
}
