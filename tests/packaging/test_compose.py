"""The container files say what `make run` says, and open nothing to the network.

No image is built here. docker-compose.yml is held against the Compose specification's own JSON
Schema, which check-jsonschema carries; the rest is read from the files.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import cds_service

CHECKOUT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1:"


def compose_check(file: Path) -> subprocess.CompletedProcess[str]:
    """Hold `file` against the schema of the Compose specification."""
    command = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(file)]
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Return docker-compose.yml, read."""
    content: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    return content


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Return the Dockerfile as (instruction, the rest), with continued lines joined."""
    text = (CHECKOUT / "Dockerfile").read_text()
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    pairs = (line.split(None, 1) for line in text.splitlines() if line.strip())
    return [(instruction, " ".join(rest.split())) for instruction, rest in pairs]


def said(dockerfile: list[tuple[str, str]], instruction: str) -> list[str]:
    """Return what each `instruction` of the Dockerfile says."""
    return [rest for name, rest in dockerfile if name == instruction]


def test_compose_file_meets_the_specification() -> None:
    result = compose_check(CHECKOUT / "docker-compose.yml")
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_specification_refuses_a_misspelt_key(compose: dict[str, Any], tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    services = {"cds": compose["services"]["cds"] | {"port": ["8080:8080"]}}
    broken.write_text(yaml.safe_dump({"services": services}))
    result = compose_check(broken)
    assert result.returncode == 1
    assert "port" in result.stdout


def test_every_published_port_is_on_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert len(ports) == len(compose["services"])
    assert [port for port in ports if not port.startswith(LOOPBACK)] == []
    assert len({port.split(":")[1] for port in ports}) == len(ports), "one host port each"
    assert not any(service.get("network_mode") for service in compose["services"].values())


def test_every_image_names_its_version(compose: dict[str, Any]) -> None:
    tags = {name: service["image"].split(":")[1] for name, service in compose["services"].items()}
    assert tags["cds"] == cds_service.__version__
    assert re.fullmatch(r"v\d+\.\d+\.\d+-\d+", tags["hapi"])


def test_the_audit_log_outlives_the_container(
    compose: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    [volume] = said(dockerfile, "VOLUME")
    [mount] = compose["services"]["cds"]["volumes"]
    name, _, folder = mount.partition(":")
    assert folder == volume
    assert name in compose["volumes"], "a named volume, not one that goes with the container"
    assert f"={volume}/" in " ".join(said(dockerfile, "ENV")), "a setting puts the log there"


def test_the_container_runs_as_its_own_user(dockerfile: list[tuple[str, str]]) -> None:
    final = dockerfile[max(i for i, (name, _) in enumerate(dockerfile) if name == "FROM") :]
    [user] = said(final, "USER")
    assert int(user) > 0, "a number: a host can check that it is not root"
    after = [name for name, _ in final[final.index(("USER", user)) :]]
    assert not {"RUN", "COPY", "ADD"} & set(after), "it owns none of the code"


def test_image_and_make_install_from_the_same_locks(dockerfile: list[tuple[str, str]]) -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    installed = re.findall(r"-r (\S+)", " ".join(said(dockerfile, "RUN")))
    assert installed == ["requirements/run.lock", "requirements/build.lock"]
    assert f"$(PINNED) {installed[0]} -r {installed[1]}" in makefile
    for command in re.findall(r"pip install [^&]*", " ".join(said(dockerfile, "RUN"))):
        assert "--no-deps" in command
        assert "--require-hashes" in command or "--no-index" in command


@pytest.mark.parametrize("lock", ["run", "build", "dev"])
def test_a_lock_holds_versions_and_hashes_and_no_place(lock: str) -> None:
    text = (CHECKOUT / "requirements" / f"{lock}.lock").read_text()
    pinned = r"[a-z0-9-]+==[\w.]+( ; [^\\]+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+"
    comments = r"( *#.*\n)+"
    assert re.fullmatch(f"({pinned}|{comments})+", text)
    assert "://" not in text
    assert str(Path.home()) not in text


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["build"]
    locks = [(CHECKOUT / "requirements" / f"{name}.lock").read_text() for name in ("run", "build")]
    locked = set(re.findall(r"^([a-z0-9-]+)==", "".join(locks), flags=re.MULTILINE))
    names = [re.split(r"[<>=~!\[]", requirement)[0] for requirement in wanted]
    assert [name for name in names if re.sub(r"[._]", "-", name.lower()) not in locked] == []


def test_only_what_the_dockerfile_copies_enters_the_build(
    dockerfile: list[tuple[str, str]],
) -> None:
    ignore = (CHECKOUT / ".dockerignore").read_text().splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    copies = (rest.split()[:-1] for rest in said(dockerfile, "COPY") if "--from" not in rest)
    assert let_in == {source for sources in copies for source in sources}


def test_the_port_is_the_same_throughout(
    compose: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    [port] = said(dockerfile, "EXPOSE")
    [health] = said(dockerfile, "HEALTHCHECK")
    [command] = said(dockerfile, "CMD")
    assert f":{port}/cds-services" in health
    assert f'"--host", "0.0.0.0", "--port", "{port}"' in command
    [published] = compose["services"]["cds"]["ports"]
    assert published.endswith(f":{port}")
