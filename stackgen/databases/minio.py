"""MinIO. Its callers get the variables that S3 clients read."""

from __future__ import annotations

import re

from stackgen.databases.kind import NAME, NAME_WANTED, Connection, DatabaseKind, Volume, always


def _expected_by_clients(connection: Connection) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://{connection.host}:{connection.port}",
        "AWS_ACCESS_KEY_ID": connection.user,
        "AWS_SECRET_ACCESS_KEY": connection.password,
    }


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
    # Releases are dates of one line, which read what the others wrote; its makers name no rule beyond that.
    data_release=lambda _image, _version: "",
    place=always(Volume(name="data", path="/data")),
    place_variables=frozenset({"MINIO_VOLUMES"}),
    environment=lambda c: {"MINIO_ROOT_USER": c.user, "MINIO_ROOT_PASSWORD": c.password},
    command=lambda _: ("server", "/data", "--console-address", ":9001"),
    health=lambda _: ("CMD", "mc", "ready", "local"),
    url=lambda c: f"http://{c.host}:{c.port}",
    url_name="S3_ENDPOINT",
    others=_expected_by_clients,
)
