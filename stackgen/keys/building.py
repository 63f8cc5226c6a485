"""Keys that say how code becomes an image, and what a container finds as a file that no text of ours may hold."""

from __future__ import annotations

import posixpath
import re

from stackgen.keys.amounts import shown
from stackgen.keys.data import INSIDE, INSIDE_WANTED
from stackgen.keys.form import Form, matching, verbatim
from stackgen.keys.key import ALL, Key

GROUP = "Building"
MAX_VARIABLE_NAME = 200
IN_CODE = re.compile(r"[^\x00-\x1f\x7f\\]{1,500}")
IN_CODE_WANTED = "a path in the code such as services/api"
STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
# BuildKit takes orders from arguments of these names: which program reads the Dockerfile, whose cache it is.
ARGUMENT = re.compile(r"(?!(?:BUILDKIT|BUILDX|SOURCE_DATE)_)[A-Za-z_][A-Za-z0-9_]{0,99}")
ARGUMENT_WANTED = "letters, digits and _, not beginning with BUILDKIT_"
# The two are our own: the certificates of the agent's host.
SECRET_ID = re.compile(r"(?!(?:ca|ca_bundle)\Z)[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
SECRET_ID_WANTED = "letters, digits, _, . and -, not ca or ca_bundle"  # noqa: S105 - no secret but its grammar
VARIABLE = re.compile(rf"[^\x00-\x1f\x7f{{}}]{{1,{MAX_VARIABLE_NAME}}}")


def read_in_code(given: str) -> str:
    """Return a path below the code's top, without detours. Raises ValueError for one that leads out."""
    path = posixpath.normpath(given)
    if not IN_CODE.fullmatch(given) or path.startswith("/") or ".." in given.split("/") or path == ".":
        raise ValueError(f"must be {IN_CODE_WANTED}, not {shown(given)}")
    return path


def _in_code() -> Form:
    return Form(read=read_in_code, takes=IN_CODE_WANTED)


def _variable() -> Form:
    return matching(VARIABLE, "the name of a variable")


BUILDING = (
    Key(name="buildFolder", field="build_folder", nodes="services with code", group=GROUP, form=_in_code(),
        meaning="the folder of the code that is built, all of it without this"),
    Key(name="dockerfile", field="dockerfile", nodes="services with code", group=GROUP, form=_in_code(),
        meaning="a Dockerfile of the code by another name, looked for from that folder"),
    Key(name="buildTarget", field="build_target", nodes="services with code", group=GROUP,
        form=matching(STAGE, "the name of a stage"), meaning="the stage of its own Dockerfile that is built"),
    Key(name="buildArg.", follows="NAME", field="build_args", nodes="services with code", group=GROUP,
        form=verbatim(), named=ARGUMENT, named_wanted=ARGUMENT_WANTED,
        meaning="an argument of its own Dockerfile. It stays readable in the image: nothing secret belongs there"),
    Key(name="buildSecret.", follows="ID", field="build_secrets", nodes="services with code", group=GROUP,
        form=_variable(), named=SECRET_ID, named_wanted=SECRET_ID_WANTED,
        meaning="the name of a variable whose value `RUN --mount=type=secret,id=ID` of its own Dockerfile reads while "
        "it runs; it is in no layer of the image. Another value alone builds nothing anew"),
    Key(name="secretFile.", follows="/PATH", field="secret_files", nodes=ALL, group="Data", form=_variable(),
        named=INSIDE, named_wanted=INSIDE_WANTED,
        meaning="the name of a variable whose value is a file at this path of the container (Compose only). A "
        "`secret.NAME` that is named here, or by `buildSecret.`, is no variable of the program"),
)  # fmt: skip
