"""The certificate that a room makes for itself."""

from __future__ import annotations

import hashlib
import socket
import ssl
import stat
import threading

import pytest

from kata.room.hub import certificate as certificates


def fetched(certificate, key, host):
    """The certificate that a server shows to a client who trusts it, and asks for a host."""
    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(certificate, key)
    here = ssl.create_default_context(cafile=certificate)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _ = server.accept()
            with connection, there.wrap_socket(connection, server_side=True) as wrapped:
                wrapped.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            plain = socket.create_connection(server.getsockname())
            with plain, here.wrap_socket(plain, server_hostname=host) as wrapped:
                shown = wrapped.getpeercert(binary_form=True)
                wrapped.sendall(b"x")
                return shown
        finally:
            thread.join()


@pytest.mark.parametrize("host", ["192.0.2.7", "the-server.example"])
def test_a_certificate_is_good_for_its_hosts_and_has_the_fingerprint_that_is_shown(tmp_path, host):
    certificate, key = certificates.self_signed(tmp_path, ["192.0.2.7", "the-server.example"])
    certificates.checked(certificate, key)
    shown = fetched(certificate, key, host)
    assert certificates.fingerprint(certificate).replace(":", "").lower() == hashlib.sha256(shown).hexdigest()


def test_only_its_owner_reads_the_key(tmp_path):
    _, key = certificates.self_signed(tmp_path, ["localhost"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_it_stays_the_same_until_it_is_asked_for_another_host(tmp_path):
    first = certificates.self_signed(tmp_path, ["localhost", "192.0.2.7"])[0].read_bytes()
    assert certificates.self_signed(tmp_path, ["192.0.2.7"])[0].read_bytes() == first
    assert certificates.self_signed(tmp_path, ["192.0.2.8"])[0].read_bytes() != first


def test_a_certificate_that_is_nearly_over_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(certificates, "DAYS", 0.5)
    first = certificates.self_signed(tmp_path, ["localhost"])[0].read_bytes()
    monkeypatch.undo()
    assert certificates.self_signed(tmp_path, ["localhost"])[0].read_bytes() != first


def test_one_that_is_over_or_does_not_fit_its_key_is_refused(tmp_path, monkeypatch):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    certificate, _ = certificates.self_signed(tmp_path / "one", ["localhost"])
    with pytest.raises(certificates.BadCertificate, match="are no certificate and its key"):
        certificates.checked(certificate, certificates.self_signed(tmp_path / "other", ["localhost"])[1])
    monkeypatch.setattr(certificates, "DAYS", -0.01)
    (tmp_path / "over").mkdir()
    with pytest.raises(certificates.BadCertificate, match="ended on"):
        certificates.checked(*certificates.self_signed(tmp_path / "over", ["localhost"]))


def test_a_room_that_listens_on_all_addresses_is_called_by_each_of_them():
    hosts = certificates.hosts_of_this_machine("0.0.0.0", "the-server.example")
    assert hosts[0] == "the-server.example"
    assert {"127.0.0.1", "localhost", socket.gethostname()} <= {*hosts}
    assert "192.0.2.7" in certificates.hosts_of_this_machine("192.0.2.7")


def test_of_its_addresses_others_are_told_those_by_which_they_can_call():
    hosts = ["localhost", "127.0.0.1", "::1", "fe80::1", "the-server", "192.0.2.7", "2001:db8::7"]
    assert [each for each in hosts if not certificates.is_of_this_machine_only(each)] == ["192.0.2.7", "2001:db8::7"]
