"""Everything that leaves as text is masked and bounded, however long it is, and costs next to nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.contracts import runner_pb2 as pb
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import DEPLOYING, MAX_LINE, MAX_LOG_BYTES, MAX_MESSAGE, MAX_TAIL_LINES
from agents.runner.docker import processes
from agents.runner.interrupt import Interrupt
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.store import Store
from tests.runner.journal.test_journal import command, pending, reporter

SECRET = "hunter2-" + "s" * 300
MIB = 1024 * 1024
SLACK = 64


class Counting(Masker):
    """A masker that tells how many characters it was given."""

    seen = 0

    def mask(self, text: str, *, limit: int | None = None) -> str:
        self.seen += min(len(text), limit or len(text))
        return super().mask(text, limit=limit)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    store = Store(tmp_path / "journal.sqlite3")
    made = Journal(store)
    made.receive(command(1))
    yield made
    store.close()


def knowing(*values: str) -> Counting:
    masker = Counting()
    masker.learn(values)
    return masker


@pytest.mark.parametrize("before", [0, MAX_LINE - 308, MAX_LINE - 150, MAX_LINE - 1, MAX_LINE])
def test_a_line_is_cut_and_shows_no_part_of_a_value(journal: Journal, before: int) -> None:
    made = reporter(journal, masker=knowing(SECRET))
    made.log(source="build", text="." * before + SECRET * 40 + "." * MIB + "\n")
    made.flush()
    text = "".join(report.log.text for report in pending(journal))
    assert "hunter2" not in text
    assert "sss" not in text
    assert len(text) <= MAX_LINE + SLACK
    assert text.endswith("(line cut)\n")


def test_every_line_of_a_long_text_is_bounded(journal: Journal) -> None:
    made = reporter(journal, masker=knowing(SECRET))
    made.log(source="agent", text=("x" * MIB + "\n") * 5 + "the end, " + SECRET)
    made.flush()
    lines = "".join(report.log.text for report in pending(journal)).split("\n")
    assert [len(line) <= MAX_LINE + SLACK for line in lines] == [True] * 6
    assert lines[-1] == "the end, ***"


def test_everything_else_is_masked_and_bounded(journal: Journal) -> None:
    made = reporter(journal, masker=knowing(SECRET))
    long = f"{SECRET} " * 100
    made.stage(DEPLOYING, 50, long)
    made.service(pb.ServiceObserved(service_name="web", error_message=long))
    made.restore_started(reason="build", message=long, service="web", log_tail=[long] * 50)
    finished = pb.CommandFinished(outcome=pb.FAILED, message=long, log_tail=[long] * 50)
    finished.services.append(pb.ServiceObserved(service_name="web", error_message=long))
    made.finished(finished, also=lambda: None)
    stage, service, restore, last = pending(journal)
    texts = (
        stage.stage.message,
        service.service.error_message,
        restore.restore_started.message,
        last.finished.message,
        last.finished.services[0].error_message,
    )
    assert all(0 < len(text) <= MAX_MESSAGE + SLACK and "hunter2" not in text for text in texts)
    for tail in (restore.restore_started.log_tail, last.finished.log_tail):
        assert len(tail) == MAX_TAIL_LINES
        assert all(len(line) <= MAX_LINE + SLACK and "hunter2" not in line for line in tail)


def test_a_log_that_is_full_costs_nothing_any_more(journal: Journal) -> None:
    masker = knowing(SECRET)
    made = reporter(journal, masker=masker)
    for _ in range(MAX_LOG_BYTES // 8000 + 10):
        made.log(source="build", text="y" * 8000 + "\n")
    seen = masker.seen
    for _ in range(1000):
        made.log(source="build", text="y" * 8000 + "\n")
    made.flush()
    assert masker.seen == seen


def test_a_line_among_a_thousand_values_is_told_at_once(journal: Journal) -> None:
    made = reporter(journal, masker=knowing(*("a" * 200 + f"{number:04d}" for number in range(1000))))
    took = []
    for _ in range(5):
        began = time.perf_counter()
        made.log(source="build", text="a" * MIB + "\n")
        took.append(time.perf_counter() - began)
    made.flush()
    assert min(took) < 0.05


def test_what_follows_a_line_beyond_the_bound_is_dropped_not_begun_anew() -> None:
    half = processes.MAX_LINE - 100
    program = f"print('x' * {half} + {SECRET!r} + 'y' * 100); print('next')"
    child = processes.Child(argv=[sys.executable, "-c", program], environment={}, marker="test-line", deadline=20)
    lines: list[str] = []
    processes.run(child=child, interrupt=Interrupt(), on_line=lines.append)
    assert [len(line) for line in lines] == [processes.MAX_LINE + 1, len("next\n")]
    assert lines[1] == "next\n"
