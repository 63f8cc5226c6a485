"""What the account menu of the admin leads to, beside signing out, and what the sidebar has for administrators."""

from __future__ import annotations

from operator import attrgetter

from django.urls import reverse_lazy

ACCOUNT_MENU = {
    "navigation": [
        {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        {"title": "Your activity", "link": reverse_lazy("your-activity")},
        {"title": "API tokens", "link": reverse_lazy("admin:deployments_apitoken_changelist")},
        {"title": "API reference", "link": reverse_lazy("api-docs")},
        {"title": "Documentation", "link": reverse_lazy("docs")},
    ]
}
FOR_ADMINISTRATORS = [
    {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{route}"),
        "permission": attrgetter("user.is_superuser"),
    }
    for title, icon, route in (
        ("Users", "group", "deployments_user_changelist"),
        ("Groups", "groups", "deployments_peoplegroup_changelist"),
    )
]
