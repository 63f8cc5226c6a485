"""What will happen, with the reason for each change."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from stackgen.plan import Plan, compare_services
from stackgen.results import Stack, StackOptions
from tests.stackgen.graphs import DATABASE, GATEWAY, graph, node, stack_of, web


def shop(**changes: Any) -> dict[str, Any]:
    api: dict[str, Any] = {"env__A": "1", **changes}
    return graph(
        node("g", GATEWAY), web("api", **api), node("db", DATABASE, databaseType="redis"), edges=["g api", "api db"]
    )


def compare(*, old: Stack | None, new: Stack, new_values: Collection[str] = ()) -> Plan:
    return compare_services(old=old.services if old else (), new=new.services, new_values=new_values)


def actions(old: dict[str, Any] | None, new: dict[str, Any], **options: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    plan = compare(old=stack_of(old) if old else None, new=stack_of(new), **options)
    return [(change.action, change.service, change.reasons) for change in plan.changes]


def test_a_first_deployment_creates_everything_in_order() -> None:
    plan = compare(old=None, new=stack_of(shop()))
    assert [(change.action, change.service, change.downtime) for change in plan.changes] == [
        ("create", "db", False), ("create", "api", False), ("create", "g", False),
    ]  # fmt: skip
    assert plan.text() == (
        "create   db   (new in the graph)\ncreate   api  (new in the graph)\ncreate   g    (new in the graph)\n"
    )
    assert compare_services(old=(), new=()).text() == ""


def test_nothing_changed_is_nothing_to_do() -> None:
    assert {change[0] for change in actions(shop(), shop())} == {"keep"}
    assert compare(old=stack_of(shop()), new=stack_of(shop())).text() == "keep     db\nkeep     api\nkeep     g\n"


def test_a_changed_variable_names_itself_and_touches_nobody_else() -> None:
    assert actions(shop(), shop(env__A="2", env__B="x")) == [
        ("keep", "db", ()), ("replace", "api", ("A changed", "B added")), ("keep", "g", ()),
    ]  # fmt: skip


def test_image_network_and_route_are_reasons() -> None:
    new = shop(path="/x")
    new["nodes"][1]["data"]["config"]["image"] = "nginx:2"
    new["edges"].append({"id": "n", "source": "g", "target": "db", "type": 2})
    moved = ("network api-db-g added", "network api-g removed")
    assert actions(shop(), new) == [
        ("replace", "db", ("network api-db removed", "network api-db-g added")),
        ("replace", "api", ("image changed", "network api-db removed", *moved)),
        ("replace", "g", ("Caddyfile.g changed", *moved)),
    ]


def test_more_copies_replace_nothing() -> None:
    found = {change[1]: change[::2] for change in actions(shop(replicas="2"), shop(replicas="3"))}
    assert found["api"] == ("keep", ("2 copies become 3",))
    hashes = [stack_of(shop(replicas=count)).services[1].content_hash for count in ("1", "2", "3")]
    assert len(set(hashes)) == 1


def test_another_value_restarts_exactly_its_users() -> None:
    raw = shop()
    assert actions(raw, raw, new_values=["SECRET_DB_PASSWORD", "SECRET_DB_PASSWORD_URLENCODED"]) == [
        ("restart", "db", ("DB_PASSWORD changed",)),
        ("restart", "api", ("DB_PASSWORD changed",)),
        ("keep", "g", ()),
    ]


def test_what_the_graph_lost_goes_last_and_a_rename_is_one_change() -> None:
    new = shop()
    new["nodes"][1]["data"]["serviceName"] = "backend"
    del new["nodes"][2], new["edges"][1]
    found = actions(shop(), new)
    assert found[0][:2] == ("replace", "backend")
    assert "renamed from api" in found[0][2]
    assert found[-1][:2] == ("remove", "db")
    assert found[-1][2][0] == "no longer in the graph"


def test_only_what_holds_data_or_a_port_of_the_host_stops_first() -> None:
    def downtime(engine: Any) -> dict[str, bool]:
        options = StackOptions(engine=engine)
        old = stack_of(shop(), options=options)
        new = stack_of(shop(env__A="2", path="/other"), options=options)
        values = ["SECRET_DB_PASSWORD"]
        return {change.service: change.downtime for change in compare(old=old, new=new, new_values=values).changes}

    assert downtime("compose") == {"db": True, "api": False, "g": True}
    assert downtime("swarm") == {"db": True, "api": False, "g": False}


def test_under_another_name_nobody_answers_for_a_while() -> None:
    new = shop()
    new["nodes"][1]["data"]["serviceName"] = "backend"
    plan = compare(old=stack_of(shop()), new=stack_of(new))
    assert {change.service: change.downtime for change in plan.changes}["backend"]


def test_a_database_added_again_says_that_it_begins_empty_and_where_the_old_data_is() -> None:
    old = graph(node("db", DATABASE, id="one", databaseType="postgresql"))
    new = graph(node("db", DATABASE, id="two", databaseType="postgresql"))
    (volume,) = stack_of(old).services[0].volumes
    stays = f"the data of db stays in volume {volume}"
    assert actions(old, new) == [
        ("create", "db", ("new in the graph", f"begins empty; {stays}")),
        ("remove", "db", ("no longer in the graph", f"its data stays in volume {volume}")),
    ]
    renamed = graph(node("orders", DATABASE, id="one", databaseType="postgresql"))
    assert not any("empty" in reason for _, _, reasons in actions(old, renamed) for reason in reasons)
    assert actions(None, new) == [("create", "db", ("new in the graph",))]


def test_a_service_whose_image_keeps_data_is_replaced_where_it_stands() -> None:
    old, new = stack_of(graph(web("notes", env__A="1"))), stack_of(graph(web("notes", env__A="2")))
    (change,) = compare_services(old=old.services, new=new.services, image_volumes=["notes"]).changes
    assert (change.action, change.reasons, change.downtime) == (
        "replace", ("A changed", "keeps the volume of its image"), True,
    )  # fmt: skip
    (kept,) = compare_services(old=old.services, new=old.services, image_volumes=["notes"]).changes
    assert (kept.action, kept.reasons) == ("keep", ())
