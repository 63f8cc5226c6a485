"""One service of the files becomes one node, key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stackgen.compose_import.becoming import attaching, building, environs, limits, mounting, reaching, running
from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.becoming.values import Values
from stackgen.compose_import.report import Outcome
from stackgen.compose_import.tree import Tree
from stackgen.databases.known import KINDS
from stackgen.databases.places import place_of
from stackgen.references import IMAGE

Handler = Callable[[Draft, NodeDraft, Tree], None]


def take_service(draft: Draft, node: NodeDraft, values: Values) -> None:
    """Set everything that the service says, and say what became of each key."""
    store = draft.stores.get(node.name)
    if store is not None:
        _as_store(draft, node, values)
    for key, tree in node.service.mapping.items():
        if key.startswith("x-"):
            node.lost(tree, "an extension field, which means nothing to Compose either")
        elif tree.value is None:
            node.became(tree, "says nothing")
        elif (handler := HANDLERS.get(key)) is not None:
            handler(draft, node, tree)
        elif key not in _READ_BY_OTHERS:
            node.lost(tree, REASONS.get(key, f"{key} is no key of a service that is known here"))
    environs.take_variables(draft, node, values, store.told if store is not None else frozenset())
    if node.name in draft.jobs:
        _as_job(node)


def _as_store(draft: Draft, node: NodeDraft, values: Values) -> None:
    """Set what a database node says itself in place of variables."""
    store, kind = draft.stores[node.name], KINDS[draft.stores[node.name].kind]
    node.set("databaseType", store.kind, node.service, f"a {store.kind} database")
    for key, value in (("user", store.user), ("database", store.database)):
        if value and getattr(kind, f"default_{key}"):
            node.set(key, value, node.service, f"{key} = {value}")
    if kind.has_password and store.password:
        node.set("password", store.password, node.service, "password, sealed")
    elif any(name.endswith("_FILE") for name in store.told):
        # Others may read the same file: a generated password would be another one.
        node.set("password", "", node.service, "password: the file with it is not at hand, it is asked for")
        node.needed(node.service, "the password: the same that other services read from that secret")
    elif kind.has_password:
        node.say(node.service, Outcome.NEEDED, "no password in the files: one is generated, unless you give it")
    for name in sorted(store.told & values.entries.keys()):
        node.became(values.entries[name], "told by the database node itself: user, password (sealed), database")
    place = place_of(kind, image=node.service.at("image"), version=None)
    if place.volumes and node.service.get("volumes") is None:
        node.better(node.service, "its data has a volume; in the files it goes with the container")


def take_image(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if node.service.get("build") is not None:
        node.became(tree, "built from its code; images are named by their content")
        return
    image = tree.text.removeprefix("docker.io/library/").removeprefix("docker.io/")
    if not IMAGE.fullmatch(image):
        node.lost(tree, f"{tree.text!r} is no reference to an image")
        return
    node.set("image", image, tree, f"image = {image}")


def _as_job(node: NodeDraft) -> None:
    tree = node.service
    if node.set("run", "once-before", tree, "run = once-before: a job that ends before others start"):
        # Its line says that it became a key, which a job does not have.
        node.config.pop("restart", None)
        restart = tree.get("restart")
        if restart is not None and restart.text.startswith(("on-failure", "always", "unless-stopped")):
            node.lost(restart, f"restart {restart.text}: a job that fails fails the deployment, which can be repeated")


def take_profiles(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.became(tree, "chosen, or its profiles would leave it out")


def take_pull_policy(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if tree.text in {"missing", "if_not_present", "build"}:
        node.became(tree, "as without saying it")
    else:
        node.lost(tree, "pull_policy: whether tags are asked again is said when a deployment is asked for")


def take_network_keys(key: str) -> Handler:
    """Return what sets a key to the text as it is."""

    def take(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
        node.set(key, tree.text, tree)

    return take


def take_unchanged_words(key: str) -> Handler:
    """Return what sets a key that is a list."""

    def take(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
        node.append(key, [item.text for item in tree.items], tree)

    return take


_READ_BY_OTHERS = frozenset({"environment", "env_file"})
HANDLERS: Mapping[str, Handler] = {
    "build": building.take_build,
    "cap_add": running.take_cap_add,
    "cap_drop": take_unchanged_words("capDrop"),
    "command": running.take_command,
    "configs": attaching.take_configs,
    "container_name": reaching.take_container_name,
    "cpus": limits.take_cpus,
    "depends_on": reaching.take_dependencies,
    "deploy": limits.take_deploy,
    "devices": running.take_devices,
    "dns": reaching.take_dns,
    "dns_search": reaching.take_dns_search,
    "entrypoint": running.take_entrypoint,
    "expose": reaching.take_expose,
    "extra_hosts": reaching.take_hosts,
    "gpus": running.take_gpus,
    "healthcheck": running.take_healthcheck,
    "hostname": take_network_keys("hostname"),
    "image": take_image,
    "init": take_network_keys("init"),
    "ipc": running.take_shared_space,
    "labels": running.take_labels,
    "links": reaching.take_links,
    "logging": running.take_logging,
    "mem_limit": limits.take_memory,
    "mem_reservation": limits.take_memory_reservation,
    "network_mode": reaching.take_network_mode,
    "networks": reaching.take_networks,
    "pid": running.take_shared_space,
    "pids_limit": limits.take_processes,
    "platform": take_network_keys("platform"),
    "ports": reaching.take_ports,
    "privileged": running.take_privileged,
    "profiles": take_profiles,
    "pull_policy": take_pull_policy,
    "read_only": take_network_keys("readOnly"),
    "restart": running.take_restart,
    "scale": limits.take_copies,
    "secrets": attaching.take_secrets,
    "security_opt": running.take_security,
    "shm_size": limits.take_shared_memory,
    "stdin_open": take_network_keys("stdinOpen"),
    "stop_grace_period": running.take_stop_time,
    "stop_signal": take_network_keys("stopSignal"),
    "sysctls": running.take_sysctls,
    "tmpfs": mounting.take_tmpfs,
    "tty": take_network_keys("tty"),
    "ulimits": running.take_ulimits,
    "user": running.take_user,
    "volumes": mounting.take_volumes,
    "working_dir": take_network_keys("workingDir"),
}
REASONS: Mapping[str, str] = {
    "annotations": "annotations: nothing here reads them; labels are kept",
    "attach": "attach: output is kept of every container",
    "blkio_config": "weights of disks are no setting of a node",
    "cgroup": "control groups are the engine's own",
    "cgroup_parent": "control groups are the engine's own",
    "cpu_count": "it is for Windows",
    "cpu_percent": "it is for Windows",
    "cpu_period": "say the limit as cpu",
    "cpu_quota": "say the limit as cpu",
    "cpu_rt_period": "times of a real-time scheduler are no setting of a node",
    "cpu_rt_runtime": "times of a real-time scheduler are no setting of a node",
    "cpu_shares": "weights are no setting of a node; cpuReservation keeps cores free",
    "cpuset": "which cores a container runs on is no setting of a node",
    "credential_spec": "it is for Windows",
    "develop": "it is for writing the code; a change of it is a deployment here",
    "device_cgroup_rules": "rules for devices are no setting of a node",
    "dns_opt": "options of name resolution are no setting of a node",
    "domainname": "a domain for host names is no setting of a node",
    "driver_opts": "options of drivers are the engine's own",
    "external_links": "containers of other projects are not reached",
    "group_add": "further groups are no setting of a node; user names one",
    "isolation": "it is for Windows",
    "label_file": "labels from a file: write them as labels",
    "mac_address": "addresses are the engine's own",
    "mem_swappiness": "swapping is the host's own setting",
    "memswap_limit": "swapping is the host's own setting",
    "models": "models are not run here",
    "oom_kill_disable": "a container that takes all memory must end",
    "oom_score_adj": "which container ends first is the host's own setting",
    "post_start": "commands beside the container's own are not run",
    "pre_stop": "commands beside the container's own are not run",
    "provider": "services that another program provides are not started here",
    "runtime": "which runtime runs containers is the host's own setting",
    "storage_opt": "the size of a container's disk is the host's own setting",
    "use_api_socket": "the engine's socket is no setting of a node; hostPath can name it",
    "userns_mode": "namespaces of users are the host's own setting",
    "uts": "the host's name space of names is no setting of a node",
    "volumes_from": "mount the same volume in both services",
}
