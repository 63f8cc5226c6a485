"""Keys that say what a node is, where it is reached, and what its program is told."""

from __future__ import annotations

import re

from stackgen.keys.form import Form, amount, choice, cores, flag, matching, text, verbatim, whole_number
from stackgen.keys.key import ALL, Key
from stackgen.references import IMAGE
from stackgen.runtimes.names import RUNTIMES

MAX_PORT = 65535
MAX_REPLICAS = 100
MAX_PROCESSES_OF_A_NODE = 32_768
PATH = re.compile(r"/[A-Za-z0-9._~!*+,;=:@%/?&-]{0,500}")
# Without `.` and `..`: a gateway tidies a path before it looks, and would never see them.
_STEP = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"
ROUTE = re.compile(rf"/(?:{_STEP}(?:/{_STEP})*/?)?")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:\*\.)?(?:{_LABEL}\.)*{_LABEL}")
PLACEMENT = re.compile(r"(?:node|engine)\.[A-Za-z0-9._-]{1,100} ?[!=]= ?[A-Za-z0-9._-]{1,100}")
COMMAND = re.compile(r"[\s\S]{1,16384}")
GATEWAY_PROGRAMS = {"caddy": "caddy", "traefik": "traefik"}
SEVERAL_PORTS = re.compile(r"(?=.*[.:,/\s-])[0-9A-Fa-f.:,/\s\[\]-]+(?:tcp|udp)?", re.IGNORECASE)
DOMAIN_WANTED = "a domain such as example.org"


def _port() -> Form:
    """Return the form of one port; what belongs into `ports` is told so."""
    number = whole_number(1, MAX_PORT)

    def read(given: str) -> object:
        try:
            return number.read(given)
        except ValueError as error:
            if not SEVERAL_PORTS.fullmatch(given):
                raise
            ways = "127.0.0.1:5432:5432, 9090:9090 or 51820:51820/udp"
            raise ValueError(
                f"{error}: further ports, addresses and UDP go into config.ports, such as {ways}"
            ) from None

    return Form(read=read, takes=number.takes, schema=number.schema)


def _why_no_domain(given: str) -> str:
    """Return what is wrong with the name of a site, by what people mostly mean; empty for anything else."""
    if "://" in given:
        return "leave out the scheme before it"
    if re.search(r"[,\s]", given):
        return "it is one name, and only that one is served"
    if "/" in given:
        return "a path goes into config.path"
    if ":" in given:
        return "the gateway's config.port says where it is served"
    if not given.isascii():
        try:
            return f"write it as name servers have it, {given.encode('idna').decode()}"
        except UnicodeError:
            return "write it as name servers have it, beginning with xn--"
    return "an underscore is in no name of a site" if "_" in given else ""


def _domain_form() -> Form:
    form = matching(DOMAIN, DOMAIN_WANTED, change=str.lower)

    def read(given: str) -> object:
        try:
            return form.read(given)
        except ValueError as error:
            why = _why_no_domain(given)
            raise ValueError(f"{error}: {why}" if why else str(error)) from None

    return Form(read=read, takes=form.takes, schema=form.schema)


PORT = _port()
DOMAIN_FORM = _domain_form()


def command_form() -> Form:
    """Return the form of a command: one line, a JSON list of words, or a script of several lines."""
    form = matching(COMMAND, "a command of at most 16384 characters")
    return Form(read=form.read, takes='a line, a script of several lines, or a list `["a", "b c"]`', schema=form.schema)


def _place(given: str) -> str:
    pattern, wanted = (ROUTE, "a path such as /api") if given.startswith("/") else (DOMAIN, "a path or a domain")
    return str(matching(pattern, wanted, change=str if given.startswith("/") else str.lower).read(given))


