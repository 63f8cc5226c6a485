"""Files are read as the Compose specification says."""

from __future__ import annotations

import time

import pytest

from stackgen.compose_import.complaints import ComposeInvalid
from stackgen.compose_import.notation.documents import MAX_DEPTH, MAX_VALUES, read_documents
from stackgen.compose_import.notation.dotenv import read_dotenv
from stackgen.compose_import.notation.interpolation import Template, TemplateError
from stackgen.compose_import.notation.opened import UploadedFiles
from stackgen.compose_import.notation.project import ComposeProject, read_project
from tests.stackgen.compose_import.brought import brought


def project(
    text: str, *others: str, files: dict[str, str] | None = None, profiles: tuple[str, ...] = ()
) -> ComposeProject:
    named = {"compose.yml": text, **{f"over-{index}.yml": other for index, other in enumerate(others)}}
    contents = {name: value.encode() for name, value in {**named, **(files or {})}.items()}
    return read_project(files=UploadedFiles(contents), paths=list(named), profiles=profiles)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("$A", "a"), ("${A}", "a"), ("$$A", "$A"), ("${A}-${B}", "a-"), ("${B:-x}", "x"), ("${B-x}", ""),
        ("${C-x}", "x"), ("${C:-${A}}", "a"), ("${C:-${D:-${A}z}}", "az"), ("${A:+y}", "y"), ("${B:+y}", ""),
        ("${B+y}", "y"), ("${C+y}", ""), ("${A:?no}", "a"), ("${C:-$A}", "a"), ("${C:-}", ""), ("no", "no"),
        ("${C:-a:b?c}", "a:b?c"), ("${C:-{x}}", "{x}"), ("$A$A", "aa"), ("${C:-$$}", "$"),
        ("$", "$"), ("$1", "$1"), ("a$ b", "a$ b"), ("$!$A", "$!a"), ("$(date)", "$(date)"), ("${C:-$!}", "$!"),
    ],
)  # fmt: skip
def test_variables_in_all_their_forms(text: str, wanted: str) -> None:
    assert Template({"A": "a", "B": ""}).fill(text) == wanted


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1}", "${A!x}", "${C:?give it}", "${C?}"])
def test_what_is_no_variable_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        Template({"A": "a"}).fill(text)


def test_a_variable_that_must_be_set_is_named_with_its_place() -> None:
    with pytest.raises(ComposeInvalid) as caught:
        project("services:\n  web:\n    image: 'nginx:${TAG:?say which}'\n")
    assert str(caught.value) == "compose.yml:3 services.web.image: the variable TAG must be set: say which"


def test_files_of_variables() -> None:
    text = (
        "# comment\n\nexport A=1\nB='si$ngle # no'\nC=\"dou\\nble $A\" # yes\nD=plain # gone\nE=has#hash\nF=\n"
        'G="two\nlines"\nH=${A}2\nI\nJ: yaml\nK=\'it\\\'s\'\nL="$$x"\n'
    )
    found = read_dotenv(file=".env", text=text, values={"I": "given"})
    assert found == {
        "A": "1", "B": "si$ngle # no", "C": "dou\nble 1", "D": "plain", "E": "has#hash", "F": "", "G": "two\nlines",
        "H": "12", "I": "given", "J": "yaml", "K": "it's", "L": "$x",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["A='open\n", 'A="open\n', "not a variable\n", "=x\n"])
def test_broken_files_of_variables_name_their_line(text: str) -> None:
    with pytest.raises(ComposeInvalid, match=r"\.env:2"):
        read_dotenv(file=".env", text=f"\n{text}", values={})


def test_anchors_and_merges() -> None:
    read = project(
        "x-common: &common\n  restart: always\n  environment: &env {A: one, B: two}\n"
        "services:\n  web:\n    <<: *common\n    image: nginx\n    environment:\n      <<: *env\n      B: mine\n"
    )
    web = read.section("services")["web"]
    assert web.at("restart") == "always"
    assert (web.at("environment", "A"), web.at("environment", "B")) == ("one", "mine")


def test_plain_words_mean_what_yaml_1_2_says() -> None:
    (tree,) = read_documents(
        file="f", content="{a: yes, b: true, c: 0777, d: 22:22, e: 1.10, f: 0o17, g: '1', h: ~, i: 1_000}"
    )
    values = {key: member.value for key, member in tree.mapping.items()}
    assert values == {"a": "yes", "b": True, "c": 511, "d": "22:22", "e": 1.1, "f": 15, "g": "1", "h": None, "i": 1000}


def test_a_billion_laughs_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ComposeInvalid, match=str(MAX_VALUES)):
        read_documents(file="f", content="\n".join(lines))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [*a]", "refers to itself"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "deeper"),
        ("[" * 100_000, "deeper"),
        ("a: *b", "not defined"),
        ("a: 1\na: 2", "twice"),
        ("a: [", "no YAML"),
        ("- a", "must be a mapping"),
        ("a: !!python/object/apply:os.system ['true']", ""),
    ],
)
def test_hostile_documents_end_in_a_clear_error_or_in_plain_data(text: str, reason: str) -> None:
    if not reason:
        (tree,) = read_documents(file="f", content=text)
        assert [item.value for item in tree.mapping["a"].items] == ["true"]
        return
    with pytest.raises(ComposeInvalid, match=reason) as caught:
        read_documents(file="f", content=text)
    assert str(caught.value).startswith("f:")


