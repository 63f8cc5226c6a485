"""What may stand as the host of a server: a name, or an address. Pure."""

from __future__ import annotations

import ipaddress
import re

PART = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
NAME = re.compile(rf"(?=.{{1,253}}\Z){PART}(?:\.{PART})*\.?")
# Of digits alone a name's last part would be an address, as browsers read it.
NUMBERS = re.compile(r"(?:.*\.)?\d+\.?")


def is_host(text: str) -> bool:
    """Tell whether the text is an IP address or a host name; `10.0.0.999` and `a b` are neither."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return bool(NAME.fullmatch(text)) and not NUMBERS.fullmatch(text)
    return True
