"""Keys that make a job of a service: a program that runs to its end."""

from __future__ import annotations

from stackgen.keys.form import choice, flag, whole_number
from stackgen.keys.key import Key

MAX_SECONDS = 86_400
BY_HAND = "by-hand"
RUNS = {"once-before": "once-before", BY_HAND: BY_HAND}

JOBS = (
    Key(name="run", field="run", nodes="services", group="Jobs", form=choice(RUNS),
        meaning="`once-before`: a job, which runs to its end at each deployment, before the services that lead to it "
        "and before anything that runs is replaced; `by-hand`: a job that runs only when somebody asks for it"),
    Key(name="repeatable", field="repeatable", nodes="services", group="Jobs", form=flag(),
        meaning="`true`: the job may be run again where nobody knows whether it ran"),
    Key(name="jobTimeoutSeconds", field="job_timeout_seconds", nodes="services", group="Jobs",
        form=whole_number(1, MAX_SECONDS), meaning="when a job that has not ended is ended, 3600 without it"),
)  # fmt: skip
