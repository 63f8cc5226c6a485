"""Every pattern on Kafka, and what each person gets there, by the code of the answer; people as in `table`.

A person is whoever metadata.sessionToken stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KNOWN = ("UNAUTHORIZED", "UNAUTHORIZED")
SEES = (*("SUCCESS",) * 5, "NOT_FOUND", *KNOWN)


def of_deployers(code: str) -> tuple[str, ...]:
    """What each person gets where deployers get this."""
    return (*(code,) * 4, "FORBIDDEN", "NOT_FOUND", *KNOWN)


ONE: Mapping[str, Any] = {"deploymentId": "{deployment}"}
WRONG: Mapping[str, Any] = {"projectId": "{project}", "serverId": "{server}", "envVars": {"not a name": "x"}}

# From pattern to what is sent beside the metadata, and the answers.
PATTERNS: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "deployment-service.deployProject": (
        WRONG,
        of_deployers("VALIDATION_ERROR"),
    ),
    "deployment-service.cancelDeployment": (
        ONE,
        of_deployers("SUCCESS"),
    ),
    "deployment-service.rollbackDeployment": (
        ONE,
        of_deployers("CONFLICT"),
    ),
    "deployment-service.getDeployment": (ONE, SEES),
    "deployment-service.getDeploymentStatus": (ONE, SEES),
    "deployment-service.listDeployments": ({"projectId": "{project}"}, SEES),
    # Says only whether the service is well.
    "health.check": ({}, ("SUCCESS",) * 8),
}
