"""What is too large for the way to an agent is refused here, with its size, before anything is stored or sent. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from agents.limits import KIB, MAX_COMMAND_BYTES, MAX_SERVICES, MAX_VALUE_BYTES, MAX_VALUES_BYTES, mebibytes, wire_bytes
from agents.types import DeployCommand
from agents.wording.sentences import sentence
from deployments.errors import Invalid
from stackgen.results import Stack


def check_stack(stack: Stack) -> None:
    """Raise Invalid for a stack whose command could not be sent, or with more services than one report can hold."""
    if len(stack.services) > MAX_SERVICES:
        bound = f"at most {MAX_SERVICES} services"
        raise Invalid(
            sentence(
                "The stack has {services} services; {bound} run as one.", services=len(stack.services), bound=bound
            ),
            details={"graph": bound},
        )
    names = [variable.name for variable in stack.variables]
    _check(wire_bytes((stack.files, stack.services, names)), field="graph")


def check_command(command: DeployCommand) -> None:
    """Raise Invalid for a command that no gateway could write."""
    _check(wire_bytes(command), field="graph")


def check_values(values: Mapping[str, str]) -> None:
    """Raise Invalid naming the variable that is too large."""
    # The agent hands values to Docker's programs, whose environment is bounded.
    for name, value in values.items():
        if len(value.encode()) > MAX_VALUE_BYTES:
            bound = f"larger than {MAX_VALUE_BYTES // KIB} KiB"
            raise Invalid(sentence("The value of {name} is {bound}.", name=name, bound=bound), details={name: bound})
    size = wire_bytes(values)
    if size > MAX_VALUES_BYTES:
        raise Invalid(
            sentence(
                "The values of all variables are {size} together; at most {max_values_bytes} can be given to a stack.",
                size=mebibytes(size),
                max_values_bytes=mebibytes(MAX_VALUES_BYTES),
            ),
            details={"envVars": sentence("too large")},
        )


def _check(size: int, *, field: str) -> None:
    if size > MAX_COMMAND_BYTES:
        most = mebibytes(MAX_COMMAND_BYTES)
        message = f"The generated files are {mebibytes(size)}; at most {most} can be sent to an agent."
        raise Invalid(message, details={field: sentence("larger than {most} when generated", most=most)})
