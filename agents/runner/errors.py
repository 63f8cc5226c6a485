"""All errors that the runner raises on purpose. It is a program of its own, so they carry no code for a door.

    RunnerError
    ├── ConfigInvalidError          the configuration cannot be used
    ├── StateDirBusyError           another runner works in this state directory
    ├── StateDirUnusableError       the state directory or the journal in it cannot be opened or written
    ├── JournalUnusableError
    │   ├── JournalDamagedError     the journal cannot be read as it was written
    │   └── JournalTooNewError      the journal was written by a newer agent
    ├── EnrolmentRefusedError       the control plane does not take this token
    │   └── UntrustedGatewayError   whoever answers is not the gateway that the token names
    ├── InterruptedWorkError        the work was ended on request, or because the runner stops
    ├── UnavailableError            the control plane or the Docker engine could not be reached in time
    │   ├── EngineAwayError         the Docker engine does not answer
    │   └── NoLeaderError           the Swarm takes no orders: nobody leads it at the moment
    ├── TakenOverError              another manager's agent, or a newer command, goes on with the stack in its Swarm
    ├── MaskingTooLongError         a text has more in it that looks like secrets than may be compared
    └── StepFailedError             a deployment cannot go on
        └── RemovalInProgressError  Docker was still removing a container that stood in the way

Pure.
"""

from __future__ import annotations


class RunnerError(Exception):
    """Base of all."""


class ConfigInvalidError(RunnerError):
    """The configuration cannot be used; the text names the key."""


class StateDirBusyError(RunnerError):
    """Another runner works in this state directory."""


class JournalUnusableError(RunnerError):
    """The journal cannot be worked with; the text names the file and says what to do."""


class JournalDamagedError(JournalUnusableError):
    """The journal cannot be read as it was written."""


class JournalTooNewError(JournalUnusableError):
    """The journal was written by a newer agent."""


class StateDirUnusableError(RunnerError):
    """The agent's folder or the journal in it cannot be opened or written; the text says what the system says."""


class EnrolmentRefusedError(RunnerError):
    """The control plane does not take this token or credential."""


class UnavailableError(RunnerError):
    """Somebody we need did not answer before the deadline."""


class EngineAwayError(UnavailableError):
    """The Docker engine does not answer; the text says why, in the system's own words."""


class NoLeaderError(UnavailableError):
    """The Swarm takes no orders; the text says why, in its own words."""


class UntrustedGatewayError(EnrolmentRefusedError):
    """Whoever answers is not the gateway that the enrolment token names; nothing was said to it."""


class InterruptedWorkError(RunnerError):
    """The work was ended on request. `why` is one of the constants of interrupt.py."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class TakenOverError(RunnerError):
    """Another manager's agent, or a newer command, goes on with the stack in its Swarm."""


class MaskingTooLongError(RunnerError):
    """A text has more in it that looks like secret values than may be compared."""


class StepFailedError(RunnerError):
    """A deployment cannot go on: a reason of runner.proto, a sentence for people, the service and its last lines."""

    def __init__(self, reason: str, message: str, *, service: str = "", log_tail: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.service = service
        self.log_tail = log_tail


class RemovalInProgressError(StepFailedError):
    """Docker was still removing a container that Compose meant to use: once it is gone the step can be done."""
