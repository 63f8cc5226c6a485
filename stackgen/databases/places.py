"""Images that are known to keep their data, or to be started, in another way than the official one of their kind.

A volume at the official place would stay empty beside their data, which then goes with the container.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from stackgen.databases.kind import DatabaseKind, DataPlace
from stackgen.references import Reference, parse_reference

# What the path holds, anywhere between two slashes, and what to say of such an image.
OTHERS = {
    r"bitnami[a-z]*": "keeps its data in /bitnami and takes other variables",
    r"linuxserver": "keeps its data in /config",
    r"timescaledb-ha": "keeps its data in /home/postgres/pgdata; timescale/timescaledb is like the official one",
    r"spilo(-\d+)?": "keeps its data in /home/postgres",
    r"kartoza": "keeps its data in /var/lib/postgresql/VERSION/main; postgis/postgis is like the official one",
    r"percona-distribution-postgresql": "keeps its data in /data/db",
    r"percona-postgresql-operator": "keeps its data in /pgdata",
    r"crunchydata": "keeps its data in /pgdata",
    r"cloudnative-pg|cloudnativepg": "is started by an operator of its own, which says where its data lies",
    r"(sclorg|centos7?|rhel\d*|ubi\d*)": "keeps its data in /var/lib/pgsql or a place of its own",
    r"(circleci|cimg)": "keeps its data in memory, in /dev/shm, for tests",
    r"sameersbn": "takes other variables than the official image",
    r"chainguard": "keeps its data in /var/lib/postgres",
    r"redis-stack(-server)?": "is started in another way; redis:8 has the same modules",
}


def place_of(kind: DatabaseKind, *, image: str, version: int | None) -> DataPlace:
    """Return where a server of this image has its data. Raises ValueError with a sentence where nobody can know."""
    reference = parse_reference(image)
    if objection := _objection_to(reference):
        raise ValueError(f"{image} {objection}; use an image like {kind.image}, or make it a service")
    return kind.place(reference, version)


def _objection_to(reference: Reference) -> str:
    components = reference.path.split("/")
    objections = (
        objection
        for pattern, objection in OTHERS.items()
        if any(re.fullmatch(pattern, component) for component in components)
    )
    return next(objections, "")


def moved_outside(kind: DatabaseKind, place: DataPlace, *, env: Mapping[str, str]) -> Iterator[str]:
    """Yield the names of variables that would have the server keep data where no volume is."""
    roots = [volume.path for volume in place.volumes]
    for name in sorted(kind.place_variables & env.keys()):
        for path in env[name].split(","):
            inside = posixpath.normpath(path.strip())
            if not any(f"{inside}/".startswith(f"{root}/") for root in roots):
                yield name
                break
