"""Curves of what was used, as a path of SVG. Pure; the syntax of paths is https://www.w3.org/TR/SVG2/paths.html."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 600, 60
# Room for the line's own width at either end.
MARGIN = 2
# A step that is missing is a gap: what nobody saw is not drawn.
MAX_STEPS_APART = 1.5


@dataclass(frozen=True, kw_only=True)
class Span:
    """The time that a curve covers, in seconds since 1970, and the step between two points of it."""

    begin: float
    end: float
    step: float

    def x_of(self, at: float) -> float:
        """Return where this moment is, from 0 to WIDTH."""
        return round((at - self.begin) / (self.end - self.begin) * WIDTH, 1)


def path_of(points: Sequence[tuple[float, float]], *, span: Span, top: float) -> str:
    """Return the path through points of (seconds, value) by time; the value `top` is at the upper edge, 0 at the lower.

    A point between two gaps is a dot of a line's width.
    """
    parts = []
    for run in _runs(points, span=span):
        steps = [f"{span.x_of(at)} {y_of(value, top=top)}" for at, value in run]
        parts.append(f"M{'L'.join(steps)}" if len(steps) > 1 else f"M{steps[0]}h1")
    return "".join(parts)


def y_of(value: float, *, top: float) -> float:
    """Return the height of a value, from the upper edge down; what is above the top is drawn at the edge."""
    share = min(1.0, max(0.0, value / top)) if top > 0 else 0.0
    return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)


def _runs(points: Sequence[tuple[float, float]], *, span: Span) -> Iterator[list[tuple[float, float]]]:
    """Yield the points between two gaps."""
    run: list[tuple[float, float]] = []
    for point in points:
        if run and point[0] - run[-1][0] > MAX_STEPS_APART * span.step:
            yield run
            run = []
        run.append(point)
    if run:
        yield run
