"""What the REST framework is told: nothing is open unless a view says so, and all errors have one shape."""

from __future__ import annotations

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "deployments.api.security.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "deployments.api.security.permissions.WithinScope",
        "deployments.api.security.permissions.FreshSession",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "deployments.api.errors.problem_response",
    "DEFAULT_THROTTLE_CLASSES": ["deployments.api.security.throttles.UserRate"],
    "UNAUTHENTICATED_USER": None,
}
