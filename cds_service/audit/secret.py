"""The audit secret: it hides who a row is about and signs checkpoints.

Without it an identifier cannot be guessed from a row, not even by trying every number of a hospital,
and a checkpoint cannot be made anew after rows were changed.
"""

import hmac
import json
import os
import secrets
from hashlib import sha256
from pathlib import Path

import msgspec

from cds_service.failures import Failure, Kind

_BYTES = 32
_FEWEST_BYTES = 16
_OTHERS = 0o007  # a group may read: mounted volumes are often given one (Kubernetes fsGroup)
_LENGTH = 32  # hexadecimal digits of a keyed hash: 128 bits


class Secret(msgspec.Struct, frozen=True):
    """The secret, and what is done with it; its repr does not show it."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """Names the secret on every row without telling it."""
        return sha256(self.raw).hexdigest()[:8]

    def keyed(self, kind: str, *parts: str) -> str:
        """A keyed hash of an identifier; the same parts always give the same one.

        Args:
            kind: what is identified, so that a patient and a user of one id differ.
            parts: client, FHIR base, id.
        """
        said = json.dumps([kind, *parts], ensure_ascii=False).encode("utf-8", "surrogatepass")
        return self._sign(b"identity", said)[:_LENGTH]

    def signature(self, said: bytes) -> str:
        """The signature of a checkpoint."""
        return self._sign(b"checkpoint", said)

    def signed(self, said: bytes, signature: str) -> bool:
        """Whether `signature` is ours."""
        return hmac.compare_digest(self.signature(said).encode(), signature.encode())

    def _sign(self, purpose: bytes, said: bytes) -> str:
        # One derived key per purpose: a hash of an identifier can never pass for a signature.
        return hmac.new(hmac.digest(self.raw, purpose, "sha256"), said, sha256).hexdigest()

    def __repr__(self) -> str:
        return f"Secret({self.key_id})"


def file_of(database: Path) -> Path:
    """Where the secret of a database is kept unless a setting gives it."""
    return database.with_name(f"{database.name}.key")


def parse(text: str, where: str) -> Secret:
    """A secret written in hexadecimal.

    Raises:
        Failure: incorrect; never with the text, which may be most of a secret.
    """
    try:
        raw = bytes.fromhex(text.strip())
    except ValueError:
        raw = b""
    if len(raw) < _FEWEST_BYTES:
        raise Failure(
            Kind.INCORRECT,
            f"the audit secret must be at least {2 * _FEWEST_BYTES} hexadecimal digits",
            where=where,
            todo="make one with: openssl rand -hex 32",
        ) from None
    return Secret(raw)


def read(file: Path) -> Secret | None:
    """The secret in a file; None when there is no such file.

    Raises:
        Failure: unavailable when it cannot be read or everyone may read it, incorrect when it holds
            no secret.
    """
    try:
        with file.open(encoding="ascii", errors="replace") as opened:
            open_to_all = os.fstat(opened.fileno()).st_mode & _OTHERS
            text = opened.read(1024)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable(file, f"cannot be read: {error.strerror}") from error
    if open_to_all:
        raise _unusable(file, "can be read by every user of this machine", f"chmod 600 {file}")
    return parse(text, str(file))


def beside(database: Path, given: str = "") -> Secret:
    """The secret to write `database` with: the one given, else its file's, made on first use.

    Several processes may start at once: exactly one makes the file, all use it.

    Raises:
        Failure: unavailable when there is none and none can be made, or when the log is there and its
            secret is gone: a new one would silently part every patient from their history.
    """
    if given:
        return parse(given, "CDS_AUDIT_KEY")
    file = file_of(database)
    found = read(file)
    if found is None and _has_rows(database):
        found = read(file)  # another process may have made both since
        if found is None:
            raise _unusable(
                file,
                "is gone, and the log it belongs to is not",
                "restore it, give the secret as CDS_AUDIT_KEY, or move the log away to begin anew",
            )
    return found or _made(file)


def _has_rows(database: Path) -> bool:
    try:
        return database.stat().st_size > 0
    except OSError:
        return False


def _made(file: Path) -> Secret:
    """A new secret in `file`, or the one another process has put there meanwhile."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as opened:
                opened.write(secrets.token_hex(_BYTES) + "\n")
                opened.flush()
                os.fsync(opened.fileno())
            # Linking is as exclusive as O_EXCL, and nobody ever reads a file half written.
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        _sync_folder(file.parent)
    except OSError as error:
        raise _unusable(
            file,
            f"cannot be made: {error.strerror}",
            "let the service write there, or give the secret as CDS_AUDIT_KEY",
        ) from error
    found = read(file)
    if found is None:
        raise _unusable(file, "was removed while the service started", "start it again")
    return found


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unusable(file: Path, what: str, todo: str = "") -> Failure:
    return Failure(Kind.UNAVAILABLE, f"the audit secret {what}", where=str(file), todo=todo)