BASICS = (
    Key(name="port", field="port", nodes="services, gateways", form=PORT, silent=True,
        meaning="where it listens; a service gets it as `PORT`. Gateways: 80 by default"),
    Key(name="hostPort", field="host_port", nodes=ALL, form=PORT,
        meaning="publish on this port of the host. Gateways always publish, by default the same number"),
    Key(name="healthPath", field="health_path", nodes="services", form=matching(PATH, "a path such as /health"),
        meaning="asked by HTTP; without it, and with a port, it is enough that the port is open"),
    Key(name="runtime", field="runtime", nodes="services with code", form=choice(RUNTIMES),
        meaning="python, node, bun, go, rust, java, php, ruby, dotnet, static or dockerfile; recognised from the code "
        "when absent"),
    Key(name="spa", field="spa", nodes="services with code", form=flag(),
        meaning="static only. `true`: index.html answers for every page that is no file, as applications with "
        "routes of their own need; without it, where the code shows one, and no 404.html"),
    Key(name="command", field="command", nodes="services", form=command_form(),
        meaning="start command; else the Procfile's `web` or `worker`, else what the code's files show"),
    Key(name="command", field="command", nodes="databases", form=command_form(),
        meaning="options of the server, beside ours where its kind has some; not where its data lies"),
    Key(name="image", field="image", nodes=ALL, form=matching(IMAGE, "an image such as nginx:1.29"),
        meaning="use this image and build nothing"),
    Key(name="replicas", field="replicas", nodes="services, gateways", form=whole_number(1, MAX_REPLICAS), silent=True,
        meaning=f"copies, 1 to {MAX_REPLICAS}"),
    Key(name="cpu", field="cpu", nodes=ALL, form=cores(), meaning="limit of cores: `0.5` or `500m`"),
    Key(name="memory", field="memory", nodes=ALL, form=amount(), meaning="limit of memory: `512M` or `1Gi`"),
    Key(name="cpuReservation", field="cpu_reservation", nodes=ALL, form=cores(), meaning="cores kept free for it"),
    Key(name="memoryReservation", field="memory_reservation", nodes=ALL, form=amount(),
        meaning="memory kept free for it"),
    Key(name="processes", field="processes", nodes=ALL, form=whole_number(16, MAX_PROCESSES_OF_A_NODE),
        meaning="most processes and threads of a container, 2048 without it"),
    Key(name="stopGraceSeconds", field="stop_grace_seconds", nodes=ALL, form=whole_number(1, 3600),
        meaning="time to end before it is killed"),
    Key(name="placement", field="placement", nodes=ALL,
        form=matching(PLACEMENT, "a constraint such as node.hostname==alpha"),
        meaning="Swarm only: a constraint such as `node.hostname==alpha`"),
    Key(name="env.", follows="NAME", field="env", nodes=ALL, form=verbatim(), meaning="a variable"),
    Key(name="secret.", follows="NAME", field="secrets", nodes=ALL, form=verbatim(), sealed=True,
        meaning="a variable whose value is kept sealed and stands in no file"),
    Key(name="databaseType", field="kind", nodes="databases", form=text(),
        meaning="the kind of database: a name or alias of those that `databases/known.py` lists"),
    Key(name="databaseVersion", field="database_version", nodes="databases", form=whole_number(1, 99),
        meaning="the server's release, where the image's name does not tell it: a digest without a tag"),
    Key(name="database", field="database", nodes="databases", form=text(), meaning="the name of the database"),
    Key(name="user", field="user", nodes="databases", form=text(), meaning="the user that callers sign in as"),
    Key(name="password", field="password_given", nodes="databases", form=verbatim(), sealed=True,
        meaning="as given; one that is not given is generated once for the project"),
    Key(name="connectionName", field="connection_name", nodes=ALL, form=text(),
        meaning="begins the callers' variables instead of the node's name"),
    Key(name="domain", field="domain", nodes="gateways", form=DOMAIN_FORM,
        meaning="its site, with HTTPS by itself on 80 and 443 (when no `port` is given)"),
    Key(name="domain", field="domain", nodes="services", form=DOMAIN_FORM, meaning="where a gateway offers it"),
    Key(name="path", field="path", nodes="services", form=matching(ROUTE, "a path such as /api"),
        meaning="where a gateway offers it"),
    Key(name="stripPrefix", field="strip_prefix", nodes="services", form=flag(),
        meaning="`false`: the service sees the whole path"),
    Key(name="route.", follows="SERVICE", field="routes", nodes="gateways",
        form=Form(read=_place, takes="a path or a domain"), meaning="a path or a domain for this service"),
    Key(name="gateway", field="gateway", nodes="gateways", form=choice(GATEWAY_PROGRAMS),
        meaning="`caddy` (default) or `traefik`"),
)  # fmt: skip
