"""The container files say what `make run` says, and open nothing to the network.

No image is built here. docker-compose.yml is held against the Compose specification's own JSON
Schema, which check-jsonschema carries, and read by Debian's docker-compose, which needs no engine for
that; the rest is read from the files. What the image's command does: test_container.py.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import cds_service
from cds_service.settings import BODY_LIMIT
from deploy import first_start
from tests.packaging import container

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
    return container.compose()


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Return the Dockerfile as (instruction, the rest), with continued lines joined."""
    return container.instructions((CHECKOUT / "Dockerfile").read_text())


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


@pytest.mark.compose
def test_compose_itself_reads_the_file_and_finds_every_part(compose: dict[str, Any]) -> None:
    command = ["docker-compose", "-f", str(CHECKOUT / "docker-compose.yml"), "config"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=plain)
    assert done.returncode == 0, done.stderr
    assert "not set" not in done.stderr, "every variable has a default"
    found = yaml.safe_load(done.stdout)
    assert found["services"].keys() == compose["services"].keys()
    assert found["volumes"].keys() == compose["volumes"].keys()
    assert found["services"]["cds"]["environment"]["CDS_AUTH"] == "off"
    assert found["services"]["cds"]["read_only"] is True, "what is shared has arrived"


@pytest.mark.compose
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"depends_on": {"nobody": {"condition": "service_started"}}}, "nobody"),
        ({"volumes": ["nowhere:/x"]}, "nowhere"),
        ({"ports": ["127.0.0.1:x:y"]}, "port"),
    ],
)
def test_compose_itself_refuses_what_leads_nowhere(
    compose: dict[str, Any], tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    broken = tmp_path / "docker-compose.yml"
    services = {**compose["services"], "seed": {**compose["services"]["seed"], **wrong}}
    broken.write_text(yaml.safe_dump({**compose, "services": services}))
    command = ["docker-compose", "-f", str(broken), "config", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert said in done.stderr.lower()


def test_every_published_port_is_on_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert [port for port in ports if not port.startswith(LOOPBACK)] == []
    assert len({port.split(":")[1] for port in ports}) == len(ports), "one host port each"
    modes = {
        name: one["network_mode"] for name, one in compose["services"].items() if "network_mode" in one
    }
    assert modes == {"first-start": "none"}


def test_the_service_is_reached_through_the_proxy_alone(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, one in services.items() if one.get("ports")] == ["proxy", "hapi"]
    assert services["proxy"]["networks"] == ["front"]
    assert services["postgres"]["networks"] == ["database"]
    named = {one for service in services.values() for one in service.get("networks", ())}
    assert named == compose["networks"].keys()
    assert compose["networks"]["database"] == {"internal": True}
    assert "database" not in services["cds"]["networks"]


def test_every_image_names_its_version(compose: dict[str, Any]) -> None:
    tags = {name: service["image"].split(":")[1] for name, service in compose["services"].items()}
    ours = {name: tag for name, tag in tags.items() if compose["services"][name].get("build")}
    assert set(ours.values()) == {cds_service.__version__}
    assert ours.keys() == {"cds", "seed", "first-start"}
    assert re.fullmatch(r"v\d+\.\d+\.\d+-\d+", tags["hapi"])
    assert re.fullmatch(r"\d+\.\d+\.\d+-alpine", tags["proxy"])
    assert re.fullmatch(r"\d+\.\d+", tags["postgres"])


def test_nothing_runs_with_more_rights_than_it_needs(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert not one.get("privileged"), name
        assert one.get("cap_add", []) == (["CHOWN"] if name == "first-start" else []), name
    for name in ("proxy", "cds", "seed", "first-start"):
        assert compose["services"][name]["read_only"] is True, name
        assert compose["services"][name]["tmpfs"] == ["/tmp"], name  # noqa: S108 - as the file has it
    assert compose["services"]["proxy"]["user"] == "10002:10002"
    assert "user" not in compose["services"]["cds"], "the image's own"
    written = {
        name: [one for one in service.get("volumes", ()) if not one.endswith(":ro")]
        for name, service in compose["services"].items()
    }
    assert written["proxy"] == written["hapi"] == written["seed"] == []
    assert written["cds"] == ["audit:/var/lib/cds-service"]


def test_no_secret_is_in_the_file(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        for variable in one.get("environment", {}):
            secret = re.search(r"(?i)password|secret|token|key", variable)
            assert secret is None or variable.endswith("_FILE"), f"{name}: {variable}"
    [database, server] = (
        compose["services"]["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"],
        compose["services"]["hapi"]["environment"]["SPRING_CONFIG_IMPORT"],
    )
    assert database == f"{server.removeprefix('configtree:')}{first_start.PASSWORD}"


def test_the_service_may_fetch_from_the_hapi_beside_it_and_from_nowhere_else(
    compose: dict[str, Any],
) -> None:
    named = container.defaults(compose["services"]["cds"]["environment"]["CDS_CLIENTS"])
    file = CHECKOUT / named.lstrip("/")
    check = [sys.executable, "-m", "cds_service", "clients", "check", str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False, timeout=60, cwd=CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    content = yaml.safe_load(file.read_text())
    assert content.keys() == {"anonymous"}
    [server] = content["anonymous"]["fhir-servers"]
    assert server["base"] in compose["services"]["seed"]["command"]


def test_what_has_to_come_first_comes_first(compose: dict[str, Any]) -> None:
    needs = {
        name: {other: one["condition"] for other, one in service.get("depends_on", {}).items()}
        for name, service in compose["services"].items()
    }
    done = "service_completed_successfully"
    assert needs["proxy"] == {"first-start": done, "cds": "service_healthy"}
    assert needs["postgres"] == {"first-start": done}
    assert needs["hapi"] == {"postgres": "service_healthy"}
    assert needs["seed"] == {"hapi": "service_started"}
    assert compose["services"]["seed"]["restart"] == "on-failure:20", "until HAPI answers"


def made(where: Path) -> dict[str, bytes]:
    """Run deploy/first_start.py as the compose file does; what it leaves, by name."""
    folders = [where / "certificates", where / "secret"]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    program = [sys.executable, str(CHECKOUT / "deploy" / "first_start.py")]
    owner = os.getuid()
    if os.geteuid() == 0 and shutil.which("setpriv"):  # with the one capability that the file gives it
        owner = 10_002
        program = ["setpriv", "--bounding-set=-all,+chown", "--no-new-privs", *program]
    words = [str(folders[0]), str(owner), str(folders[1])]
    subprocess.run([*program, *words], check=True, timeout=60, capture_output=True)
    return {one.name: one.read_bytes() for folder in folders for one in folder.iterdir()}


def test_the_first_start_makes_a_certificate_and_a_password_and_the_second_leaves_them(
    tmp_path: Path,
) -> None:
    first = made(tmp_path)
    assert first.keys() == {"certificate.pem", "key.pem", first_start.PASSWORD}
    assert made(tmp_path) == first
    assert len(first[first_start.PASSWORD]) >= 32
    other = tmp_path / "other"
    other.mkdir()
    assert all(made(other)[name] != content for name, content in first.items())
    key = (tmp_path / "certificates" / "key.pem").stat()
    assert stat.S_IMODE(key.st_mode) == 0o400
    assert key.st_uid == (10_002 if os.geteuid() == 0 and shutil.which("setpriv") else os.getuid())
    found = x509.load_pem_x509_certificate(first["certificate.pem"])
    private = load_pem_private_key(first["key.pem"], None)
    assert private.public_key() == found.public_key()
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "proxy"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    now = datetime.now(UTC)
    assert found.not_valid_before_utc < now
    assert now + timedelta(days=360) < found.not_valid_after_utc < now + timedelta(days=398)


def test_the_audit_log_outlives_the_container(
    compose: dict[str, Any], dockerfile: list[tuple[str, str]]
) -> None:
    [volume] = said(dockerfile, "VOLUME")
    [mount] = [one for one in compose["services"]["cds"]["volumes"] if not one.endswith(":ro")]
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
    assert f":{port}/healthz" in health
    assert f'"--host", "0.0.0.0", "--port", "{port}"' in command
    proxy = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    assert f"server cds:{port} " in proxy
    [published] = compose["services"]["proxy"]["ports"]
    assert f"listen {published.rpartition(':')[2]} ssl;" in proxy
    body = re.search(r"client_max_body_size (\d+)m;", proxy)
    assert body is not None
    assert int(body[1]) * 1024 * 1024 == BODY_LIMIT
