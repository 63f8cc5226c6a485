"""Keys that shape the container further, still within what every container may have."""

from __future__ import annotations

import ipaddress
import re

from stackgen.keys.amounts import read_size, shown
from stackgen.keys.basics import DOMAIN
from stackgen.keys.data import INSIDE, INSIDE_WANTED
from stackgen.keys.form import Form, choice, flag, listed, matching, one_of
from stackgen.keys.key import ALL, Key
from stackgen.nodes import MemoryMount, Ulimit

# As kernels take it: with the domain, and with the underscores that names of services have.
HOST_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
SIGNAL = re.compile(r"(?:SIG)?[A-Z]{2,6}[0-9]?(?:[+-][0-9]{1,2})?|[1-9][0-9]?")
PLATFORM = re.compile(r"[a-z0-9]{1,20}(?:/[a-z0-9_]{1,20}){1,2}")
ULIMITS = (
    "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
    "rttime", "sigpending", "stack",
)  # fmt: skip
ULIMIT_NAME = re.compile("|".join(ULIMITS))
LIMIT = re.compile(r"(-1|\d{1,18})(?::(-1|\d{1,18}))?")
# What the kernel keeps apart for each container; anything else would be the host's.
SYSCTL = re.compile(
    r"net\.[a-z0-9._-]{1,100}|kernel\.(?:shm|msg)[a-z0-9_]{1,20}|kernel\.sem|fs\.mqueue\.[a-z0-9_]{1,40}"
)
SYSCTL_WANTED = "net.*, kernel.shm*, kernel.msg*, kernel.sem or fs.mqueue.*"
LOG_OPTION = re.compile(r"max-size|max-file|compress|mode|max-buffer-size|tag|labels|labels-regex|env|env-regex")
LOG_DRIVERS = {name: name for name in ("json-file", "local", "none")}
CAPABILITY = re.compile(r"(?:CAP_)?[A-Z][A-Z_]{1,40}")
HOST_GATEWAY = "host-gateway"
TMPFS = re.compile(r"(?:size=)?(?P<size>[0-9][0-9.]{0,14} ?[kKmMgG]?[iI]?[bB]?)?,?(?:mode=(?P<mode>[0-7]{3,4}))?")
NETWORKS = {name: name for name in ("edges", "shared", "none", "host")}


def read_capability(given: str) -> str:
    """Return a capability without its prefix, in capital letters. Raises ValueError."""
    name = given.upper()
    if not CAPABILITY.fullmatch(name):
        raise ValueError(f"must be capabilities such as NET_ADMIN, or ALL, not {shown(given)}")
    return name.removeprefix("CAP_")


def _limit(given: str) -> Ulimit:
    match = LIMIT.fullmatch(given)
    if match is None:
        raise ValueError(f"must be a limit such as 65536 or 1024:65536, -1 for none, not {shown(given)}")
    soft, hard = int(match[1]), int(match[2] or match[1])
    if hard != -1 and (soft == -1 or soft > hard):
        raise ValueError(f"must have a soft limit that is not above the hard one, not {shown(given)}")
    return Ulimit(soft=soft, hard=hard)


def _memory(given: str) -> MemoryMount:
    match = TMPFS.fullmatch(given)
    if match is None:
        raise ValueError(f"must be a size such as 64M, mode=1777, or both with a comma, not {shown(given)}")
    mode = int(match["mode"], 8) if match["mode"] else None
    return MemoryMount(size=read_size(match["size"]) if match["size"] else "", mode=mode)


