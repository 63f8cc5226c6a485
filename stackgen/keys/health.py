"""Keys that say how a container is asked whether it is well."""

from __future__ import annotations

from stackgen.keys.basics import DOMAIN_FORM, command_form
from stackgen.keys.form import duration, whole_number
from stackgen.keys.key import ALL, Key

MAX_HEALTH_RETRIES = 1000

HEALTH = (
    Key(name="healthCommand", field="health_command", nodes=ALL, group="Health", form=command_form(),
        meaning="run in the container, well when it ends with 0: a text for its shell, or a list without one. "
        "`none`: not asked at all, neither by the image's own check"),
    Key(name="healthHost", field="health_host", nodes="services", group="Health", form=DOMAIN_FORM,
        meaning="the name that healthPath is asked for, as the Host header; the container's address without it"),
    Key(name="healthInterval", field="health_interval", nodes=ALL, group="Health", form=duration(),
        meaning="time between two checks"),
    Key(name="healthTimeout", field="health_timeout", nodes=ALL, group="Health", form=duration(),
        meaning="longest time for one check"),
    Key(name="healthRetries", field="health_retries", nodes=ALL, group="Health",
        form=whole_number(1, MAX_HEALTH_RETRIES), meaning="failures in a row until it is unhealthy, 5 without it"),
    Key(name="healthStartPeriod", field="health_start_period", nodes=ALL, group="Health", form=duration(),
        meaning="time to start, in which failures do not count, 60s without it"),
)  # fmt: skip
