"""Meilisearch. Its master key is the password."""

from __future__ import annotations

from stackgen.databases.kind import DatabaseKind, Volume, always
from stackgen.databases.moves import never

KIND = DatabaseKind(
    name="meilisearch",
    aliases=("meili",),
    image="getmeili/meilisearch:v1.22",
    port=7700,
    default_user="",
    # In production it takes no shorter one.
    min_password_length=16,
    default_database="",
    place=always(Volume(name="data", path="/meili_data")),
    place_variables=frozenset({"MEILI_DB_PATH"}),
    environment=lambda c: {"MEILI_MASTER_KEY": c.password, "MEILI_ENV": "production", "MEILI_NO_ANALYTICS": "true"},
    health=lambda c: ("CMD-SHELL", f"wget -q -T 2 -O /dev/null http://127.0.0.1:{c.port}/health"),
    url=lambda c: f"http://{c.host}:{c.port}",
    url_name="MEILISEARCH_URL",
    others=lambda c: {"MEILI_MASTER_KEY": c.password},
    # A server opens only what its own release wrote.
    move=never,
)
