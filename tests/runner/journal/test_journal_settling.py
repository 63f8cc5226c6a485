"""What the journal knows when the other side knows less, more or nothing: real SQLite on disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import PROTOCOL
from agents.runner.control_plane.identity import Identity
from agents.runner.control_plane.reports import DEPLOYING, Reporter
from agents.runner.errors import JournalDamagedError, JournalTooNewError
from agents.runner.hello_message import build_hello
from agents.runner.journal.command_journal import Journal, Receipt
from agents.runner.journal.store import FIRST, STEPS, Store
from tests.runner.journal.test_journal import command, pending, reporter


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    store = Store(path)
    yield Journal(store)
    store.close()


def identity(name: str = "agent-1") -> Identity:
    return Identity(agent_id=name, server_id="s", credential="c", token_hash="")


def finish(told: Reporter, message: str = "done") -> None:
    told.finished(pb.CommandFinished(outcome=pb.SUCCEEDED, message=message), also=lambda: None)


def repeat(number: int, *, stored: int) -> pb.Command:
    again = command(number)
    again.last_report_number = stored
    return again


def numbers(journal: Journal) -> list[int]:
    return [report.number for report in pending(journal)]


# ---- the control plane forgot what it had stored ----


def test_the_end_is_told_again_to_who_forgot_it(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    for percent in (10, 20, 30):
        told.stage(DEPLOYING, percent, "")
    finish(told)
    journal.acknowledge(command_id="c1", number=4)
    assert journal.receive(repeat(1, stored=2)) is Receipt.REPEAT
    (last,) = pending(journal)
    assert (last.number, last.finished.outcome, last.finished.message) == (3, pb.SUCCEEDED, "done")
    assert (last.command_id, last.deployment_id) == ("c1", "d1")


def test_an_end_that_was_never_acknowledged_is_not_told_twice(journal: Journal) -> None:
    journal.receive(command(1))
    finish(reporter(journal))
    journal.receive(repeat(1, stored=0))
    assert numbers(journal) == [1]


def test_a_gap_that_nobody_can_fill_is_closed(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    for percent in (10, 20, 30, 40):
        told.stage(DEPLOYING, percent, "")
    journal.acknowledge(command_id="c1", number=2)
    assert numbers(journal) == [3, 4]
    journal.acknowledge(command_id="c1", number=0)
    assert numbers(journal) == [1, 2]
    told.stage(DEPLOYING, 50, "")
    assert numbers(journal) == [1, 2, 3]


def test_an_old_word_about_stored_reports_takes_no_number_back(journal: Journal) -> None:
    """A repeat that left before the last acknowledgement must not make us use a number twice."""
    journal.receive(command(1))
    told = reporter(journal)
    told.stage(DEPLOYING, 10, "")
    told.stage(DEPLOYING, 20, "")
    journal.acknowledge(command_id="c1", number=2)
    journal.receive(repeat(1, stored=1))
    told.stage(DEPLOYING, 30, "")
    assert numbers(journal) == [3]


def test_a_gateway_that_does_not_tell_changes_no_number(journal: Journal) -> None:
    journal.receive(command(1))
    finish(reporter(journal))
    journal.acknowledge(command_id="c1", number=1)
    journal.receive(command(1), numbered=False)
    assert numbers(journal) == []


# ---- the journal was lost, or is an older copy ----


def test_a_command_that_another_journal_worked_on_is_numbered_on(journal: Journal) -> None:
    assert journal.receive(repeat(1, stored=13)) is Receipt.NEW
    reporter(journal).stage(DEPLOYING, 10, "")
    assert numbers(journal) == [14]


def test_an_older_copy_goes_on_from_what_is_stored(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    told.stage(DEPLOYING, 10, "")
    journal.receive(repeat(1, stored=9))
    told.stage(DEPLOYING, 20, "")
    assert numbers(journal) == [10]


def test_a_journal_has_a_name_of_its_own(journal: Journal, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    assert len(journal.id) == 32
    assert journal.id != Journal(other).id
    other.close()


# ---- another control plane, or another identity ----


def test_nothing_goes_on_for_somebody_else_before_he_says_so(journal: Journal) -> None:
    assert not journal.record_control_plane(agent_id="a1", ledger="l1")
    journal.receive(command(1))
    written = journal.store._connection.total_changes
    assert not journal.record_control_plane(agent_id="a1", ledger="l1")
    assert journal.store._connection.total_changes == written, "each connection would write to the disk"
    assert journal.next_in_lane("lane") is not None
    assert journal.record_control_plane(agent_id="a2", ledger="l1")
    assert journal.next_in_lane("lane") is None
    assert journal.workable() == {}
    assert [entry.id for entry in journal.unfinished()] == ["c1"]
    journal.receive(repeat(1, stored=0))
    assert journal.next_in_lane("lane") is not None


def test_what_nobody_confirmed_ends_with_the_next_command_of_its_lane(journal: Journal) -> None:
    journal.record_control_plane(agent_id="a1", ledger="l1")
    journal.receive(command(1))
    journal.receive(command(1, lane="another", name="other"))
    assert journal.record_control_plane(agent_id="a1", ledger="l2")
    journal.receive(command(2))
    assert [entry.id for entry in journal.unfinished()] == ["other", "c2"]


def test_the_first_word_of_a_ledger_is_no_change(journal: Journal) -> None:
    journal.receive(command(1))
    assert not journal.record_control_plane(agent_id="a1", ledger="l1")
    assert journal.next_in_lane("lane") is not None


def test_hello_says_all_that_both_sides_compare(journal: Journal) -> None:
    journal.record_control_plane(agent_id="agent-1", ledger="l1")
    journal.receive(command(3))
    said = build_hello(journal=journal, identity=identity(), instance_id="i")
    assert (said.protocol, said.journal_id, said.ledger_incarnation) == (PROTOCOL, journal.id, "l1")
    assert dict(said.highest_numbers) == {"lane": 3}
    assert list(said.unfinished_command_ids) == ["c3"]
    assert build_hello(journal=journal, identity=identity("agent-2"), instance_id="i").ledger_incarnation == ""


# ---- versions of the file ----


def test_a_journal_of_the_first_version_is_brought_forward(path: Path) -> None:
    before = sqlite3.connect(path)
    before.executescript(FIRST)
    before.execute("INSERT INTO lanes VALUES ('lane', 7)")
    before.execute(
        "INSERT INTO commands (id, lane, number, deployment, kind, payload)"
        " VALUES ('c7', 'lane', 7, 'd7', 'deploy', ?)",
        (command(7).SerializeToString(),),
    )
    before.commit()
    before.close()
    store = Store(path)
    journal = Journal(store)
    assert [entry.id for entry in journal.unfinished()] == ["c7"]
    assert journal.receive(command(6)) is Receipt.STALE
    assert journal.id
    assert store.row("PRAGMA user_version")[0] == len(STEPS)  # type: ignore[index]
    name = journal.id
    store.close()
    again = Store(path)
    assert Journal(again).id == name
    again.close()


def test_a_newer_journal_is_refused_and_left_alone(path: Path) -> None:
    Store(path).close()
    newer = sqlite3.connect(path)
    # As a newer agent may keep it; opening it must not even change that.
    newer.execute("PRAGMA journal_mode = DELETE")
    newer.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(JournalTooNewError, match="newer agent"):
        Store(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("where", [0, 4096])
def test_a_damaged_journal_is_named(path: Path, where: int) -> None:
    store = Store(path)
    journal = Journal(store)
    for number in range(1, 50):
        journal.receive(command(number))
    store.close()
    damaged = bytearray(path.read_bytes())
    damaged[where : where + 9000] = b"\xff" * 9000
    path.write_bytes(damaged)
    with pytest.raises(JournalDamagedError, match=r"journal\.sqlite3 is damaged"):
        Store(path)
