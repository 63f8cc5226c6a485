"""A server spoken to by SSH: its host key first, then commands within bounds. Nothing is sent to a key not known.

Nothing of this machine's own SSH is used: no configuration, no agent, no keys, no list of known hosts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncssh

from deployments.data.installation_types import SshAddress, SshLogin

CONNECT_SECONDS = 20.0
SIGN_IN_SECONDS = 30.0
# A line that is cut is noticed after three of these.
KEEP_ALIVE_SECONDS = 5.0
MAX_OUTPUT_BYTES = 256 * 1024
CHUNK_BYTES = 32 * 1024
# A connection that was there and is no more, in the library's words and the system's.
BROKEN = (asyncssh.ConnectionLost, BrokenPipeError, ConnectionResetError, ConnectionAbortedError)
# By itself it logs each command.
asyncssh.set_log_level("WARNING")


class SshFailedError(Exception):
    """What went wrong, as a sentence for people. Never holds what the server wrote before it was known."""


class HostKeyChangedError(SshFailedError):
    """Another key than the known one."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """`output` is standard output and standard error as they came, at most MAX_OUTPUT_BYTES of them."""

    code: int
    output: str

    @property
    def last_line(self) -> str:
        return next((line.strip() for line in reversed(self.output.splitlines()) if line.strip()), "")


def fingerprint_of(host_key: str) -> str:
    """Return the fingerprint of a host key as OpenSSH shows it: SHA256:..."""
    return asyncssh.import_public_key(host_key).get_fingerprint("sha256")


def check_private_key(*, private_key: str, passphrase: str) -> None:
    """Raises SshFailedError for a key that cannot be read, or not with this passphrase."""
    try:
        asyncssh.import_private_key(private_key, passphrase or None)
    except asyncssh.KeyEncryptionError:
        raise SshFailedError("The private key is encrypted, and the passphrase does not open it.") from None
    except (asyncssh.KeyImportError, ValueError):
        raise SshFailedError("This is not a private key in the format of OpenSSH or PEM.") from None


async def read_host_key(*, address: SshAddress) -> str:
    """Return the key that the server shows, as in a known_hosts file. Raises SshFailedError."""
    where = f"{address.host} port {address.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            key = await asyncssh.get_server_host_key(address.host, address.port, config=None)
    except TimeoutError:
        raise SshFailedError(f"{where} did not answer within {CONNECT_SECONDS:.0f} seconds.") from None
    except BROKEN:
        raise SshFailedError(f"The SSH connection to {where} broke before it showed its host key.") from None
    except OSError as error:
        raise SshFailedError(f"{where} cannot be reached: {_reason(error)}.") from None
    except asyncssh.Error:
        raise SshFailedError(f"What answers at {where} does not speak SSH as we do.") from None
    if key is None:
        raise SshFailedError(f"{where} showed no host key.")
    return " ".join(key.export_public_key("openssh").decode().split()[:2])


@asynccontextmanager
async def signed_in(*, address: SshAddress, login: SshLogin, host_key: str) -> AsyncIterator[SshHost]:
    """Connect and sign in, if the server still shows `host_key`. Raises SshFailedError or HostKeyChangedError."""
    connection = await _connect(address=address, login=login, host_key=host_key)
    try:
        yield SshHost(connection)
    finally:
        connection.abort()


async def _connect(*, address: SshAddress, login: SshLogin, host_key: str) -> asyncssh.SSHClientConnection:
    keys = [asyncssh.import_private_key(login.private_key, login.passphrase or None)] if login.private_key else None
    who = f"{address.username} on {address.host}"
    try:
        async with asyncio.timeout(SIGN_IN_SECONDS):
            return await asyncssh.connect(
                address.host,
                address.port,
                username=address.username,
                password=login.password or None,
                client_keys=keys,
                known_hosts=([asyncssh.import_public_key(host_key)], [], []),
                config=None,
                agent_path=None,
                gss_host=None,
                keepalive_interval=KEEP_ALIVE_SECONDS,
            )
    except asyncssh.PermissionDenied:
        what = "this key" if login.private_key else "this password"
        raise SshFailedError(f"The server does not let {who} in with {what}.") from None
    except asyncssh.HostKeyNotVerifiable:
        raise HostKeyChangedError("The server showed another host key while we signed in.") from None
    except TimeoutError:
        raise SshFailedError(f"{who}: signing in took longer than {SIGN_IN_SECONDS:.0f} seconds.") from None
    except (OSError, asyncssh.Error) as error:
        if isinstance(error, OSError) and not isinstance(error, BROKEN):
            raise SshFailedError(f"{address.host} cannot be reached: {_reason(error)}.") from None
        raise SshFailedError(f"The SSH connection to {address.host} broke while signing in.") from None


class SshHost:
    """An open connection of one signed-in user."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection

    async def run(self, command: str, *, stdin: bytes = b"", seconds: float) -> Ran:
        """Run a command of a shell and return how it ended. Raises SshFailedError: the line broke, or time is up."""
        try:
            async with asyncio.timeout(seconds):
                process: Any = await self._connection.create_process(command, stderr=asyncssh.STDOUT, encoding=None)
                written = asyncio.create_task(_write(process, stdin))
                try:
                    output = await _read(process)
                    await process.wait_closed()
                finally:
                    written.cancel()
        except TimeoutError:
            raise SshFailedError(f"The server took longer than {seconds:.0f} seconds for this.") from None
        except (OSError, asyncssh.Error):
            raise SshFailedError("The SSH connection broke.") from None
        # A command that a signal ended, or a line that broke, has no exit status.
        if process.exit_status is None:
            raise SshFailedError("The SSH connection broke before the command had ended.")
        return Ran(code=process.exit_status, output=output)


async def _write(process: Any, stdin: bytes) -> None:
    try:
        for start in range(0, len(stdin), CHUNK_BYTES):
            process.stdin.write(stdin[start : start + CHUNK_BYTES])
            await process.stdin.drain()
        process.stdin.write_eof()
    except (OSError, asyncssh.Error):
        # What became of the command tells its reader.
        return


async def _read(process: Any) -> str:
    """Return the beginning of the output; what goes beyond the bound is read and left out."""
    kept = bytearray()
    while chunk := await process.stdout.read(CHUNK_BYTES):
        kept += chunk[: MAX_OUTPUT_BYTES - len(kept)]
    return kept.decode(errors="replace")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).rstrip(".")
