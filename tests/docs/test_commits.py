"""Subjects of commits, as CONTRIBUTING.md wants them. Also in a shallow clone: what is not there is not looked at."""

from __future__ import annotations

import re
import subprocess

from tests.docs.building import ROOT

# Earlier ones were written before the rule.
FROM = "2026-11-28"
MAX_SUBJECT = 72
# `runner: bound the reconnect pause`, `kafka, limits: ...`; what Git writes for a revert stays as it is.
FORM = re.compile(r"[a-z][\w.-]*(, [a-z][\w.-]*)*: \S.*[^.]|Revert \".*\"")


def subjects() -> list[str]:
    command = ["git", "log", "--no-merges", "--format=%as %s"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    lines = (line.partition(" ") for line in done.stdout.splitlines())
    return [subject for day, _, subject in lines if day >= FROM]


def complaint(subject: str) -> str:
    """What is wrong with a subject; empty when nothing is."""
    if len(subject) > MAX_SUBJECT:
        return f"{len(subject)} characters, at most {MAX_SUBJECT}: {subject}"
    return "" if FORM.fullmatch(subject) else f"write `area: what it does`, without a full stop: {subject}"


def test_subjects_name_the_area_and_are_short() -> None:
    assert [text for text in map(complaint, subjects()) if text] == []


def test_what_a_subject_is() -> None:
    assert not complaint("runner: bound the reconnect pause")
    assert not complaint("kafka, limits: call things as the field does")
    assert complaint("A type said")
    assert complaint("runner: bound the reconnect pause.")
    assert complaint(f"runner: {'x' * 70}")
