"""The journal: numbers, repeats, what survives a restart. Real SQLite on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import DEPLOYING, MAX_LOG_BYTES, Reporter
from agents.runner.errors import StateDirBusyError
from agents.runner.journal.command_journal import Journal, Receipt
from agents.runner.journal.store import Store, lock_state_dir


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "journal.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def journal(store: Store) -> Journal:
    return Journal(store)


def command(number: int, *, lane: str = "lane", name: str = "") -> pb.Command:
    return pb.Command(
        command_id=name or f"c{number}", lane=lane, number=number, deployment_id=f"d{number}", deploy=pb.Deploy()
    )


def reporter(journal: Journal, *, masker: Masker | None = None, command_id: str = "c1") -> Reporter:
    return Reporter(
        journal=journal,
        command_id=command_id,
        deployment_id="d1",
        masker=masker or Masker(),
        now_ms=lambda: 1,
        wake=lambda: None,
    )


def pending(journal: Journal) -> list[pb.Report]:
    return [pb.Report.FromString(each.body) for each in journal.pending_reports(after=0, limit=1000)]


def test_a_number_is_taken_once_per_lane(journal: Journal) -> None:
    assert journal.receive(command(2)) is Receipt.NEW
    assert journal.receive(command(2)) is Receipt.REPEAT
    assert journal.receive(command(1)) is Receipt.STALE
    assert journal.receive(command(2, name="other")) is Receipt.STALE
    assert journal.receive(command(1, lane="another", name="x")) is Receipt.NEW
    assert journal.receive(command(3)) is Receipt.NEW
    assert [entry.id for entry in journal.unfinished()] == ["x", "c2", "c3"]


def test_it_is_all_there_after_a_restart(tmp_path: Path) -> None:
    first = Store(tmp_path / "j")
    journal = Journal(first)
    journal.receive(command(1))
    reporter(journal).stage(DEPLOYING, 50, "half")
    first.close()
    journal = Journal(Store(tmp_path / "j"))
    again = reporter(journal)
    again.stage(DEPLOYING, 50, "told before")
    again.stage(DEPLOYING, 60, "news")
    assert [(report.number, report.stage.percent) for report in pending(journal)] == [(1, 50), (2, 60)]
    assert journal.receive(command(1)) is Receipt.REPEAT
    journal.store.close()


def test_acknowledged_reports_are_forgotten_and_numbers_go_on(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    told.stage(DEPLOYING, 10, "")
    told.stage(DEPLOYING, 20, "")
    assert journal.acknowledge(command_id="c1", number=2) == 2
    assert journal.acknowledge(command_id="c1", number=2) == 0
    told.stage(DEPLOYING, 30, "")
    assert [report.number for report in pending(journal)] == [3]


def test_the_end_is_one_transaction(journal: Journal) -> None:
    journal.receive(command(1))

    def broken() -> None:
        raise RuntimeError("died here")

    with pytest.raises(RuntimeError, match="died here"):
        reporter(journal).finished(pb.CommandFinished(outcome=pb.SUCCEEDED), also=broken)
    assert pending(journal) == []
    assert [entry.id for entry in journal.unfinished()] == ["c1"]


def test_nothing_is_said_after_the_end(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    told.finished(pb.CommandFinished(outcome=pb.SUCCEEDED), also=lambda: None)
    told.log(source="apply", text="late\n")
    told.flush()
    assert [report.WhichOneof("body") for report in pending(journal)] == ["finished"]


def test_lines_are_gathered_and_other_news_keeps_its_place(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    told.log(source="apply", text="one\n")
    told.log(source="apply", text="two\n")
    told.log(source="build", service="web", text="three\n")
    told.stage(DEPLOYING, 10, "")
    bodies = pending(journal)
    assert [body.log.text for body in bodies] == ["one\ntwo\n", "three\n", ""]
    assert bodies[1].log.service_name == "web"
    assert bodies[2].stage.percent == 10


def test_a_log_has_an_end(journal: Journal) -> None:
    journal.receive(command(1))
    told = reporter(journal)
    for _ in range(MAX_LOG_BYTES // 4000 + 10):
        told.log(source="build", text="x" * 3999 + "\n")
    told.flush()
    texts = [report.log.text for report in pending(journal)]
    assert sum(len(text) for text in texts) < MAX_LOG_BYTES + 1000
    assert [text for text in texts if "left out" in text] == [texts[-1]]


def test_values_are_masked_in_every_kind_of_report(journal: Journal) -> None:
    journal.receive(command(1))
    masker = Masker()
    masker.learn(["hunter2-hunter2"])
    told = reporter(journal, masker=masker)
    told.log(source="apply", text="pw=hunter2-hunter2\n")
    told.stage(DEPLOYING, 10, "hunter2-hunter2")
    told.restore_started(reason="r", message="hunter2-hunter2", service="web", log_tail=["hunter2-hunter2"])
    observed = pb.ServiceObserved(service_name="web", error_message="hunter2-hunter2")
    told.service(observed)
    finished = pb.CommandFinished(message="hunter2-hunter2", log_tail=["hunter2-hunter2"], services=[observed])
    told.finished(finished, also=lambda: None)
    assert len(pending(journal)) == 5
    for body in pending(journal):
        assert b"hunter2" not in body.SerializeToString()
        assert b"***" in body.SerializeToString()


def test_two_runners_do_not_share_a_directory(tmp_path: Path) -> None:
    lock_state_dir(tmp_path / "state")
    with pytest.raises(StateDirBusyError, match="Another runner"):
        lock_state_dir(tmp_path / "state")
