"""Keys of a node that lies elsewhere: it runs nothing here, and its callers get its address."""

from __future__ import annotations

import re

from stackgen.keys.basics import DOMAIN
from stackgen.keys.form import choice, flag, matching
from stackgen.keys.key import Key

ADDRESS = re.compile(rf"{DOMAIN.pattern}|[0-9A-Fa-f:.]{{2,45}}")
SCHEMES = {"http": "http", "https": "https"}
# What means something for such a node; everything else is about a container.
KEYS_ELSEWHERE = frozenset({
    "external", "host", "scheme", "port", "user", "database", "password", "databaseType", "databaseVersion",
    "connectionName",
})  # fmt: skip

ELSEWHERE_KEYS = (
    Key(name="external", field="external", nodes="services, databases", group="Elsewhere", form=flag(),
        meaning="`true`: it lies elsewhere, at `host` and `port`; nothing is started, callers get its variables"),
    Key(name="host", field="host", nodes="services, databases", group="Elsewhere",
        form=matching(ADDRESS, "a name or an address"), meaning="where an external node is"),
    Key(name="scheme", field="scheme", nodes="services", group="Elsewhere", form=choice(SCHEMES),
        meaning="how an external service is asked: `http` (default) or `https`"),
)  # fmt: skip
