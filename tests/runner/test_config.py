"""Configuration: file, environment over it, and errors that name the key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agents.runner.config import load_config
from agents.runner.errors import ConfigInvalidError

ROOT = Path(__file__).parents[2]
FILE = """
[agent]
token = "from-file"
server_id = "s1"
state_dir = "/var/lib/somewhere"
[control_plane]
grpc_url = "https://deploy.example:50051"
[telemetry]
anything = "the platform's own"
"""


def test_the_image_keeps_the_folder_that_the_agent_uses_without_being_told() -> None:
    """The journal and the credential would be gone with the container otherwise."""
    config = load_config(path=None, environment={"AXION_AGENT__CONTROL_PLANE__GRPC_URL": "https://deploy.example:1"})
    runner = (ROOT / "Dockerfile").read_text().split(" AS runner\n")[1]
    assert [line.split()[1] for line in runner.splitlines() if line.startswith("VOLUME")] == [str(config.state_dir)]


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(FILE)
    environment = {"AXION_AGENT__AGENT__TOKEN": "from-environment", "AXION_AGENT__BUILD__PARALLEL": "3"}
    config = load_config(path=path, environment=environment)
    assert (config.token, config.server_id, config.build_parallel) == ("from-environment", "s1", 3)
    assert config.credential_file == Path("/var/lib/somewhere/credential.json")
    assert (config.address, config.secure) == ("deploy.example:50051", True)
    assert "from-environment" not in repr(config)


def test_a_token_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("kept-apart\n")
    environment = {
        "AXION_AGENT__AGENT__TOKEN_FILE": str(tmp_path / "token"),
        "AXION_AGENT__CONTROL_PLANE__GRPC_URL": "localhost:1",
    }
    assert load_config(path=None, environment=environment).token == "kept-apart"


@pytest.mark.parametrize(
    ("url", "address", "secure"),
    [
        ("http://127.0.0.1:50051", "127.0.0.1:50051", False),
        ("grpc://127.8.0.1:50051", "127.8.0.1:50051", False),
        ("https://localhost:50051", "localhost:50051", True),
        ("grpcs://gate:443", "gate:443", True),
        ("127.0.0.1:50051", "127.0.0.1:50051", False),
        ("[::1]:50051", "[::1]:50051", False),
        ("gate.example:50051", "gate.example:50051", True),
    ],
)
def test_only_loopback_is_spoken_to_in_the_clear_unasked(url: str, address: str, secure: bool) -> None:
    config = load_config(path=None, environment={"AXION_AGENT__CONTROL_PLANE__GRPC_URL": url})
    assert (config.address, config.secure) == (address, secure)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1:50051", "http://deploy.example:50051", "grpc://[fe80::1]:1", "http://localhost.example:1"]
)
def test_beyond_this_machine_plain_text_is_refused_unless_it_is_asked_for_by_name(url: str) -> None:
    environment = {"AXION_AGENT__CONTROL_PLANE__GRPC_URL": url}
    with pytest.raises(ConfigInvalidError, match=r"in the clear.*https://.*control_plane\.insecure = true"):
        load_config(path=None, environment=environment)
    config = load_config(path=None, environment={**environment, "AXION_AGENT__CONTROL_PLANE__INSECURE": "true"})
    assert not config.secure


def test_the_policy_allows_nothing_by_itself_and_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(FILE)
    assert load_config(path=path, environment={}).policy.bind_mounts == frozenset()
    path.write_text(f'{FILE}[policy]\nbind_mounts = ["/srv/media"]\ncapabilities = ["CAP_NET_ADMIN"]\n')
    policy = load_config(path=path, environment={"AXION_AGENT__POLICY__DEVICES": "/dev/dri, gpu"}).policy
    assert (*policy.bind_mounts, *policy.capabilities) == ("/srv/media", "NET_ADMIN")
    assert (sorted(policy.devices), policy.privileged) == (["/dev/dri", "gpu"], False)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AXION_AGENT__CONTROL_PLANE__GRPC_URL", "nowhere", "control_plane.grpc_url"),
        ("AXION_AGENT__CONTROL_PLANE__GRPC_URL", "http://x:99999", "control_plane.grpc_url"),
        ("AXION_AGENT__CONTROL_PLANE__CA_FILE", "/no/such/file", "control_plane.ca_file"),
        ("AXION_AGENT__CONTROL_PLANE__GRPC_URL", "https://:50051", "control_plane.grpc_url"),
        ("AXION_AGENT__BUILD__PARALLEL", "none", "build.parallel"),
        ("AXION_AGENT__BUILD__PARALLEL", "0", "build.parallel"),
        ("AXION_AGENT__LOGGING__LEVEL", "LOUD", "logging.level"),
        ("AXION_AGENT__CONTROL_PLANE__GRPC_URL", "ftp://127.0.0.1:1", "control_plane.grpc_url"),
        ("AXION_AGENT__CONTROL_PLANE__INSECURE", "perhaps", "control_plane.insecure"),
        ("AXION_AGENT__POLICY__BIND_MOUNT", "/srv", "policy.bind_mount: "),
        ("AXION_AGENT__POLICY__BIND_MOUNTS", "srv", "policy.bind_mounts"),
        ("AXION_AGENT__POLICY__HOST_NAMESPACES", "all", "policy.host_namespaces"),
    ],
)
def test_errors_name_the_key(name: str, value: str, said: str) -> None:
    environment = {"AXION_AGENT__CONTROL_PLANE__GRPC_URL": "localhost:1", name: value}
    with pytest.raises(ConfigInvalidError, match=said):
        load_config(path=None, environment=environment)


def test_a_broken_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("token = 1\n")
    with pytest.raises(ConfigInvalidError, match="outside a section"):
        load_config(path=path, environment={})


def test_the_program_ships_without_django() -> None:
    code = "import agents.runner.process, sys; sys.exit(any(n.split('.')[0] == 'django' for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
