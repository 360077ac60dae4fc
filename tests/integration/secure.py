"""A certificate authority for tests, and a world whose nodes speak TLS with its certificates."""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from world import World

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority, and the servers on 127.0.0.1 that it vouches for."""

    def __init__(self, path):
        self.path, self.key = path, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        crt = self._builder(self.name, self.key, DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), True).sign(self.key, hashes.SHA256())
        with open(path, "wb") as f:
            f.write(crt.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject, key, lasts):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - 2 * DAY).not_valid_after(now + lasts))

    def issue(self, node, lasts=DAY, address="127.0.0.1"):
        """Writes node.pem and node.key into the node's folder, whole; returns the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node.name)])
        crt = (self._builder(name, key, lasts)
               .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False)
               .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
               .sign(self.key, hashes.SHA256()))
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                   serialization.NoEncryption())
        put(node.path("node.key"), secret)
        put(node.path("node.pem"), crt.public_bytes(serialization.Encoding.PEM))
        return crt.serial_number

    def trust(self, node):
        """Puts the node on TLS with this authority, on both of its sides."""
        node.options += ["tls_certificate = node.pem", "tls_key = node.key", f"ca = {self.path}"]
        node.tls = ssl.create_default_context(cafile=self.path)
        node.url = node.url.replace("http://", "https://")


def put(path, content):
    with open(os.open(path + ".new", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as f:
        f.write(content)
    os.rename(path + ".new", path)


def secure_world():
    w = World(log_text="pull = 1\n")
    authority = Authority(w.path("ca.pem"))
    plain = w.agency.url
    for node in w.nodes.values():
        authority.issue(node)
        authority.trust(node)
        node.sections = [s.replace(plain, w.agency.url) for s in node.sections]
    with open(w.path("policy"), "w") as f:
        f.write(w.policy())
    return w, authority
