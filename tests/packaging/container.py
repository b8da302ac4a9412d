"""The Dockerfile built, and the service `cds` of docker-compose.yml started, without a Docker engine.

    unshare --mount --propagation private python -m tests.packaging.container FOLDER

Needs root, and a kernel that lets it mount. Each stage of the Dockerfile is carried out as written, line
by line, in a file system that lies over this machine's and keeps every change for itself; in the place
of the base image stands this machine with its own Python. Then the image's command runs as the compose
file says: as the image's user, without capabilities, all read-only but the volume and /tmp, in a network
of its own. FOLDER/volume is the volume. Nothing of this machine is changed.

What this cannot show: the base image itself, and Docker.
"""

import ctypes
import fcntl
import json
import os
import re
import shlex
import shutil
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_UP, _SET_FLAGS = 0x1, 0x8914  # of a network interface (netdevice(7))
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET (unshare(2))


def instructions(text: str) -> list[tuple[str, str]]:
    """Return a Dockerfile as (instruction, the rest), with continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    pairs = (line.split(None, 1) for line in text.splitlines() if line.strip())
    return [(instruction, " ".join(rest.split())) for instruction, rest in pairs]


class Stage:
    """One stage of a Dockerfile: a file system, and what its instructions have said so far."""

    def __init__(self, folder: Path, stages: Mapping[str, "Stage"]) -> None:
        """Lay a file system over this machine's."""
        self.root = folder / "root"
        for name in ("root", "changes", "work"):
            (folder / name).mkdir(parents=True)
        layers = f"lowerdir=/,upperdir={folder / 'changes'},workdir={folder / 'work'}"
        mount("-t", "overlay", "overlay", "-o", layers, self.root)
        for name in ("proc", "dev"):
            mount("--rbind", f"/{name}", self.root / name)
        # The official image keeps its Python where everybody may read it.
        python = Path(sys.base_prefix) / "bin"
        for parent in python.parents:
            inside = self.root / parent.relative_to("/")
            inside.chmod(inside.stat().st_mode | 0o011)
        self.environment = {"PATH": f"{python}:{SYSTEM_PATH}"}
        self.said: dict[str, str] = {"WORKDIR": "/", "USER": "0"}
        self._stages = stages

    def carry_out(self, instruction: str, rest: str) -> None:
        """Do what one instruction says."""
        match instruction:
            case "ENV":
                for pair in shlex.split(rest):
                    name, _, value = pair.partition("=")
                    self.environment[name] = re.sub(
                        r"\$(\w+)", lambda found: self.environment[found[1]], value
                    )
            case "RUN":
                self._run(rest)
            case "COPY":
                self._copy(shlex.split(rest))
            case "WORKDIR":
                self.said[instruction] = rest
                self.inside(rest).mkdir(parents=True, exist_ok=True)
            case "USER" | "VOLUME" | "EXPOSE" | "HEALTHCHECK" | "CMD":
                self.said[instruction] = rest
            case _:
                raise ValueError(f"{instruction} is not known here")

    def inside(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / path.lstrip("/") if path.startswith("/") else self._here() / path

    def _here(self) -> Path:
        return self.root / self.said["WORKDIR"].lstrip("/")

    def _run(self, line: str) -> None:
        pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        command = f"cd {shlex.quote(self.said['WORKDIR'])} && {line}"
        subprocess.run(
            ["/usr/bin/env", "chroot", str(self.root), "/bin/sh", "-ec", command],
            env={"HOME": "/root", **pip, **self.environment},
            check=True,
        )

    def _copy(self, words: list[str]) -> None:
        source = CHECKOUT
        if words[0].startswith("--from="):
            source = self._stages[words.pop(0).removeprefix("--from=")].root
        *names, target = words
        for name in names:
            found, to = source / name.lstrip("/"), self.inside(target)
            if found.is_dir():
                skipped = shutil.ignore_patterns("__pycache__", "*.sqlite3", ".env")
                shutil.copytree(found, to, symlinks=True, dirs_exist_ok=True, ignore=skipped)
            else:
                to.mkdir(parents=True, exist_ok=True)
                shutil.copy(found, to)


def mount(*words: str | Path) -> None:
    """Call mount(8)."""
    subprocess.run(["/usr/bin/env", "mount", *map(str, words)], check=True)


def built(folder: Path) -> Stage:
    """Carry out the Dockerfile; the last stage."""
    # In memory: the layer for changes must not itself be such a layer, as it is inside a container.
    mount("-t", "tmpfs", "-o", "mode=0755", "stages", folder)
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for instruction, rest in instructions((CHECKOUT / "Dockerfile").read_text("utf-8")):
        if instruction == "FROM":
            name = rest.split(" AS ")[1] if " AS " in rest else str(len(stages))
            stage = stages[name] = Stage(folder / name, dict(stages))
        else:
            assert stage is not None
            stage.carry_out(instruction, rest)
    assert stage is not None
    return stage


def compose() -> dict[str, Any]:
    """Return docker-compose.yml, read."""
    content: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text("utf-8"))
    return content


def defaults(value: str) -> str:
    """A value of the compose file where no variable is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def fastened(stage: Stage, service: Mapping[str, Any], volume: Path) -> None:
    """Mount and close the file system as the compose file says."""
    for one in service["volumes"]:
        source, target = one.split(":")[:2]
        inside = stage.inside(target)
        inside.mkdir(parents=True, exist_ok=True)
        if source.startswith("."):
            mount("--bind", "-o", "ro", CHECKOUT / source, inside)
        else:  # a new volume takes over what the image has there, and whose it is
            was = inside.stat()
            os.chown(volume, was.st_uid, was.st_gid)
            volume.chmod(was.st_mode & 0o7777)
            mount("--bind", volume, inside)
    for target in service["tmpfs"]:
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", stage.inside(target))
    if service["read_only"]:
        mount("-o", "remount,bind,ro", stage.root)


def command_of(stage: Stage) -> Iterator[str]:
    """The image's command, as its user and without capabilities."""
    user = stage.said["USER"]
    passwd = (stage.root / "etc" / "passwd").read_text("utf-8")
    group = next(line.split(":")[3] for line in passwd.splitlines() if line.split(":")[2] == user)
    yield from ("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--inh-caps=-all")
    yield from ("--bounding-set=-all", "--no-new-privs", *json.loads(stage.said["CMD"]))


def alone() -> None:
    """Leave this machine's network, now that all has been fetched; loopback is up, as in Docker."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK):  # os.unshare comes with Python 3.12
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))


def main() -> None:
    """Build, fasten, and become the image's command."""
    folder = Path(sys.argv[1])
    stage = built(folder / "stages")
    service = compose()["services"]["cds"]
    environment = stage.environment | {
        name: defaults(value) for name, value in service["environment"].items()
    }
    (folder / "container.json").write_text(json.dumps({**stage.said, "environment": environment}))
    fastened(stage, service, folder / "volume")
    command = list(command_of(stage))
    alone()
    os.chroot(stage.root)
    os.chdir(stage.said["WORKDIR"])
    os.execvpe(command[0], command, environment)  # noqa: S606 - it is meant to take this one's place


if __name__ == "__main__":
    main()
