"""Where a database's data lies: inside its named volume, whatever name its image goes by, or the graph is refused."""

from __future__ import annotations

from typing import Any

import pytest

from stackgen.errors import GraphInvalid
from stackgen.references import parse_reference
from tests.stackgen.graphs import DATABASE, compose_of, graph, node, stack_of

DIGEST = "sha256:" + "21" + "a" * 62
OLD = "/var/lib/postgresql/data"
PARENT = "/var/lib/postgresql"


def database(kind: str = "postgresql", **config: Any) -> dict[str, Any]:
    """The definition of one database with this config."""
    raw = graph(node("db", DATABASE, databaseType=kind, **config))
    found: dict[str, Any] = compose_of(stack_of(raw))["services"]["db"]
    return found


def mount_of(**config: Any) -> tuple[str, str]:
    """Where the volume is and where PostgreSQL is told to keep its data, which is nothing where the image knows it."""
    found = database(**config)
    (volume,) = found["volumes"]
    return volume.partition(":")[2], found["environment"].get("PGDATA", "")


def refused(kind: str = "postgresql", **config: Any) -> str:
    with pytest.raises(GraphInvalid) as caught:
        database(kind, **config)
    return str(caught.value)


@pytest.mark.parametrize(
    "image",
    [
        "postgres:17", "postgres:16.10-bookworm", "postgres:9.6", "library/postgres:16",
        "registry.example.org:5000/library/postgres:16", "localhost:5000/postgres:17-alpine",
        "docker.io/library/postgres:16", f"postgres:16@{DIGEST}", f"docker.io/library/postgres:16@{DIGEST}",
        "registry.example.org:8443/mirror/docker.io/library/postgres:15-alpine3.20",
        "pgvector/pgvector:pg17", "pgvector/pgvector:0.8.1-pg16", "timescale/timescaledb:2.23.0-pg17",
        "postgis/postgis:17-3.5-alpine", "apache/age:release_PG16_1.5.0", "supabase/postgres:17.4.1.014",
        "tensorchord/pgvecto-rs:pg16-v0.2.1", "ghcr.io/immich-app/postgres:14-vectorchord0.4.3-pgvectors0.2.0",
    ],
)  # fmt: skip
def test_releases_before_18_keep_their_data_at_the_old_place(image: str) -> None:
    assert mount_of(image=image) == (OLD, "")


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("postgres:18", 18), ("postgres:18.1-trixie", 18), ("postgres:18beta1", 18), ("postgres:19-alpine", 19),
        ("registry.example.org:5000/postgres:18", 18), (f"postgres:18@{DIGEST}", 18),
        ("pgvector/pgvector:pg18", 18), ("pgvector/pgvector:0.8.1-pg18-trixie", 18),
        ("timescale/timescaledb:2.23.0-pg18", 18), ("postgis/postgis:18-3.6", 18),
        ("registry.example.org:16/team/timescaledb:latest-pg18", 18), ("tensorchord/vchord-postgres:pg18-v0.5.3", 18),
    ],
)  # fmt: skip
def test_releases_from_18_on_keep_it_in_a_folder_of_their_own_below_the_volume(image: str, release: int) -> None:
    assert mount_of(image=image) == (PARENT, f"{PARENT}/{release}/docker")


@pytest.mark.parametrize(
    "image",
    [
        "postgres", "postgres:latest", "postgres:alpine", "postgres:trixie", "docker.io/library/postgres",
        "registry.example.org:18/postgres", "postgis/postgis:latest", "citusdata/citus:13.0",
        "paradedb/paradedb:latest",
        "postgres:20250101",
    ],
)  # fmt: skip
def test_where_the_name_does_not_tell_the_release_the_place_does_not_depend_on_it(image: str) -> None:
    """The place where earlier stacks have their volume, so that none begins empty."""
    assert mount_of(image=image) == (OLD, OLD)


@pytest.mark.parametrize("image", [f"postgres@{DIGEST}", f"postgres@sha256:{'ab' * 32}", "acme/our-db:19"])
def test_where_nothing_can_be_known_the_graph_must_say_the_release(image: str) -> None:
    said = refused(image=image)
    assert "config.databaseVersion" in said
    assert "which release of PostgreSQL" in said
    assert mount_of(image=image, databaseVersion="16") == (OLD, "")
    assert mount_of(image=image, databaseVersion="18") == (PARENT, f"{PARENT}/18/docker")


