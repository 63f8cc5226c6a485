"""Keys that make a job of a service: a program that runs to its end."""

from __future__ import annotations

from stackgen.keys.form import choice, flag, whole_number
from stackgen.keys.key import Key
from stackgen.keys.schedule import cron_expression, time_zone

MAX_SECONDS = 86_400
ONCE_BEFORE, BY_HAND, ON_SCHEDULE = "once-before", "by-hand", "on-schedule"
RUNS = {each: each for each in (ONCE_BEFORE, BY_HAND, ON_SCHEDULE)}
# Those that no deployment waits for.
APART_FROM_DEPLOYMENTS = frozenset({BY_HAND, ON_SCHEDULE})
FORBID, REPLACE, ALLOW = "forbid", "replace", "allow"
OVERLAPS = {each: each for each in (FORBID, REPLACE, ALLOW)}

JOBS = (
    Key(name="run", field="run", nodes="services", group="Jobs", form=choice(RUNS),
        meaning="`once-before`: a job, which runs to its end at each deployment, before the services that lead to it "
        "and before anything that runs is replaced; `by-hand`: a job that runs only when somebody asks for it; "
        "`on-schedule`: a job that its server runs when `schedule` says so, and when somebody asks for it"),
    Key(name="schedule", field="schedule", nodes="services", group="Jobs", form=cron_expression(),
        meaning="when a job with `run` = `on-schedule` runs: minute, hour, day of month, month, day of week"),
    Key(name="timeZone", field="time_zone", nodes="services", group="Jobs", form=time_zone(),
        meaning="the time zone of `schedule`, UTC without it"),
    Key(name="overlap", field="overlap", nodes="services", group="Jobs", form=choice(OVERLAPS),
        meaning="what happens when it is time and the run before has not ended: `forbid`, as without it, leaves this "
        "one out; `replace` ends the one before; `allow` runs both"),
    Key(name="repeatable", field="repeatable", nodes="services", group="Jobs", form=flag(),
        meaning="`true`: the job may be run again where nobody knows whether it ran"),
    Key(name="jobTimeoutSeconds", field="job_timeout_seconds", nodes="services", group="Jobs",
        form=whole_number(1, MAX_SECONDS), meaning="when a job that has not ended is ended, 3600 without it"),
)  # fmt: skip
