"""A server of its own with a real OpenSSH, sudo, users and an engine: what this machine has, under a file system that
keeps what is written there in memory. Its processes end with it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from axion_deploy.embedded.child import Child
from axion_deploy.embedded.readiness import wait_ready
from tests.servers.own_engines import OwnEngine
from tests.servers.places import FOLDER

READY_SECONDS = 60.0
COMMAND_SECONDS = 120.0
DOWNLOAD_SECONDS = 300.0
PACKAGES = ("openssh-server", "openssh-sftp-server", "sudo", "libwrap0")
ROOT_PASSWORD, DEPLOY_PASSWORD = "root's own pass phrase", "deploy's own pass phrase"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SSHD = """
Port 22
HostKey /etc/ssh/axion_host_key
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PidFile /run/sshd.pid
MaxStartups 100
"""
# deploy may use sudo by password, worker without one, guest not at all.
SUDOERS = "root ALL=(ALL:ALL) ALL\ndeploy ALL=(ALL:ALL) ALL\nworker ALL=(ALL:ALL) NOPASSWD: ALL\n"


def packages() -> Path:
    """Return the folder with Debian's packages, downloaded once for this machine."""
    folder = FOLDER / "openssh"
    folder.mkdir(parents=True, exist_ok=True)
    if not all(list(folder.glob(f"{name}_*.deb")) for name in PACKAGES):
        subprocess.run(
            ["apt-get", "download", *PACKAGES], cwd=folder, check=True, capture_output=True, timeout=DOWNLOAD_SECONDS
        )
    return folder


class SshServer:
    """`engine` gives the network, the address and the engine. Needs root; see `own_docker.missing`."""

    def __init__(self, *, engine: OwnEngine, folder: Path) -> None:
        self.engine = engine
        self.address = engine.address
        self._folder = folder
        self._root = folder / "root"
        self._child: Child | None = None

    def start(self) -> None:
        """Returns when sshd listens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        script = self._folder / "start.sh"
        script.write_text(self._script())
        self._child = Child(
            name="ssh server",
            command=[
                *self.engine.inside,
                *("unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-e", str(script)),
            ],
            log_file=self._folder.parent / "sshd.log",
        )
        self._child.start()
        wait_ready(self._child, probe=self._listens, seconds=READY_SECONDS)

    def _script(self) -> str:
        """What makes the server, in mount and process namespaces of its own."""
        layer, root = shlex.quote(str(self._folder)), shlex.quote(str(self._root))
        debs = " ".join(shlex.quote(str(file)) for file in sorted(packages().glob("*.deb")))
        users = "\n".join(
            f"chroot {root} useradd --create-home --shell /bin/bash {name}" for name in ("deploy", "worker", "guest")
        )
        return f"""
export PATH={PATH}
mount -t tmpfs -o size=1200m tmpfs {layer}
mkdir {layer}/upper {layer}/work {root}
mount -t overlay overlay -o lowerdir=/,upperdir={layer}/upper,workdir={layer}/work {root}
# dpkg -x would put a folder in the place of the link /lib.
for each in {debs}; do dpkg --fsys-tarfile "$each" | tar -x --keep-directory-symlink -C {root}; done
mount --rbind /dev {root}/dev
mount --rbind /sys {root}/sys
mount -t tmpfs tmpfs {root}/run
mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
mount -t proc proc {root}/proc
rm -rf {root}/opt/axion-agent {root}/etc/axion {root}/var/lib/axion-agent
# Nobody is asked for names: sudo would wait for that.
printf '127.0.0.1 localhost %s\n' {self.engine.name} >{root}/etc/hosts
rm -f {root}/etc/resolv.conf
mkdir -p {root}/run/sshd {root}/run/lock {root}/var/empty {root}/etc/ssh
mkdir -p {root}{self.engine.folder}
mount --bind {self.engine.folder} {root}{self.engine.folder}
ln -s {self.engine.folder}/docker.sock {root}/run/docker.sock
grep -q '^sshd:' {root}/etc/passwd || chroot {root} useradd --system --home-dir /run/sshd --shell /usr/sbin/nologin sshd
{users}
printf '%s\\n' {shlex.quote("root:" + ROOT_PASSWORD)} | chroot {root} chpasswd -c SHA512
for name in deploy worker guest; do
    printf '%s:%s\\n' $name {shlex.quote(DEPLOY_PASSWORD)} | chroot {root} chpasswd -c SHA512
done
printf %s {shlex.quote(SUDOERS)} >{root}/etc/sudoers
chmod 440 {root}/etc/sudoers
printf %s {shlex.quote(SSHD)} >{root}/etc/ssh/axion_sshd
ssh-keygen -q -t ed25519 -N '' -f {root}/etc/ssh/axion_host_key
exec chroot {root} /usr/sbin/sshd -D -e -f /etc/ssh/axion_sshd
"""

    def _listens(self) -> bool:
        # From inside: a connection that says nothing would stand in the log.
        found = subprocess.run(
            [*self.engine.inside, "ss", "-Hltn", "sport = :22"],
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return bool(found.stdout.strip())

    def run(self, command: str, *, check: bool = True) -> str:
        """Run a command of a shell as root on the server, without SSH; return what it printed."""
        assert self._child is not None, "started before"
        pid = self._first_process()
        done = subprocess.run(
            [
                *("nsenter", f"--target={pid}", "--mount", "--pid", "--net", "chroot", str(self._root)),
                *("env", "-i", f"PATH={PATH}", "HOME=/root", "sh", "-c", command),
            ],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def _first_process(self) -> int:
        """The process that is the first one of the server's own: a child of unshare."""
        assert self._child is not None
        children = Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()
        return int(children[0])

    def log(self) -> str:
        """What sshd wrote: who tried to sign in, and how."""
        return (self._folder.parent / "sshd.log").read_text()

    @property
    def fingerprint(self) -> str:
        return self.run("ssh-keygen -l -f /etc/ssh/axion_host_key").split()[1]

    def renew_host_key(self) -> None:
        """Set the server up anew, as far as others see."""
        self.run(
            "rm /etc/ssh/axion_host_key* && ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/axion_host_key"
            " && kill -HUP $(cat /run/sshd.pid)"
        )

    def hide(self, *programs: str) -> None:
        """Take programs away, as if they had never been installed."""
        for program in programs:
            self.run(
                f"for f in $(command -v -a {program} || which -a {program}); do mv $f $f.hidden; done", check=False
            )

    def show(self, *programs: str) -> None:
        for program in programs:
            self.run(
                f"for f in /usr/local/bin/{program} /usr/bin/{program} /bin/{program}; do"
                " if [ -e $f.hidden ]; then mv $f.hidden $f; fi; done"
            )

    def stop(self) -> None:
        """End it with all its processes; what it wrote goes with its mounts."""
        if self._child is not None:
            # Its first process takes all others along.
            with contextlib.suppress(OSError, IndexError):
                os.kill(self._first_process(), signal.SIGKILL)
            self._child.stop(grace=10)
        shutil.rmtree(self._folder, ignore_errors=True)
