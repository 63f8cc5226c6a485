"""The forms of a schedule: a cron expression of five fields, and the name of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from stackgen.keys.amounts import shown
from stackgen.keys.form import Form

FIELDS = 5
MAX_CHARACTERS = 200
# A leap year, so that the 29th of February is among what may come.
SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)


def cron_expression() -> Form:
    """Return the form of a cron expression, with single blanks between its fields, that comes true at all."""

    def read(given: str) -> str:
        fields = given.split()
        if len(fields) != FIELDS or len(given) > MAX_CHARACTERS:
            raise ValueError(f"must be a cron expression of {FIELDS} fields, such as `0 3 * * *`, not {shown(given)}")
        text = " ".join(fields)
        try:
            next(CronSim(text, SOME_DAY))
        except CronSimError as error:
            raise ValueError(f"must be a cron expression, and {shown(given)} is none: {error}") from error
        except StopIteration:
            raise ValueError(f"must name a time that comes, and {shown(given)} never does") from None
        return text

    return Form(read=read, takes="a cron expression of five fields, such as `*/15 * * * *` or `0 3 * * MON-FRI`")


def time_zone() -> Form:
    """Return the form of a time zone by its name."""

    def read(given: str) -> str:
        try:
            ZoneInfo(given)
        except (ValueError, OSError, KeyError):  # KeyError: there is none of this name
            message = f"must be the name of a time zone, such as `Europe/Berlin`, not {shown(given)}"
            raise ValueError(message) from None
        return given

    return Form(read=read, takes="a name such as `Europe/Berlin`")
