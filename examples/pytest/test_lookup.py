"""Queries over UDP and TLS, with what Python has; a program of yours would be asked to use the same address and port."""

import socket
import ssl
import struct


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


def ask_udp(nameserver, message):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(5)
        udp.sendto(message, (nameserver["address"], nameserver["udp"]))
        return udp.recv(65535)


def ask_tls(nameserver, message):
    context = ssl.create_default_context(cadata=nameserver["ca"])
    context.set_alpn_protocols(["dot"])
    with socket.create_connection((nameserver["address"], nameserver["tls"]), timeout=5) as tcp:
        with context.wrap_socket(tcp, server_hostname=nameserver["address"]) as tls:
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