@pytest.mark.parametrize(
    ("kind", "image", "place"),
    [
        ("postgresql", "bitnami/postgresql:17", "/bitnami"),
        ("postgresql", "docker.io/bitnamilegacy/postgresql:17.6.0-debian-12-r4", "/bitnami"),
        ("postgresql", "public.ecr.aws:443/bitnami/postgresql:16", "/bitnami"),
        ("postgresql", "timescale/timescaledb-ha:pg17", "/home/postgres/pgdata"),
        ("postgresql", "kartoza/postgis:16-3.4", "/var/lib/postgresql/"),
        ("postgresql", "percona/percona-distribution-postgresql:17", "/data/db"),
        ("postgresql", "quay.io/sclorg/postgresql-16-c9s:latest", "/var/lib/pgsql"),
        ("postgresql", "cimg/postgres:16.4", "/dev/shm"),
        ("postgresql", "ghcr.io/zalando/spilo-17:4.0-p2", "/home/postgres"),
        ("mysql", "bitnami/mysql:8.4", "/bitnami"),
        ("mariadb", "lscr.io/linuxserver/mariadb:11", "/config"),
        ("mariadb", "bitnami/mariadb", "/bitnami"),
        ("mongodb", "bitnami/mongodb:8", "/bitnami"),
        ("redis", "bitnami/redis:8.0", "/bitnami"),
        ("redis", "redis/redis-stack-server:7.4.0-v3", "redis:8"),
        ("valkey", "bitnami/valkey:8", "/bitnami"),
        ("rabbitmq", "bitnami/rabbitmq:4.0", "/bitnami"),
        ("kafka", "bitnami/kafka:4.0", "/bitnami"),
        ("minio", "bitnami/minio:2025", "/bitnami"),
    ],
)  # fmt: skip
def test_an_image_known_to_work_in_another_way_is_refused_by_name(kind: str, image: str, place: str) -> None:
    said = refused(kind, image=image)
    assert "config.image" in said
    assert image in said
    assert place in said


@pytest.mark.parametrize(
    ("kind", "image", "places"),
    [
        ("mysql", "registry.example.org:8/percona/percona-server:8.4", ["/var/lib/mysql"]),
        ("mariadb", f"docker.io/library/mariadb@{DIGEST}", ["/var/lib/mysql"]),
        ("mongodb", "percona/percona-server-mongodb:7.0", ["/data/db", "/data/configdb"]),
        ("redis", "localhost:6379/redis", ["/data"]),
        ("rabbitmq", "registry.example.org:5000/rabbitmq:4-management", ["/var/lib/rabbitmq"]),
    ],
)
def test_other_kinds_keep_theirs_at_one_place_under_every_name(kind: str, image: str, places: list[str]) -> None:
    assert [each.partition(":")[2] for each in database(kind, image=image)["volumes"]] == places


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("postgresql", "PGDATA", "/data"),
        ("postgresql", "PGDATA", "/var/lib/postgresql"),
        ("postgresql", "PGDATA", "/var/lib/postgresql/data/../elsewhere"),
        ("postgresql", "POSTGRES_INITDB_WALDIR", "/wal"),
        ("rabbitmq", "RABBITMQ_MNESIA_BASE", "/mnesia"),
        ("kafka", "KAFKA_LOG_DIRS", "/var/lib/kafka/data,/more"),
    ],
)
def test_a_variable_that_moves_data_out_of_the_volume_is_refused(kind: str, name: str, value: str) -> None:
    said = refused(kind, **{f"env__{name}": value})
    assert f"config.env.{name}" in said
    assert "outside its volume" in said
    assert f"config.secret.{name}" in refused(kind, **{f"secret__{name}": value})


def test_a_variable_that_stays_inside_the_volume_is_taken() -> None:
    assert database(env__PGDATA=f"{OLD}/pgdata")["environment"]["PGDATA"] == f"{OLD}/pgdata"


@pytest.mark.parametrize("key", ["host", "externalHost", "url", "connectionString", "endpoint"])
def test_a_database_that_lies_elsewhere_is_not_begun_empty(key: str) -> None:
    said = refused(**{key: "db.example.org"})
    assert f"config.{key}" in said
    assert "external=true" in said
    assert database(**{key: ""})


def test_a_database_that_says_no_more_than_that_it_is_external_is_not_begun_empty() -> None:
    assert "config.host: is needed" in refused(external="true")
    assert database(external="false")
    assert "config.hostname" in refused(hostname="db.example.org")


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest"),
    [
        ("postgres", "docker.io", "library/postgres", "", ""),
        ("a/b:1", "docker.io", "a/b", "1", ""),
        ("localhost/b", "localhost", "b", "", ""),
        ("r.example:5000/a/b:1", "r.example:5000", "a/b", "1", ""),
        ("r:5000/b", "r:5000", "b", "", ""),
        (f"r:5000/b:1@{DIGEST}", "r:5000", "b", "1", DIGEST),
        (f"b@{DIGEST}", "docker.io", "library/b", "", DIGEST),
    ],
)
def test_the_parts_of_a_reference(text: str, domain: str, path: str, tag: str, digest: str) -> None:
    found = parse_reference(text)
    assert (found.domain, found.path, found.tag, found.digest) == (domain, path, tag, digest)


@pytest.mark.parametrize("text", ["", "A", "a:b:c", "a//b", "a@sha256:1", "-a", "r:5000", "a/../b"])
def test_what_is_no_reference(text: str) -> None:
    if text == "r:5000":
        assert parse_reference(text).tag == "5000"
        return
    with pytest.raises(ValueError, match="no reference"):
        parse_reference(text)


def test_a_default_image_with_a_known_fault_is_named_until_another_is_chosen() -> None:
    warnings = stack_of(graph(node("s3", DATABASE, databaseType="minio"))).warnings
    assert [each for each in warnings if "CVE-2025-62506" in each]
    assert stack_of(graph(node("s3", DATABASE, databaseType="minio", image="acme/minio:1"))).warnings == ()
