"""Every pattern on Kafka, and what each person gets there, by the code of the answer; people as in `table`.

A person is whoever metadata.sessionToken stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KNOWN = ("UNAUTHORIZED", "UNAUTHORIZED")
SEES = ("SUCCESS", "SUCCESS", "SUCCESS", "NOT_FOUND", *KNOWN)
ONE: Mapping[str, Any] = {"deploymentId": "{deployment}"}
WRONG: Mapping[str, Any] = {"projectId": "{project}", "serverId": "{server}", "envVars": {"not a name": "x"}}

# From pattern to what is sent beside the metadata, and the answers.
PATTERNS: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
    "deployment-service.deployProject": (
        WRONG,
        ("VALIDATION_ERROR", "VALIDATION_ERROR", "FORBIDDEN", "NOT_FOUND", *KNOWN),
    ),
    "deployment-service.cancelDeployment": (ONE, ("SUCCESS", "SUCCESS", "FORBIDDEN", "NOT_FOUND", *KNOWN)),
    "deployment-service.rollbackDeployment": (ONE, ("CONFLICT", "CONFLICT", "FORBIDDEN", "NOT_FOUND", *KNOWN)),
    "deployment-service.getDeployment": (ONE, SEES),
    "deployment-service.getDeploymentStatus": (ONE, SEES),
    "deployment-service.listDeployments": ({"projectId": "{project}"}, SEES),
    # Says only whether the service is well.
    "health.check": ({}, ("SUCCESS",) * 6),
}
