"""Curves: what was not seen is a gap, what is above the top stays inside."""

from __future__ import annotations

from deployments.rules.usage_curve import HEIGHT, MARGIN, WIDTH, Span, path_of, y_of

SPAN = Span(begin=1000.0, end=1060.0, step=10.0)


def test_points_are_joined_and_gaps_are_not() -> None:
    points = [(1000.0, 0.0), (1010.0, 50.0), (1040.0, 100.0), (1050.0, 100.0)]
    low, middle, high = HEIGHT - MARGIN, HEIGHT / 2, MARGIN
    assert path_of(points, span=SPAN, top=100.0) == (
        f"M0.0 {low:.1f}L100.0 {middle:.1f}M400.0 {high:.1f}L500.0 {high:.1f}"
    )


def test_one_point_between_gaps_is_seen() -> None:
    assert path_of([(1030.0, 0.0)], span=SPAN, top=1.0) == f"M{WIDTH / 2} {HEIGHT - MARGIN:.1f}h1"
    assert path_of([], span=SPAN, top=1.0) == ""


def test_no_value_leaves_the_picture() -> None:
    assert y_of(500.0, top=100.0) == MARGIN
    assert y_of(-1.0, top=100.0) == y_of(5.0, top=0.0) == HEIGHT - MARGIN
