"""What people may call a project, a server or a cluster. Pure."""

from __future__ import annotations

from deployments.errors import Invalid

MAX_NAME = 100


def usable_name(name: str, *, what: str) -> str:
    """Return the name without blanks around it. Raises Invalid naming `what` needs one."""
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise Invalid(
            f"A {what} needs a name of at most {MAX_NAME} characters.", details={"name": f"1 to {MAX_NAME} characters"}
        )
    return name
