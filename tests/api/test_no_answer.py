"""What broke before anything was sent may be sent again; what broke afterwards may be done already."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from airflow_provider_insightly.api import errors
from tests.api.conftest import ScriptedServer

NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key, and a certificate for 127.0.0.1 that nobody but itself vouches for."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    signed = (
        x509.CertificateBuilder(NAME, NAME, key.public_key(), 1, now - timedelta(1), now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return path


@pytest.fixture
def requests_taken() -> list[bytes]:
    return []


@pytest.fixture
def broken_tls(certificate: Path, requests_taken: list[bytes]) -> Iterator[str]:
    """The address of a server that reads each request and answers with bytes that are not TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    requests_taken.append(secure.recv(65536))
                    os.write(secure.fileno(), b"HTTP/1.1 200 OK\r\n\r\n")
            except OSError:
                continue  # the client did not like the certificate

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}/v3.1"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_a_certificate_that_fails_lets_nothing_out(
    broken_tls: str, requests_taken: list[bytes], make_client: Callable, monkeypatch: pytest.MonkeyPatch
):
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.TlsError) as caught:
        make_client(base_url=broken_tls).request("POST", "/Contacts", json={})

    assert caught.value.outcome == "not_sent"
    assert requests_taken == []


def test_tls_that_breaks_after_the_request_leaves_it_in_doubt_and_no_create_is_sent_again(
    broken_tls: str, certificate: Path, requests_taken: list[bytes], make_client: Callable
):
    with pytest.raises(errors.LostAnswerError) as caught:
        make_client(base_url=broken_tls, verify=str(certificate)).request("POST", "/Contacts", json={})

    assert caught.value.outcome == "unknown"
    assert len(requests_taken) == 1


@pytest.mark.parametrize("step", [None, b""])  # it never answers; it closes the connection
def test_a_connection_that_does_not_come_about_lets_nothing_out_and_is_tried_again(
    step: bytes | None, server: ScriptedServer, make_client: Callable
):
    server.script = [step] * 3
    with pytest.raises(errors.InsightlyError) as caught:
        make_client(base_url=f"https://127.0.0.1:{server.port}/v3.1", connect_timeout=0.2).request("POST", "/Contacts")

    assert caught.value.outcome == "not_sent"
    assert caught.value.attempts == 3


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"base_url": "https://127.0.0.1:1/v3.1", "verify": "/no/such/file.pem"}, errors.TlsError),
        ({"proxies": {"http": "http://"}}, errors.ConnectError),
        ({"proxies": {"http": "sock://127.0.0.1:1"}}, errors.ConnectError),
        ({"base_url": "http://127.0.0.1:99999/v3.1"}, errors.ConnectError),
        ({"base_url": "http://127.0.0.1:1/v3.1"}, errors.ConnectError),
    ],
)
def test_settings_of_the_connection_that_cannot_work_let_nothing_out(
    options: dict, kind: type[errors.InsightlyError], make_client: Callable
):
    with pytest.raises(kind) as caught:
        make_client(**options).request("POST", "/Contacts", json={})

    assert caught.value.outcome == "not_sent"
