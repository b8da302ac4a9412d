"""What docker-compose.yml needs once: a certificate to try TLS with, the password of HAPI's database.

    python first_start.py CERTIFICATES OWNER SECRET

Makes in the folder CERTIFICATES a self-signed certificate for localhost, whose key only the user id
OWNER can read, and in the folder SECRET a random password. What is there is left as it is, so that a
certificate of your own may be put in its place: certificate.pem, key.pem.
"""

import os
import secrets
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "proxy")  # from the host, and from the other containers
ADDRESSES = ("127.0.0.1", "::1")
VALID = timedelta(days=397)  # more, and some browsers refuse a certificate
PASSWORD = "spring.datasource.password"  # noqa: S105 - the name of a file: the setting HAPI takes from it


def certificate(now: datetime) -> tuple[bytes, bytes]:
    """Make a new key and a certificate that it signs itself, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAMES[0])])
    names = [x509.DNSName(one) for one in NAMES]
    addresses = [x509.IPAddress(ip_address(one)) for one in ADDRESSES]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return signed.public_bytes(serialization.Encoding.PEM), private


def written(path: Path, content: bytes, mode: int, owner: int | None = None) -> None:
    """Put a whole file in its place, or none."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)  # before it is somebody else's
        if owner is not None:
            os.fchown(file.fileno(), owner, owner)
    beside.rename(path)


def main() -> None:
    """Make what is not there."""
    certificates, owner, secret = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    if not (certificates / "certificate.pem").exists():
        public, private = certificate(datetime.now(UTC))  # noqa: TID251 - a command: here the clock is read
        written(certificates / "key.pem", private, 0o400, owner)
        written(certificates / "certificate.pem", public, 0o444)  # last: it says that both are there
        sys.stdout.write(f"made a self-signed certificate for {', '.join((*NAMES, *ADDRESSES))}\n")
    if not (secret / PASSWORD).exists():
        # Read by PostgreSQL and by HAPI, each as a user of its own; no other container has this folder.
        written(secret / PASSWORD, secrets.token_urlsafe(32).encode(), 0o444)
        sys.stdout.write("made a password for the database\n")


if __name__ == "__main__":
    main()
