"""The cluster's own certificate authority: every connection is encrypted and verified, and every component has a name that RBAC knows."""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from e2e.cluster import places

LIFE = timedelta(days=365)


class Authority:
    """A certificate authority that lives in one directory as `ca.crt` and `ca.key`; made on first use."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.certificate_file = place / "ca.crt"
        if not self.certificate_file.exists():
            self._found()
        self.certificate = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        key = serialization.load_pem_private_key((place / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self.key = key

    def _found(self) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "treadle-local-cluster")])
        draft = _draft(name, name, key.public_key()).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        certificate = draft.add_extension(usage, critical=True).sign(key, hashes.SHA256())
        places.write(self.place / "ca.key", _private(key))
        places.write(self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)

    def issue(self, file: str, user: str, groups: Sequence[str] = (), *, serves: Sequence[str] = ()) -> tuple[Path, Path]:
        """A certificate for `user` in `groups`, kept as `<file>.crt` and `<file>.key`, and made only once.

        Args:
            file: Name of the files, without ending.
            user: The user name that Kubernetes sees.
            groups: The groups that Kubernetes sees.
            serves: Names and addresses it may serve TLS under, for servers.

        Returns:
            The certificate's file and the key's.
        """
        certificate_file, key_file = self.place / f"{file}.crt", self.place / f"{file}.key"
        if certificate_file.exists():
            return certificate_file, key_file
        key = ec.generate_private_key(ec.SECP256R1())
        organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if serves else [])]
        draft = _draft(subject, self.certificate.subject, key.public_key()).add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        if serves:
            draft = draft.add_extension(x509.SubjectAlternativeName([_general_name(name) for name in serves]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = draft.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256())
        places.write(key_file, _private(key))
        places.write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
        return certificate_file, key_file


def signing_keys(place: Path) -> tuple[Path, Path]:
    """The public and private key files that ServiceAccount tokens are checked and signed with; made on first use."""
    public, private = place / "service-accounts.pub", place / "service-accounts.key"
    if not public.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        places.write(private, _private(key))
        encoded = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        places.write(public, encoded, mode=0o644)
    return public, private


def _draft(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    # An hour back, because clocks of machines and their guests differ.
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
    dated = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + LIFE)
    return dated.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
