"""Commands received and reports made, on disk before anything follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agents.contracts import runner_pb2 as pb
from agents.runner.journal.store import Store

MAX_FINISHED_COMMANDS = 1000


class Receipt(StrEnum):
    """What became of a received command."""

    NEW = "new"
    REPEAT = "repeat"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command in the journal."""

    id: str
    lane: str
    number: int
    deployment_id: str
    kind: str
    payload: bytes
    finished: bool

    def command(self) -> pb.Command:
        return pb.Command.FromString(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingReport:
    """A report that the control plane has not acknowledged; `position` orders those of all commands."""

    position: int
    command_id: str
    number: int
    body: bytes


class Journal:
    """Every method is one transaction, or part of the one the caller opened on the same store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def id(self) -> str:
        """Return the journal's id, made with it: another one tells that it was lost, or replaced."""
        return self._fact("journal")

    def control_plane_ids(self) -> tuple[str, str]:
        """Return as which agent, and for which ledger, the commands came; empty until the control plane has said so."""
        return self._fact("agent"), self._fact("ledger")

    def record_control_plane(self, *, agent_id: str, ledger: str) -> bool:
        """Note as whom we are welcome from now on; True where that is somebody else than before.

        Then no unfinished command goes on until the control plane has sent it again: it may not know it any more.
        """
        with self.store.transaction():
            former_agent, former_ledger = self.control_plane_ids()
            if (former_agent, former_ledger) == (agent_id, ledger):
                return False
            self.store.write("INSERT OR REPLACE INTO facts VALUES ('agent', ?), ('ledger', ?)", agent_id, ledger)
            changed = former_agent not in ("", agent_id) or former_ledger not in ("", ledger)
            if changed:
                self.store.write("UPDATE commands SET held = 1 WHERE finished = 0")
            return changed

    def _fact(self, name: str) -> str:
        row = self.store.row("SELECT value FROM facts WHERE name = ?", name)
        return row["value"] if row else ""

    def receive(self, command: pb.Command, *, numbered: bool = True) -> Receipt:
        """Write a command down, unless it is here already or its lane has moved on. Commands carry no secret.

        `numbered`: the command says which of its reports are stored. A repeat is answered with what it ended with.
        """
        with self.store.transaction():
            entry = self.find(command.command_id)
            if entry is not None:
                self.store.write("UPDATE commands SET held = 0 WHERE id = ?", entry.id)
                if numbered:
                    self._catch_up(entry, stored=command.last_report_number)
                return Receipt.REPEAT
            row = self.store.row("SELECT highest FROM lanes WHERE lane = ?", command.lane)
            if row is not None and command.number <= row["highest"]:
                return Receipt.STALE
            self.store.write(
                "INSERT INTO lanes VALUES (?, ?) ON CONFLICT (lane) DO UPDATE SET highest = excluded.highest",
                command.lane,
                command.number,
            )
            self.store.write(
                "INSERT INTO commands (id, lane, number, deployment, kind, payload, last_report)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                command.command_id,
                command.lane,
                command.number,
                command.deployment_id,
                command.WhichOneof("payload") or "",
                command.SerializeToString(),
                # What an earlier journal reported is stored: numbers go on from there.
                command.last_report_number,
            )
            # Nobody confirmed what was held, and something newer came in its lane.
            self.store.write("UPDATE commands SET finished = 1 WHERE lane = ? AND held = 1", command.lane)
            return Receipt.NEW

    def _catch_up(self, entry: Entry, *, stored: int) -> None:
        """Go on from what the control plane has stored of a command that we know; it may have lost, or know, more.

        The number may be a little old: it never brings ours down while work goes on.
        """
        self.store.write("DELETE FROM reports WHERE command = ? AND number <= ?", entry.id, stored)
        self.store.write("UPDATE commands SET last_report = max(last_report, ?) WHERE id = ?", stored, entry.id)
        row = self.store.row("SELECT final FROM commands WHERE id = ?", entry.id)
        if row is None or not row["final"] or self.oldest_pending(entry.id) is not None:
            return
        self.store.write("UPDATE commands SET last_report = ? WHERE id = ?", stored, entry.id)
        self.append(pb.Report.FromString(row["final"]))

    def lanes(self) -> list[str]:
        """Return every lane in which a command was ever received, the newest first."""
        return [row["lane"] for row in self.store.rows("SELECT lane FROM lanes ORDER BY rowid DESC")]

    def highest_numbers(self, *, limit: int) -> dict[str, int]:
        """Return by lane the highest number that was received, the newest lanes first."""
        rows = self.store.rows("SELECT lane, highest FROM lanes ORDER BY rowid DESC LIMIT ?", limit)
        return {row["lane"]: row["highest"] for row in rows}

    def find(self, command_id: str) -> Entry | None:
        rows = self._entries("id = ?", command_id)
        return rows[0] if rows else None

    def unfinished(self) -> list[Entry]:
        """Return the unfinished commands in the order in which they are to be done, those that are held among them."""
        return self._entries("finished = 0 ORDER BY lane, number")

    def workable(self) -> dict[str, str]:
        """Return the commands that are at work or wait for their turn, by id with their deployment."""
        rows = self.store.rows("SELECT id, deployment FROM commands WHERE finished = 0 AND held = 0")
        return {row["id"]: row["deployment"] for row in rows}

    def next_in_lane(self, lane: str) -> Entry | None:
        rows = self._entries("finished = 0 AND held = 0 AND lane = ? ORDER BY number LIMIT 1", lane)
        return rows[0] if rows else None

    def reverted(self, deployment_id: str) -> bool:
        """Tell whether a revert of the deployment was ever received: its deploy command must not go on then."""
        return bool(self._entries("deployment = ? AND kind = 'revert' LIMIT 1", deployment_id))

    def _entries(self, condition: str, *values: object) -> list[Entry]:
        rows = self.store.rows(f"SELECT * FROM commands WHERE {condition}", *values)  # noqa: S608 - our own text
        return [
            Entry(
                id=row["id"],
                lane=row["lane"],
                number=row["number"],
                deployment_id=row["deployment"],
                kind=row["kind"],
                payload=row["payload"],
                finished=bool(row["finished"]),
            )
            for row in rows
        ]

    def append(self, report: pb.Report) -> int:
        """Give the report its command's next number and write it down; returns the number."""
        with self.store.transaction():
            self.store.write("UPDATE commands SET last_report = last_report + 1 WHERE id = ?", report.command_id)
            row = self.store.row("SELECT last_report FROM commands WHERE id = ?", report.command_id)
            report.number = row["last_report"] if row else 0
            self.store.write(
                "INSERT INTO reports (command, number, body) VALUES (?, ?, ?)",
                report.command_id,
                report.number,
                report.SerializeToString(),
            )
            return report.number

    def raise_percent(self, *, command_id: str, percent: int) -> bool:
        """Note progress; False when the command had come this far before."""
        statement = "UPDATE commands SET percent = ? WHERE id = ? AND percent < ?"
        return self.store.write(statement, percent, command_id, percent) == 1

    def count_log(self, *, command_id: str, size: int) -> int:
        """Add to the command's log size in bytes; returns the new size."""
        self.store.write("UPDATE commands SET log_bytes = log_bytes + ? WHERE id = ?", size, command_id)
        row = self.store.row("SELECT log_bytes FROM commands WHERE id = ?", command_id)
        return int(row["log_bytes"]) if row else 0

    def finish(self, last: pb.Report) -> None:
        """Mark the command as done; call it in the transaction that appends this, its last report."""
        self.store.write(
            "UPDATE commands SET finished = 1, final = ? WHERE id = ?", last.SerializeToString(), last.command_id
        )
        self.store.write(
            "DELETE FROM commands WHERE finished = 1 AND id NOT IN (SELECT command FROM reports)"
            " AND rowid <= (SELECT max(rowid) FROM commands) - ?",
            MAX_FINISHED_COMMANDS,
        )

    def pending_reports(self, *, after: int, limit: int) -> list[PendingReport]:
        """Return the reports not acknowledged, above a position, in order."""
        rows = self.store.rows("SELECT * FROM reports WHERE position > ? ORDER BY position LIMIT ?", after, limit)
        return [
            PendingReport(position=row["position"], command_id=row["command"], number=row["number"], body=row["body"])
            for row in rows
        ]

    def proof_of(self, deployment_id: str) -> pb.CommandFinished | None:
        """Return what the deployment's command proved at its end; None where it did not, or that is not known."""
        row = self.store.row(
            "SELECT final FROM commands WHERE deployment = ? AND kind = 'deploy' AND final IS NOT NULL", deployment_id
        )
        ended = pb.Report.FromString(row["final"]).finished if row else None
        return ended if ended is not None and ended.outcome == pb.SUCCEEDED else None

    def acknowledge(self, *, command_id: str, number: int) -> int:
        """Forget the reports up to this number; returns how many were still kept.

        Where the control plane has forgotten reports that it stored once, those that are left close ranks: a number
        that it can never get would keep all after it waiting for ever.
        """
        with self.store.transaction():
            forgotten = self.store.write("DELETE FROM reports WHERE command = ? AND number <= ?", command_id, number)
            left = self.store.row("SELECT min(number) AS lowest FROM reports WHERE command = ?", command_id)
            if left is not None and left["lowest"] is not None and left["lowest"] > number + 1:
                self._renumber(command_id, first=number + 1)
            return forgotten

    def _renumber(self, command_id: str, *, first: int) -> None:
        rows = self.store.rows("SELECT * FROM reports WHERE command = ? ORDER BY number", command_id)
        for number, row in enumerate(rows, start=first):
            report = pb.Report.FromString(row["body"])
            report.number = number
            self.store.write(
                "UPDATE reports SET number = ?, body = ? WHERE position = ?",
                number,
                report.SerializeToString(),
                row["position"],
            )
        last = first + len(rows) - 1
        self.store.write("UPDATE commands SET last_report = ? WHERE id = ?", last, command_id)

    def oldest_pending(self, command_id: str) -> int | None:
        """Return the position of the command's first report that is not acknowledged."""
        row = self.store.row("SELECT min(position) AS position FROM reports WHERE command = ?", command_id)
        return row["position"] if row else None
