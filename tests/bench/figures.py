"""A measured figure beside its goal, and how a list of them is shown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`holds` says whether the goal, a limit in the same unit, was met in this run: upper, or lower with `at_least`."""

    name: str
    value: float
    unit: str
    goal: float
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.value >= self.goal if self.at_least else self.value <= self.goal


def median_ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Median of ours over theirs, pair by pair: noise that hits both sides of a pair falls out."""
    return statistics.median(ours / theirs for ours, theirs in pairs)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def table(figures: Sequence[Figure]) -> str:
    """One line a figure, for people."""
    width = max(len(figure.name) for figure in figures)
    lines = [f"{'what':<{width}}  {'value':>9}  {'goal':>9}  unit   holds"]
    for figure in figures:
        verdict = "yes" if figure.holds else "NO"
        lines.append(f"{figure.name:<{width}}  {figure.value:>9.2f}  {figure.goal:>9.2f}  {figure.unit:<5}  {verdict}")
    return "\n".join(lines)


def write_json(figures: Sequence[Figure], path: Path) -> None:
    rows = [{**asdict(figure), "holds": figure.holds} for figure in figures]
    path.write_text(json.dumps(rows, indent=2) + "\n")
