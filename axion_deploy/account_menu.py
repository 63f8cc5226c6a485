"""What the account menu of the admin leads to, beside signing out."""

from __future__ import annotations

from django.urls import reverse_lazy

ACCOUNT_MENU = {
    "navigation": [
        {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        {"title": "API tokens", "link": reverse_lazy("admin:deployments_apitoken_changelist")},
        {"title": "API reference", "link": reverse_lazy("api-docs")},
        {"title": "Documentation", "link": reverse_lazy("docs")},
    ]
}
