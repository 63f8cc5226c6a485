"""What the journal remembers of stacks and releases. Real SQLite on disk, no Docker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.cleanup.known_stacks import known_stacks
from agents.runner.cleanup.needs import KnownStack, needed_releases, needs_of
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.releases import Before, Phase, Releases
from agents.runner.journal.store import Store
from agents.runner.planning.model import Target


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "journal.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def journal(store: Store) -> Journal:
    return Journal(store)


@pytest.fixture
def releases(store: Store, tmp_path: Path) -> Releases:
    return Releases(store=store, folder=tmp_path / "releases")


def order(number: int, *, services: bool = True, pinned: str = "") -> pb.Command:
    web = pb.ServiceSpec(name="web", image=f"axion/axion-shop-web:{number}")
    deploy = pb.Deploy(
        stack_name="axion-shop",
        files={"docker-compose.yml": "services: {}"},
        services=[web] if services else [],
        pinned_images={"web": pinned} if pinned else None,
    )
    return pb.Command(
        command_id=f"c{number}", lane="l", number=number, deployment_id=f"d{number}", project_id="p", deploy=deploy
    )


def succeed(journal: Journal, releases: Releases, command: pb.Command) -> None:
    journal.receive(command)
    record = releases.begin(command=command, before=Before(), base=releases.current("axion-shop"))
    images = {"web": f"sha256:{command.number}"}
    releases.apply(
        deployment_id=command.deployment_id,
        target=Target(services=record.release.services, owners={"web": command.deployment_id}, images=images),
    )
    releases.finish(record=record, phase=Phase.CURRENT, runs=command.deployment_id)
    journal.finish(pb.Report(command_id=command.command_id, finished=pb.CommandFinished(outcome=pb.SUCCEEDED)))


def one(journal: Journal, releases: Releases) -> KnownStack:
    (memory,) = known_stacks(journal=journal, releases=releases)
    return memory


def test_it_knows_what_runs_what_is_at_work_and_what_history_keeps(journal: Journal, releases: Releases) -> None:
    for number in (1, 2, 3):
        succeed(journal, releases, order(number))
    assert one(journal, releases).retained == {"d1", "d2", "d3"}, "nobody said yet what history keeps"
    stack = pb.KeptStack(stack_name="axion-shop", project_id="p", image_ids=["sha256:1"], deployment_ids=["d1"])
    releases.retain(pb.Retention(number=1, stacks=[stack]))
    pinned = f"sha256:{'a' * 64}"
    journal.receive(order(4, pinned=pinned))
    memory = one(journal, releases)
    assert (memory.name, memory.project_id, memory.current) == ("axion-shop", "p", "d3")
    assert memory.retained == {"d1"}
    assert memory.working == {"d4"}
    assert [each.deployment_id for each in memory.releases] == ["d1", "d2", "d3", "d4"]
    needs = needs_of([memory], retained_images=[])
    assert pinned in needs.ids, "a command that is only received needs its images already"
    assert "axion/axion-shop-web:4" in needs.tags
    assert {"sha256:1", "sha256:2", "sha256:3"} <= needs.ids


def test_what_is_forgotten_is_gone_with_its_files(journal: Journal, releases: Releases, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        succeed(journal, releases, order(number))
        record = releases.find(f"d{number}")
        assert record is not None
        releases.write_files(release=record.release, pinned={})
    releases.retain(
        pb.Retention(number=1, stacks=[pb.KeptStack(stack_name="axion-shop", project_id="p", deployment_ids=["d3"])])
    )
    memory = one(journal, releases)
    useless = {each.deployment_id for each in memory.releases} - needed_releases(memory)
    assert useless == {"d1"}
    releases.forget(stack="axion-shop", deployment_ids=useless)
    assert releases.find("d1") is None
    assert sorted(each.name for each in (tmp_path / "releases" / "axion-shop").iterdir()) == ["d2", "d3"]


def test_a_stop_counts_as_having_touched_the_stack(releases: Releases) -> None:
    assert not releases.begin(command=order(1), before=Before(), base="").touched
    assert releases.begin(command=order(2, services=False), before=Before(), base="").touched
