"""An application under the control plane's own name would answer in its place, and be sent its sessions."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings

from stackgen.results import Stack


def warnings_of(stack: Stack) -> tuple[str, ...]:
    """Return a sentence for each domain of the stack that is a name under which the control plane is reached."""
    ours = {host.casefold() for host in settings.ALLOWED_HOSTS if _is_name(host)}
    return tuple(
        f"{label!r} wants the domain {domain}, under which this control plane is reached: one of the two would not be"
        " found, and browsers would send their sign-in here to the application. Choose another domain"
        for domain, label in stack.domains.items()
        if domain.casefold() in ours
    )


def _is_name(host: str) -> bool:
    """Return whether an entry of ALLOWED_HOSTS is one name, and neither an address nor a pattern."""
    if host.startswith((".", "*")):
        return False
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False
