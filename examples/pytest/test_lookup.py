"""Queries over UDP and TLS with the standard library. Your own program would get the same address and port."""

import socket
import ssl
import struct

import pytest
from conftest import NameserverError


def query(name, rrtype=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 1, 0, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", rrtype, 1)


def rcode(response):
    return response[3] & 15


def exactly(stream, octets):
    data = b""
    while len(data) < octets:
        more = stream.recv(octets - len(data))
        assert more, "the connection was closed"
        data += more
    return data


def ask_udp(nameserver, message, tries=1, timeout=5):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(timeout)
        for left in reversed(range(tries)):
            udp.sendto(message, (nameserver.address, nameserver.udp))
            try:
                return udp.recv(65535)
            except socket.timeout:
                if left == 0:
                    raise


def ask_tls(nameserver, message):
    context = ssl.create_default_context(cadata=nameserver.ca)
    context.set_alpn_protocols(["dot"])
    with socket.create_connection((nameserver.address, nameserver.tls), timeout=5) as tcp:
        with context.wrap_socket(tcp, server_hostname=nameserver.address) as tls:
            tls.sendall(struct.pack("!H", len(message)) + message)
            return exactly(tls, struct.unpack("!H", exactly(tls, 2))[0])


def test_finds_an_address_over_udp(nameserver):
    response = ask_udp(nameserver, query("www.example.test"))
    assert rcode(response) == 0
    assert socket.inet_aton("192.0.2.80") in response


def test_finds_the_same_inside_tls_of_a_server_it_can_trust(nameserver):
    response = ask_tls(nameserver, query("www.example.test"))
    assert rcode(response) == 0
    assert socket.inet_aton("192.0.2.80") in response


def test_does_not_find_a_name_that_is_not_there(nameserver):
    assert rcode(ask_udp(nameserver, query("nowhere.example.test"))) == 3


def test_asks_again_when_an_answer_is_lost(nameserver):
    nameserver.add_faults({"fault": "drop", "name": "www.example.test", "nth": 1})
    response = ask_udp(nameserver, query("www.example.test"), tries=2, timeout=0.5)
    assert socket.inet_aton("192.0.2.80") in response
    assert [asked["faults"] for asked in nameserver.queries()] == [["drop"], []]


def test_finds_what_a_zone_has_now(nameserver):
    nameserver.set_zone("other.test", "mail A 192.0.2.25")
    assert socket.inet_aton("192.0.2.25") in ask_tls(nameserver, query("mail.other.test"))
    seen = nameserver.wait_for_query(name="mail.other.test", timeout=1)
    assert (seen["transport"], seen["tls"]["version"], seen["rcode"]) == ("tls", "TLSv1.3", "NOERROR")


def test_is_told_where_a_zone_is_wrong(nameserver):
    with pytest.raises(NameserverError) as refused:
        nameserver.set_zone("other.test", "mail A 192.0.2.256")
    assert refused.value.code == "ADOTD_ZONE_INVALID"
    assert [(found["line"], found["column"]) for found in refused.value.diagnostics] == [(1, 8)]
