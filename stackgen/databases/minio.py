"""MinIO. Its callers get the variables that S3 clients read."""

from __future__ import annotations

import re

from stackgen.databases.kind import NAME, NAME_WANTED, Connection, DatabaseKind, Volume, always
from stackgen.databases.moves import COPY, FORWARD, Move, Numbers
from stackgen.references import Reference

RELEASE = re.compile(r"RELEASE\.(\d{4})-(\d{2})-(\d{2})T")
# The first that begins in another layout than plain files, and the first that does not read those any more.
OTHER_LAYOUT, WITHOUT_PLAIN_FILES = (2022, 6, 2), (2022, 10, 29)


def _expected_by_clients(connection: Connection) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://{connection.host}:{connection.port}",
        "AWS_ACCESS_KEY_ID": connection.user,
        "AWS_SECRET_ACCESS_KEY": connection.password,
    }


def _release(image: Reference, _version: int | None) -> str:
    """Return the day of a release, which is all that its makers number them by; empty for tags such as latest."""
    found = RELEASE.match(image.tag)
    return ".".join(found.groups()) if found else ""


def _move(old: Numbers, new: Numbers) -> Move:
    """Go forward, but not past the end of the layout in which the data may have been begun."""
    if not old < WITHOUT_PLAIN_FILES <= new:
        return FORWARD(old, new)
    if old < OTHER_LAYOUT:
        return Move(
            allowed=False, advice=f"It lies in plain files, which no release since 29 October 2022 reads. {COPY}"
        )
    advice = "Data that was begun before 2 June 2022 lies in plain files, which it does not read: copy that first."
    return Move(allowed=True, advice=advice)


KIND = DatabaseKind(
    name="minio",
    aliases=("s3",),
    # The last image that its makers published.
    image="minio/minio:RELEASE.2025-09-07T16-13-09Z",
    image_warning=(
        "lacks the repair of CVE-2025-62506 (a restricted key can make itself one without limits), which is in "
        "RELEASE.2025-10-15T17-29-55Z; its makers publish no images since: name one that you trust with config.image"
    ),
    port=9000,
    user_pattern=re.compile(rf"(?=.{{3}}){NAME.pattern}"),
    user_wanted=f"{NAME_WANTED}, at least three",
    min_password_length=8,
    default_database="",
    data_release=_release,
    move=_move,
    place=always(Volume(name="data", path="/data")),
    place_variables=frozenset({"MINIO_VOLUMES"}),
    environment=lambda c: {"MINIO_ROOT_USER": c.user, "MINIO_ROOT_PASSWORD": c.password},
    command=lambda _: ("server", "/data", "--console-address", ":9001"),
    health=lambda _: ("CMD", "mc", "ready", "local"),
    url=lambda c: f"http://{c.host}:{c.port}",
    url_name="S3_ENDPOINT",
    others=_expected_by_clients,
)