def test_later_files_add_change_reset_and_override() -> None:
    read = project(
        "services:\n  web:\n    image: a\n    command: [x, y]\n    ports: ['80:80', '443:443']\n    cap_add: [A]\n"
        "    environment: [A=1, B=2]\n    volumes: ['data:/data', 'other:/other']\n    labels: {l: '1'}\n"
        "    dns: 1.1.1.1\n"
        "volumes: {data: , other: , more: }\n",
        "services:\n  web:\n    image: b\n    command: z\n    ports: ['80:80', '81:80']\n    cap_add: !override [B]\n"
        "    environment: {B: 3, C: 4}\n    volumes: ['more:/data']\n    labels: !reset null\n"
        "    dns: [2.2.2.2]\n",
    )
    web = read.section("services")["web"]
    assert web.at("image") == "b"
    assert web.mapping["command"].text == "z"
    assert [item.at("published") for item in web.mapping["ports"].items] == ["80", "443", "81"]
    assert [item.text for item in web.mapping["cap_add"].items] == ["B"]
    assert {name: tree.text for name, tree in web.mapping["environment"].mapping.items()} == {
        "A": "1",
        "B": "3",
        "C": "4",
    }
    assert [item.at("source") for item in web.mapping["volumes"].items] == ["more", "other"]
    assert "labels" not in web.mapping
    assert [item.text for item in web.mapping["dns"].items] == ["1.1.1.1", "2.2.2.2"]


def test_extends_within_a_file_and_from_another() -> None:
    read = project(
        "services:\n  base: {image: base, environment: {A: 1}}\n  web:\n    extends: base\n    environment: {B: 2}\n"
        "  far:\n    extends: {service: api, file: lib/common.yml}\n    image: mine\n",
        files={
            "lib/common.yml": "services:\n  api: {image: theirs, volumes: ['./conf:/conf'], env_file: x.env}\n",
        },
    )
    services = read.section("services")
    assert services["web"].at("image") == "base"
    assert set(services["web"].mapping["environment"].mapping) == {"A", "B"}
    assert services["far"].at("image") == "mine"
    assert services["far"].mapping["volumes"].items[0].at("source") == "lib/conf"
    assert services["far"].mapping["env_file"].items[0].at("path") == "lib/x.env"


def test_services_that_extend_each_other_are_refused() -> None:
    with pytest.raises(ComposeInvalid, match="extends itself"):
        project("services:\n  a: {extends: b, image: x}\n  b: {extends: a}\n")


def test_include_brings_other_files_with_their_own_folder_and_variables() -> None:
    read = project(
        "include:\n  - db/compose.yml\nservices:\n  web: {image: web, depends_on: [db]}\n",
        files={
            "db/compose.yml": "services:\n  db:\n    image: 'postgres:${TAG}'\n    volumes: ['./init:/init']\n",
            "db/.env": "TAG=16\n",
        },
    )
    db = read.section("services")["db"]
    assert db.at("image") == "postgres:16"
    assert db.mapping["volumes"].items[0].at("source") == "db/init"


def test_one_name_defined_in_two_ways_is_refused() -> None:
    with pytest.raises(ComposeInvalid, match="in another way"):
        project("include: [o.yml]\nservices:\n  web: {image: a}\n", files={"o.yml": "services:\n  web: {image: b}\n"})


def test_profiles_leave_services_out_until_they_are_chosen() -> None:
    text = "services:\n  web: {image: a}\n  tools: {image: b, profiles: [debug]}\n"
    assert set(project(text).section("services")) == {"web"}
    assert set(project(text, profiles=("debug",)).section("services")) == {"web", "tools"}
    assert set(project(text, files={".env": "COMPOSE_PROFILES=debug\n"}).section("services")) == {"web", "tools"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("services: {}", "has no services"),
        ("services: {web: {}}", "neither image nor build"),
        ("services: [web]", "must be a mapping"),
        ("services: {web: {image: a, depends_on: [db]}}", "'db' is no service"),
        ("services: {web: {image: a, networks: [n]}}", "'n' is no network"),
        ("services: {web: {image: a, secrets: [s]}}", "'s' is not among"),
        ("services: {web: {image: a, ports: ['x:80']}}", "is no port"),
        ("services: {web: {image: a, volumes: ['a:b:c:d']}}", "is no volume"),
        ("include: [gone.yml]", "gone.yml: cannot be read"),
        ("services: {web: {extends: gone}}", "'gone'"),
    ],
)
def test_what_cannot_be_started_is_refused_by_name(text: str, wanted: str) -> None:
    with pytest.raises(ComposeInvalid, match=wanted):
        project(text)


def test_variables_that_grow_are_bounded() -> None:
    doubling = (
        "A=" + "x" * 1000 + "\n" + "".join(f"A{n}=${{A{n - 1 or ''}}}${{A{n - 1 or ''}}}\n" for n in range(1, 30))
    )
    with pytest.raises(ComposeInvalid, match="characters"):
        project("services: {web: {image: a}}", files={".env": doubling})
    big = f"BIG={'x' * 100_000}\n"
    labels = "".join(f"      l{n}: ${{BIG}}\n" for n in range(200))
    with pytest.raises(ComposeInvalid, match="longer than"):
        project(f"services:\n  web:\n    image: a\n    labels:\n{labels}", files={".env": big})


def test_long_lines_take_no_long_time() -> None:
    began = time.process_time()
    blanks = " " * 500_000
    assert read_dotenv(file=".env", text=f"A=x{blanks}y\n", values={})["A"].endswith("y")
    brought(f"services: {{web: {{image: a, environment: ['A={'a' * 500_000}', 'B={'://a:' * 100_000}']}}}}")
    assert time.process_time() - began < 5
