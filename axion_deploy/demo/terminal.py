"""What the person at the terminal sees: a moving progress bar, or plain lines where nothing can move."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

from axion_deploy.demo.deployment import Progress

MARKS = {"pending": ("○", "dim"), "in_progress": ("◐", "yellow"), "success": ("●", "green"), "failed": ("✗", "red")}
OTHER_MARK = ("◌", "dim")


class Screen:
    """Human words go through here, so that with --once the one line of JSON stands alone at the end."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Show what is going on, and how long it took."""
        started = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(text):
                yield
        else:
            # Somebody who reads a log must see what a long silence is about.
            self.console.print(f"[dim]…[/] {text}")
            yield
        self.console.print(f"[green]✓[/] {text} [dim]{time.monotonic() - started:.1f} s[/]")

    def say(self, text: str = "", style: str = "") -> None:
        self.console.print(text, style=style, markup=False)

    def problem(self, text: str) -> None:
        self.console.print(f"✗ {text}", style="red", markup=False)

    def welcome(self, *, admin: str, user: str, password: str, vote: str, result: str, logs: str, keeps: bool) -> None:
        rows = {"Admin": admin, "Sign in as": f"{user} / {password}", "Vote": vote, "Result": result, "Logs": logs}
        table = Table.grid(padding=(0, 2))
        for name, value in rows.items():
            table.add_row(Text(name, style="bold"), Text(value))
        self.console.print(Panel(table, title="Axion Deploy is running", border_style="green", expand=False))
        ending = "leaves the sample running" if keeps else "removes the sample's containers, networks and volumes"
        self.say(f"Ctrl-C stops everything and {ending}.")

    def following(self) -> Following:
        return Following(self.console)


class Following:
    """Shows one deployment. Off a terminal it prints a line whenever something changed, and nothing in between."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Bar(
            TextColumn("  [bold]{task.fields[stage]:<15}"),
            BarColumn(bar_width=36),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=console,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("deployment", total=100, stage="waiting")
        self._live = (
            Live(self._bar, console=console, refresh_per_second=8, transient=False) if console.is_terminal else None
        )
        self._last = ""

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        stage = progress.stage or progress.status
        self._bar.update(self._task, completed=progress.percent, stage=stage)
        if self._live:
            self._live.update(Group(self._bar, _services(progress)))
            return
        named = ", ".join(f"{service.name} {service.status}" for service in progress.services)
        line = f"  {stage} {progress.percent}%" + (f" ({named})" if named else "")
        if line != self._last:
            self._last = line
            self._console.print(line, markup=False)


def _services(progress: Progress) -> Table:
    table = Table.grid(padding=(0, 2))
    for service in progress.services:
        mark, style = MARKS.get(service.status, OTHER_MARK)
        table.add_row(
            Text(f"   {mark}", style=style),
            service.name,
            Text(service.status.replace("_", " "), style=style),
            service.error,
        )
    return table
