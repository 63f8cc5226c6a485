"""What Docker says of running containers becomes a graph that refers to their volumes; nothing disappears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackgen.compose_import.inspection.containers import Seen, groups_of, read_seen
from stackgen.compose_import.inspection.project import Adopted, adopt
from stackgen.compose_import.report import Outcome
from tests.stackgen.graphs import stack_of

IMAGE = {"Env": ["PATH=/bin", "PGDATA=/var/lib/postgresql/data"], "Cmd": ["postgres"], "Entrypoint": ["entry.sh"]}


def told(name: str, *, image: str, labels: dict[str, str] | None = None, **said: Any) -> dict[str, Any]:
    """A container as an agent describes it."""
    config = {"Image": image, "Hostname": name[:12], "Labels": labels or {}, **said.pop("config", {})}
    return {
        "id": f"{name:0<64}",
        "name": name,
        "image_id": f"sha256:{name}",
        "config": config,
        "host": {"NetworkMode": "shop_default", **said.pop("host", {})},
        "tags": [image],
        "networks": {"shop_default": {"Aliases": [name]}},
        **said,
    }


def of_project(service: str, number: int = 1, **more: str) -> dict[str, str]:
    names = {"project": "shop", "service": service, "container-number": str(number), **more}
    return {f"com.docker.compose.{key}": text for key, text in names.items()}


SHOP = (
    told(
        "shop-db-1",
        image="postgres:16",
        labels=of_project("db"),
        config={"Env": [*IMAGE["Env"], "POSTGRES_PASSWORD=pa$$ word", "POSTGRES_DB=shop"], "Cmd": ["postgres"]}
        | {"Entrypoint": ["entry.sh"]},
        mounts=[{"Type": "volume", "Name": "shop_pg", "Destination": "/var/lib/postgresql/data", "RW": True}],
    ),
    told(
        "shop-web-1",
        image="shop/web:1",
        labels=of_project("web", depends_on="db:service_healthy:true"),
        config={
            "Env": ["PATH=/bin", "DATABASE_URL=postgres://postgres:pa%24%24%20word@db:5432/shop", "API_KEY=k$1", "N=5"],
            "Cmd": ["serve", "--fast"],
            "Healthcheck": {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 4},
        },
        host={
            "PortBindings": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]},
            "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
            "Memory": 64 * 1024 * 1024,
            "BlkioWeight": 300,
        },
        mounts=[
            {"Type": "volume", "Name": "a" * 64, "Destination": "/var/cache/web", "RW": True},
            {"Type": "bind", "Source": "/srv/site", "Destination": "/site", "RW": False},
        ],
    ),
    told("shop-worker-1", image="shop/web:1", labels=of_project("worker")),
    told("shop-worker-2", image="shop/web:1", labels=of_project("worker", 2)),
    told("lonely", image="redis:7", host={"NetworkMode": "default", "AutoRemove": True}),
)


def seen() -> tuple[Seen, ...]:
    found = [{**each, "image": IMAGE if each["name"] == "shop-db-1" else {"Env": ["PATH=/bin"]}} for each in SHOP]
    return read_seen(json.loads(json.dumps(found)))


@pytest.fixture
def shop() -> Adopted:
    everything = seen()
    return adopt([groups_of(everything)[0]], all_containers=everything)


def config_of(adopted: Adopted, name: str) -> dict[str, str]:
    nodes: Any = adopted.imported.graph["nodes"]
    return next(dict(node["data"]["config"]) for node in nodes if node["id"] == name)


def test_a_project_and_single_containers_are_told_apart() -> None:
    project, alone = groups_of(seen())
    assert (project.name, project.is_project, [each.name for each in project.containers]) == (
        "shop",
        True,
        ["shop-db-1", "shop-web-1", "shop-worker-1", "shop-worker-2"],
    )
    assert (alone.name, alone.is_project) == ("lonely", False)
    assert "--rm" in alone.why_not
    with pytest.raises(ValueError, match="--rm"):
        adopt([alone], all_containers=seen())
    with pytest.raises(ValueError, match="no description"):
        read_seen([{"id": "x"}])


def test_nodes_refer_to_the_volumes_that_are_there(shop: Adopted) -> None:
    assert shop.volumes == ("a" * 64, "shop_pg")
    assert config_of(shop, "db")["volumeName.data"] == "shop_pg"
    web = config_of(shop, "web")
    assert (web["volume.var-cache-web"], web["volumeName.var-cache-web"]) == ("/var/cache/web", "a" * 64)
    stack = stack_of(shop.imported.graph)
    text = stack.files["docker-compose.yml"]
    assert "name: shop_pg\n    external: true" in text
    assert {"shop_pg", "a" * 64} == {name for service in stack.services for name in service.volumes}


def test_what_a_container_is_told_is_sealed_or_a_reference(shop: Adopted) -> None:
    web, db = config_of(shop, "web"), config_of(shop, "db")
    assert (db["databaseType"], db["password"], db["database"]) == ("postgresql", "pa$$ word", "shop")
    assert (web["secret.API_KEY"], web["secret.N"]) == ("k$1", "5")
    assert web["env.DATABASE_URL"] == "postgres://postgres:${node.db.passwordUrl}@${node.db.host}:5432/shop"
    assert not [key for key in web if key.startswith("env.") and key != "env.DATABASE_URL"]
    assert not [line for line in shop.imported.lines if "pa$$ word" in line.text or "k$1" in line.text]


def test_how_it_was_started_stays(shop: Adopted) -> None:
    web = config_of(shop, "web")
    assert json.loads(web["command"]) == ["serve", "--fast"]
    assert (web["restart"], web["memory"], web["healthRetries"]) == ("always", str(64 * 1024 * 1024), "4")
    assert config_of(shop, "worker")["replicas"] == "2"
    assert "127.0.0.1:8080:80" in web["ports"]
    assert web["hostPath./site"] == "/srv/site:ro"
    lost = [line.text for line in shop.imported.lines if line.outcome is Outcome.NOT_KEPT]
    assert "BlkioWeight = 300" in lost
    assert {"source": "web", "target": "db"}.items() <= dict(shop.imported.graph["edges"][0]).items()  # type: ignore[index]


def test_data_at_another_place_than_a_database_nodes_keeps_its_service() -> None:
    elsewhere = {**SHOP[0], "image": IMAGE, "mounts": [{**SHOP[0]["mounts"][0], "Destination": "/var/lib/postgresql"}]}
    everything = read_seen([elsewhere])
    made = adopt(groups_of(everything), all_containers=everything)
    config = config_of(made, "db")
    assert "databaseType" not in config
    assert (config["volume.pg"], config["volumeName.pg"]) == ("/var/lib/postgresql", "shop_pg")
    assert config["secret.POSTGRES_PASSWORD"] == "pa$$ word"


def test_who_is_left_behind_is_named() -> None:
    other = {**told("backup", image="backup:1"), "mounts": SHOP[0]["mounts"]}
    everything = (*seen(), *read_seen([other]))
    made = adopt([groups_of(everything)[0]], all_containers=everything)
    needed = [line.text for line in made.imported.lines if line.outcome is Outcome.NEEDED]
    assert any("backup have the volume shop_pg open" in text for text in needed), needed
    assert any("backup on the network shop_default" in text for text in needed), needed
