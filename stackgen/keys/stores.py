"""Keys that only some kinds of databases have."""

from __future__ import annotations

import re

from stackgen.databases.kind import NAME, NAME_WANTED
from stackgen.keys.form import listed, matching, one_of
from stackgen.keys.key import Key

EXTENSION = re.compile(r"[a-z][a-z0-9_-]{0,62}")

STORES = (
    Key(name="databases", field="databases", nodes="databases", group="Databases",
        form=listed(one_of(NAME, f"a name: {NAME_WANTED}"), f"names, parted by blanks, commas or lines: {NAME_WANTED}"),
        meaning="PostgreSQL: further databases of the same user, made where they are missing; one that is taken out "
        "here stays with its data"),
    Key(name="extensions", field="extensions", nodes="databases", group="Databases",
        form=listed(one_of(EXTENSION, "an extension such as pg_trgm"), "names such as `pg_trgm, uuid-ossp`"),
        meaning="PostgreSQL: extensions, made where they are missing in every database of the node; one that is taken "
        "out here stays"),
    Key(name="replicaSet", field="replica_set", nodes="databases", group="Databases",
        form=matching(NAME, f"a name: {NAME_WANTED}"),
        meaning="MongoDB: run as a replica set of one with this name, as transactions and change streams need"),
)  # fmt: skip
# Which kind has them.
ONLY_OF = {"databases": "postgresql", "extensions": "postgresql", "replicaSet": "mongodb"}
