"""A .env file means here what Docker Compose reads in it, for a project's variables and for imported files alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.errors import Invalid
from deployments.services.secrets.env_file import read_env_file
from stackgen.compose_import.notation.dotenv import read_dotenv
from tests.stackgen.docker.engine import needs_compose, run

# A name a line, so that a value may be named where two readers differ.
LINES = [
    "'single $X # kept'", '"two\\nlines"', '"tab\\tx\\\\y"', "plain  # gone", "has#hash", "", '"it\'s"', "'say \"hi\"'",
    '"say \\"hi\\""', "  lead", "'it\\'s'", '"a # b"', "'#'", "#near", "'multi\nline'",
    '"-----BEGIN-----\nabc=\n-----END-----"', "a b c", '"x" # gone', "back\\nslash", '"é 😀"', "a=b=c", "'\\n'", "''",
    '""', "`x`", "a'b'c", "\\#x", '"a\\\\nb"', ' "q"', "'a\\nb'", "trailing   ", '"  kept  "', "p:a=s?s&w@rd/%41",
    "{\"a\": [1, 2]}", "\u00a0x", "-----BEGIN", "yes", "0123",
]  # fmt: skip


def compose_reads(text: str, folder: Path) -> dict[str, str]:
    (folder / "docker-compose.yml").write_text("services: {a: {image: x, env_file: given.env}}")
    (folder / "given.env").write_text(text)
    told = json.loads(run("docker", "compose", "config", "--format", "json", folder=folder))
    # What it prints doubles dollars, as it is meant to be read again.
    return {name: value.replace("$$", "$") for name, value in told["services"]["a"]["environment"].items()}


@needs_compose
@pytest.mark.docker
def test_every_reader_finds_the_same(tmp_path: Path) -> None:
    text = "".join(f"V{index}={line}\n" for index, line in enumerate(LINES))
    text += "export EXPORTED=1\nTWICE=1\nTWICE=2\n\n  # a comment\n  INDENTED=x\nSPACED = x\n"
    wanted = compose_reads(text, tmp_path)
    for found in (read_env_file(text), read_dotenv(file=".env", text=text, values={})):
        assert {name: (value, found.get(name)) for name, value in wanted.items() if found.get(name) != value} == {}
        assert found.keys() == wanted.keys()


@needs_compose
@pytest.mark.docker
def test_what_compose_alone_understands_is_refused_for_stored_variables_and_read_in_imported_files(
    tmp_path: Path,
) -> None:
    """What these mean depends on the machine that reads them, or is read by Compose alone."""
    text = "COLON: x\n"
    assert read_dotenv(file=".env", text=text, values={}) == compose_reads(text, tmp_path) == {"COLON": "x"}
    with pytest.raises(Invalid, match="line 1 "):
        read_env_file(text)
    inner = 'A=1\nB="${A}2"\nC="\\q"\n'
    wanted = compose_reads(inner, tmp_path)
    assert read_dotenv(file=".env", text=inner, values={}) == wanted == {"A": "1", "B": "12", "C": "\\q"}
    assert read_env_file(inner)["B"] == "${A}2"
    blanks = "BLANKS=  # said\n"
    assert read_dotenv(file=".env", text=blanks, values={}) == compose_reads(blanks, tmp_path) == {"BLANKS": "# said"}
    assert read_env_file(blanks) == {"BLANKS": ""}
