"""Which release may take over whose data, kind by kind, as their makers say."""

from __future__ import annotations

import pytest

from stackgen.databases.known import KINDS, data_release, move_between

ALLOWED = """
postgresql 17 -> postgresql 17
mysql 5.7 -> mysql 8.0
mysql 8.0 -> mysql 8.4
mysql 8.0.36 -> mysql 8.0.40
mysql 8.0 -> mysql 8.3
mysql 8.4 -> mysql 9.2
mysql 8 -> mysql 8.4
mariadb 10.6 -> mariadb 11.8
mongodb 7.0 -> mongodb 8.0
mongodb 7 -> mongodb 8
mongodb 8.0 -> mongodb 8.0.4
redis 7.2 -> redis 8
redis 7.2.4 -> valkey 8
rabbitmq 3.12 -> rabbitmq 3.13
rabbitmq 3.13 -> rabbitmq 4
rabbitmq 4.0 -> rabbitmq 4.2
kafka 3.9 -> kafka 4.1
nats 2.10 -> nats 2.11
minio 2022.06.02 -> minio 2025.09.07
minio 2023.01.02 -> minio 2025.09.07
minio 2021.01.05 -> minio 2022.10.24
"""
REFUSED = """
postgresql 16 -> postgresql 18
postgresql 18 -> postgresql 17
mysql 5.7 -> mysql 8.4
mysql 5.7 -> mysql 8
mysql 8.0 -> mysql 9.0
mysql 8.4 -> mysql 8.0
mysql 8.4 -> mariadb 11.8
mariadb 11.8 -> mariadb 10.11
mariadb 11.8 -> mysql 8.4
mongodb 6.0 -> mongodb 8.0
mongodb 4.4 -> mongodb 6
mongodb 8 -> mongodb 7
redis 8 -> redis 7
redis 7 -> valkey 8
redis 8 -> valkey 8
valkey 8 -> redis 8
rabbitmq 3.11 -> rabbitmq 3.13
rabbitmq 3.12 -> rabbitmq 4.0
rabbitmq 4 -> rabbitmq 3.13
kafka 4.1 -> kafka 3.9
nats 2.11 -> nats 2.10
redis 8 -> postgresql 17
minio 2022.05.26 -> minio 2022.10.29
minio 2025.09.07 -> minio 2025.07.23
"""


def pairs(text: str) -> list[tuple[str, str]]:
    return [tuple(line.split(" -> ")) for line in text.split("\n") if line]  # type: ignore[misc]  # two each


@pytest.mark.parametrize(("old", "new"), pairs(ALLOWED))
def test_taken_over(old: str, new: str) -> None:
    assert move_between(old, new).allowed


@pytest.mark.parametrize(("old", "new"), pairs(REFUSED))
def test_refused_with_what_to_do(old: str, new: str) -> None:
    move = move_between(old, new)
    assert not move.allowed
    assert "Deploy it with" in move.advice


def test_the_way_is_named_release_by_release() -> None:
    assert "each of 6.0, 7.0, 8.0 in turn" in move_between("mongodb 5.0", "mongodb 8.0").advice
    assert "setFeatureCompatibilityVersion" in move_between("mongodb 7.0", "mongodb 8.0").advice
    assert "enable_feature_flag all" in move_between("rabbitmq 3.13", "rabbitmq 4.0").advice


@pytest.mark.parametrize(
    ("kind", "image", "version", "release"),
    [
        ("mysql", "mysql:8.4.3-oraclelinux9", None, "mysql 8.4.3"),
        ("mysql", "mysql@sha256:" + "a" * 64, 8, "mysql 8"),
        ("mysql", "mysql:8.4@sha256:" + "a" * 64, 8, "mysql 8.4"),
        ("mongodb", "percona/percona-server-mongodb:7.0", None, "mongodb 7.0"),
        ("redis", "redis:latest", None, ""),
        ("kafka", "apache/kafka:4.1.0", None, "kafka 4.1.0"),
        ("postgresql", "postgis/postgis:17-3.5", None, "postgresql 17"),
        ("memcached", "memcached:1.6", None, ""),
        ("minio", "minio/minio:RELEASE.2025-09-07T16-13-09Z-cpuv1", None, "minio 2025.09.07"),
        ("minio", "minio/minio:latest", None, ""),
    ],
)
def test_the_release_is_read_from_the_tag(kind: str, image: str, version: int | None, release: str) -> None:
    assert data_release(kind, image=image, version=version) == release


def test_every_kind_that_keeps_data_tells_its_release_by_itself_or_says_why_not() -> None:
    silent = {name for name, kind in KINDS.items() if not data_release(name, image=kind.image)}
    assert silent == {"memcached"}


def test_data_of_minio_that_may_lie_in_plain_files_is_told() -> None:
    assert "plain files" in move_between("minio 2022.08.02", "minio 2025.09.07").advice
    assert move_between("minio 2022.11.08", "minio 2025.09.07").advice == ""
