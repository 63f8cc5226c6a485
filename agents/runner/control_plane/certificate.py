"""The agent's certificate with its keys, in a file of mode 0600 beside the credential that it belongs to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from agents.addresses import host_of
from agents.contracts import runner_pb2 as pb
from agents.runner.config import CERTIFICATE_FILE
from agents.runner.journal.durable import write_private

# Of an enrolment that was begun: whose answer is lost asks once more with the same keys.
ENROLLING_NAME = "enrolling.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the agent made for itself. `private_key` as PEM, `sealing_key` in base64."""

    private_key: str = field(repr=False)
    sealing_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`credential_hash` says which credential it belongs to; `authorities` as PEM.

    `mutual_address` is host:port, or :port on the host of the gateway's first port; of that, `enrolled_at` is the
    address by which we enrolled. Times in epoch milliseconds, by the control plane's clock.
    """

    credential_hash: str
    enrolled_at: str
    mutual_address: str
    certificate: str
    authorities: str
    private_key: str = field(repr=False)
    sealing_key: str = field(repr=False)
    issued_ms: int
    valid_until_ms: int

    def address(self, configured: str) -> str:
        """Return where to connect, host:port; `configured` is the first port's address, empty where none is."""
        if not self.mutual_address.startswith(":"):
            return self.mutual_address
        return f"{host_of(configured or self.enrolled_at)}{self.mutual_address}"

    def is_over(self, *, now_ms: int) -> bool:
        """Tell whether it has ended, by a clock that may be off."""
        return now_ms >= self.valid_until_ms

    def renewal_ms(self) -> int:
        """Return when another one is asked for: at half its life."""
        return (self.issued_ms + self.valid_until_ms) // 2

    def renewed(self, *, message: pb.AgentCertificate, private_key: str) -> Certificate:
        return replace(
            self,
            certificate=message.certificate,
            authorities=message.authorities,
            private_key=private_key,
            issued_ms=message.issued_ms,
            valid_until_ms=message.valid_until_ms,
        )


def certificate_file(credential_file: Path) -> Path:
    return credential_file.with_name(CERTIFICATE_FILE)


def load_certificate(*, credential_file: Path, credential: str) -> Certificate | None:
    """Return the certificate that belongs to this credential; None when there is none."""
    path = certificate_file(credential_file)
    if not path.exists():
        return None
    found = Certificate(**json.loads(path.read_text()))
    return found if found.credential_hash == hash_of(credential) else None


def save_certificate(*, credential_file: Path, certificate: Certificate) -> None:
    """Have it on the disk, whole, before it is used."""
    write_private(certificate_file(credential_file), json.dumps(asdict(certificate)).encode())


def keys_to_enrol_with(*, credential_file: Path, token_hash: str) -> Keys:
    """Return the keys that this token is spent with: those of an attempt whose answer was lost, or new ones."""
    path = credential_file.with_name(ENROLLING_NAME)
    if path.exists():
        document = json.loads(path.read_text())
        if document.pop("token_hash") == token_hash:
            return Keys(**document)
    # Loaded only when keys are made: an agent at rest is small.
    from agents.pki.agent_keys import make_agent_keys

    made = make_agent_keys()
    keys = Keys(private_key=made.private_key, sealing_key=made.sealing_key)
    write_private(path, json.dumps({"token_hash": token_hash, **asdict(keys)}).encode())
    return keys


def forget_enrolling(credential_file: Path) -> None:
    """Remove the keys of an attempt that is over."""
    credential_file.with_name(ENROLLING_NAME).unlink(missing_ok=True)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
