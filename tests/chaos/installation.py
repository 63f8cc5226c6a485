"""A whole installation of which every part can fail: processes, line, engine, disk and clocks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chaos.line import Line
from tests.e2e.control_plane import ControlPlane
from tests.servers.own_docker import OwnDocker
from tests.servers.small_disk import SmallDisk

IMAGES = ("python:3.13-slim", "redis:8")
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
DISK_BYTES = 48 * 1024 * 1024
# Short enough for each to pass in a run of minutes, and far enough apart to tell which one did.
SETTINGS = {
    "AXION_TAKEOVER_AFTER": "4",
    "AXION_AGENT_SILENT_AFTER": "8",
    "AXION_AGENT_LOST_AFTER": "40",
    "AXION_BUILD_DEADLINE": "60",
    "AXION_DEPLOY_DEADLINE": "90",
    "AXION_CANCEL_DEADLINE": "45",
    "AXION_PENDING_DEADLINE": "600",
}


class Installation(ControlPlane):
    """The control plane with one agent, on an engine, a disk and a line of its own."""

    def __init__(self, *, folder: Path, engine_folder: Path) -> None:
        super().__init__(folder=folder, settings=SETTINGS)
        self.engine = OwnDocker(folder=engine_folder)
        self.line = Line(to_port=self.addresses.mutual)
        self.settings = {**SETTINGS, "AXION_GATEWAY_MUTUAL_ADDRESS": f"127.0.0.1:{self.line.port}"}

    def start(self) -> None:
        """Returns when the agent is connected."""
        self.engine.start()
        self.disk = SmallDisk(self.folder / "agent", size=DISK_BYTES)
        self.agent_settings = {"DOCKER_HOST": self.engine.host}
        with ThreadPoolExecutor(max_workers=1) as pool:
            copied = pool.submit(self.engine.copy_images, *IMAGES)
            super().start()
            copied.result()

    def set_clock(self, name: str, *, offset: str) -> None:
        """Start the process again with another time of day, such as `+31m`; an empty offset is the true time."""
        self.kill(name)
        true_time = self.environment
        if offset:
            faked = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            self.environment = {**true_time, **faked}
        try:
            self.restart(name)
        finally:
            self.environment = true_time

    def stop(self) -> None:
        self.projects.clear()
        super().stop()
        self.line.close()
        self.disk.remove()
        self.engine.stop()