def read_address(given: str) -> str:
    """Return an IP address. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(given.strip("[]")))
    except ValueError:
        raise ValueError(f"must be an IP address, not {shown(given)}") from None


def _extra_host(given: str) -> str:
    return given if given == HOST_GATEWAY else read_address(given)


CONTAINER = (
    Key(name="init", field="init", nodes=ALL, group="Container", form=flag(),
        meaning="whether a small program passes signals on and reaps orphans; by itself for what is built from code"),
    Key(name="stopSignal", field="stop_signal", nodes=ALL, group="Container",
        form=matching(SIGNAL, "a signal such as SIGINT"), meaning="what asks its program to end"),
    Key(name="hostname", field="hostname", nodes=ALL, group="Container", form=matching(HOST_NAME, "a name"),
        meaning="the name of its host as its program sees it, its domain with it if need be"),
    Key(name="aliases", field="aliases", nodes=ALL, group="Container",
        form=listed(one_of(ALIAS, "names of hosts"), "names"),
        meaning="further names under which those that are joined with it reach it"),
    Key(name="shmSize", field="shm_size", nodes=ALL, group="Container",
        form=Form(read=read_size, takes="such as `256M`"), meaning="size of /dev/shm (Compose only)"),
    Key(name="ulimit.", follows="NAME", field="ulimits", nodes=ALL, group="Container",
        form=Form(read=_limit, takes="such as `65536` or `1024:65536`"), named=ULIMIT_NAME,
        named_wanted=", ".join(ULIMITS), meaning="a limit of its processes, soft and hard; -1 for none"),
    Key(name="tmpfs.", follows="/PATH", field="tmpfs", nodes=ALL, group="Container",
        form=Form(read=_memory, takes="a size such as `64M`, `mode=1777`, both, or nothing", whole=True),
        named=INSIDE, named_wanted=INSIDE_WANTED, meaning="a folder in memory, empty at every start"),
    Key(name="readOnly", field="read_only", nodes=ALL, group="Container", form=flag(),
        meaning="nothing can be written but in volumes and tmpfs"),
    Key(name="extraHost.", follows="NAME", field="extra_hosts", nodes=ALL, group="Container",
        form=Form(read=_extra_host, takes=f"an address, or `{HOST_GATEWAY}`"), named=DOMAIN, named_wanted="a host",
        meaning="an address for this name, `host-gateway` for the server itself"),
    Key(name="platform", field="platform", nodes="services, databases", group="Container",
        form=matching(PLATFORM, "a platform such as linux/amd64"), meaning="the image's platform (Compose only)"),
    Key(name="sysctl.", follows="NAME", field="sysctls", nodes=ALL, group="Container",
        form=matching(re.compile(r"[^\x00-\x1f]{1,200}"), "one line"), named=SYSCTL, named_wanted=SYSCTL_WANTED,
        meaning=f"a setting of its kernel namespaces: {SYSCTL_WANTED}"),
    Key(name="logDriver", field="log_driver", nodes=ALL, group="Container", form=choice(LOG_DRIVERS),
        meaning="`json-file` (default), `local` or `none`"),
    Key(name="log.", follows="OPTION", field="log_options", nodes=ALL, group="Container",
        form=matching(re.compile(r"[^\x00-\x1f]{1,200}"), "one line"), named=LOG_OPTION,
        named_wanted="an option such as max-size or max-file", meaning="an option of the log, such as `log.max-size`"),
    Key(name="capDrop", field="cap_drop", nodes=ALL, group="Container",
        form=listed(read_capability, "capabilities, or `ALL`"), meaning="rights that it shall not have"),
    Key(name="tty", field="tty", nodes="services", group="Container", form=flag(),
        meaning="a terminal for its program"),
    Key(name="stdinOpen", field="stdin_open", nodes="services", group="Container", form=flag(),
        meaning="its input stays open"),
    Key(name="dns", field="dns", nodes=ALL, group="Container", form=listed(read_address, "addresses"),
        meaning="name servers to ask for what is not of the stack"),
    Key(name="dnsSearch", field="dns_search", nodes=ALL, group="Container",
        form=listed(one_of(DOMAIN, "domains"), "domains"), meaning="domains in which short names are looked for"),
    Key(name="network", field="network", nodes=ALL, group="Container", form=choice(NETWORKS),
        meaning="`edges` (default): meets whom an edge joins it with; `shared`: also all others that say so (the "
        "graph's own `network: shared` says it for all); `none`; `host`: the server's own, which raises privileges"),
)  # fmt: skip
