"""Keys that shape the container of a node, within what every container may have."""

from __future__ import annotations

import re

from stackgen.keys.basics import command_form
from stackgen.keys.data import INSIDE_WANTED, read_path
from stackgen.keys.form import Form, matching, verbatim
from stackgen.keys.key import ALL, Key

USER = re.compile(r"(?:[0-9]{1,10}|[A-Za-z_][A-Za-z0-9_.-]{0,31})(?::(?:[0-9]{1,10}|[A-Za-z_][A-Za-z0-9_.-]{0,31}))?")
USER_WANTED = "a user such as 1000, 1000:1000 or node"
RESTART = re.compile(r"no|always|unless-stopped|on-failure(?::[1-9][0-9]{0,3})?")
# Labels by which we and Compose know what is ours.
LABEL = re.compile(r"(?!axion\.|com\.docker\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,199}", re.IGNORECASE)
LABEL_WANTED = "letters, digits, ., _, / and -, and must not begin with axion. or com.docker."

RUNNING = (
    Key(name="entrypoint", field="entrypoint", nodes="services", group="Container", form=command_form(),
        meaning="instead of the image's own; the image's command is left out then"),
    Key(name="user", field="run_as", nodes="services, gateways", group="Container", form=matching(USER, USER_WANTED),
        meaning="the user that its program runs as, by number or name, with a group after a colon"),
    Key(name="runAs", field="run_as", nodes="databases", group="Container", form=matching(USER, USER_WANTED),
        meaning="the user that its server runs as, by number or name, with a group after a colon"),
    Key(name="workingDir", field="working_dir", nodes="services", group="Container",
        form=Form(read=read_path, takes=INSIDE_WANTED), meaning="the folder that its program starts in"),
    Key(name="restart", field="restart", nodes=ALL, group="Container",
        form=matching(RESTART, "no, always, unless-stopped, on-failure or on-failure:5"),
        meaning="when an ended container starts again: `unless-stopped` (default), `always`, `on-failure`, "
        "`on-failure:5`, `no`"),
    Key(name="label.", follows="NAME", field="labels", nodes=ALL, group="Container", form=verbatim(),
        named=LABEL, named_wanted=LABEL_WANTED, meaning="a label of its containers, beside our own"),
)  # fmt: skip
