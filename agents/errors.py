"""All errors of this app. Each door maps `code` once.

    AgentError
    ├── Unauthenticated         UNAUTHORIZED         the credential or token is not ours, or is revoked, used or expired
    │   └── EnrolmentRefused
    ├── NotFound                NOT_FOUND            missing, or not the caller's
    │   ├── AgentNotFound
    │   ├── ServerNotFound
    │   └── CommandNotFound
    ├── Conflict                CONFLICT             not possible in the present state
    │   ├── AgentIsConnected
    │   └── AgentStillEnrolled
    ├── CertificateRefused      VALIDATION_ERROR     the request for a certificate cannot be granted
    ├── NotCertified            CONFLICT             the agent has no certificate to renew
    ├── AnotherMachine          CONFLICT             a second machine uses the agent's credential
    ├── CommandTooLarge         VALIDATION_ERROR     no agent can be sent it
    ├── TooManyTries            RATE_LIMIT_EXCEEDED  of one address; later it may try again
    └── TransactionRequired     INTERNAL_ERROR       a programming error: the caller must hold a transaction

Pure.
"""

from __future__ import annotations

from typing import ClassVar


class AgentError(Exception):
    """Base of this app's errors: a stable code and a sentence for people."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    sentence: ClassVar[str] = "An error occurred between the control plane and an agent."

    def __init__(self, message: str = "") -> None:
        self.message = message or self.sentence
        super().__init__(self.message)


class Unauthenticated(AgentError):
    code = "UNAUTHORIZED"
    sentence = "The credential is not valid."


class EnrolmentRefused(Unauthenticated):
    sentence = "The enrolment token is not valid: it is unknown, used, expired or made for another server."


class NotFound(AgentError):
    code = "NOT_FOUND"
    sentence = "Not found."


class AgentNotFound(NotFound):
    sentence = "No agent is enrolled there."


class ServerNotFound(NotFound):
    sentence = "No such server."


class CommandNotFound(NotFound):
    sentence = "No such command."


class CommandTooLarge(AgentError):
    code = "VALIDATION_ERROR"
    sentence = "The command is too large to be sent to an agent."


class CertificateRefused(AgentError):
    code = "VALIDATION_ERROR"
    sentence = "The request for a certificate cannot be granted."


class NotCertified(AgentError):
    code = "CONFLICT"
    sentence = "This agent has no certificate to renew."


class AnotherMachine(AgentError):
    code = "CONFLICT"
    sentence = "Another machine uses the credential of this agent."


class TooManyTries(AgentError):
    code = "RATE_LIMIT_EXCEEDED"
    sentence = "Too many tries from this address. Try again later."


class Conflict(AgentError):
    code = "CONFLICT"
    sentence = "Not possible in the current state."


class AgentIsConnected(Conflict):
    sentence = (
        "This server's agent is connected. To put another in its place, make a token that says so"
        " (replace), or wait until the agent is lost, or revoke it."
    )


class AgentStillEnrolled(Conflict):
    sentence = "The server has an agent. Revoke its credential first."


class TransactionRequired(AgentError):
    sentence = "This call must be made inside a transaction."
