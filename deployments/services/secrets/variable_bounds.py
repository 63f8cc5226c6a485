"""What a variable may be called and hold, and how many a deployment may be given."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agents.limits import KIB, MAX_VALUE_BYTES
from agents.wording.sentences import sentence
from deployments.errors import Invalid

MAX_ENV_VARS = 1000
MAX_ENV_BYTES = 1024 * 1024
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def check_env_vars(env_vars: Mapping[str, str], *, field: str = "envVars") -> None:
    """Raise Invalid naming the variable that is not usable; never repeat a value."""
    for name, value in env_vars.items():
        check_name(name, field=field)
        if "\x00" in value:
            raise Invalid(
                sentence("A variable's value holds a NUL byte."),
                details={f"{field}.{name}": sentence("holds a NUL byte")},
            )
        if len(value.encode()) > MAX_VALUE_BYTES:
            size = f"larger than {MAX_VALUE_BYTES // KIB} KiB"
            raise Invalid(sentence("A variable's value is {size}.", size=size), details={f"{field}.{name}": size})
    check_size(env_vars, field=field)


def check_name(name: str, *, field: str) -> None:
    """Raise Invalid for a name that is no variable's."""
    if not ENV_NAME.fullmatch(name):
        raise Invalid(
            sentence("{name!r} is not a valid variable name.", name=name[:50]),
            details={f"{field}.{name[:50]}": sentence("letters, digits and _")},
        )


def check_size(env_vars: Mapping[str, str], *, field: str = "envVars") -> None:
    """Raise Invalid for more variables, or more bytes in them, than one deployment may be given."""
    if len(env_vars) > MAX_ENV_VARS:
        raise Invalid(
            sentence("At most {max_env_vars} variables.", max_env_vars=MAX_ENV_VARS),
            details={field: sentence("too many")},
        )
    if sum(len(value.encode()) for value in env_vars.values()) > MAX_ENV_BYTES:
        raise Invalid(sentence("The variables are larger than 1 MiB together."), details={field: sentence("too large")})
