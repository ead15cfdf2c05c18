#!/usr/bin/env python3
"""Opens TCP connections that carry a query or, with --tls, a ClientHello in their SYN (RFC 7413), and prints the answers in
hexadecimal and what the kernel counted, as JSON.

The first connection fetches a cookie; those after it send data with the SYN. Counters are of this network namespace.
"""
import json
import socket
import ssl
import struct
import sys

from dns_message import CLASSES, TYPES, encode_query, framed


def counters():
    with open("/proc/net/netstat", encoding="ascii") as file:
        names, values = [line.split()[1:] for line in file if line.startswith("TcpExt:")]
    return {name: int(value) for name, value in zip(names, values) if name.startswith("TCPFastOpen")}


def receive(read, length):
    octets = b""
    while len(octets) < length:
        more = read(length - len(octets))
        if not more:
            raise EOFError("closed before the answer was there")
        octets += more
    return octets


def query_for(name):
    return framed(encode_query(name, TYPES["A"], CLASSES["IN"], 0x4711, False, None))


def open_with(connection, port, octets):
    # Blocking: a socket with a timeout would not wait for the connection that this call opens.
    connection.sendto(octets, socket.MSG_FASTOPEN, ("127.0.0.1", port))
    connection.settimeout(60)


def ask(connection, port, name):
    open_with(connection, port, query_for(name))
    return receive(connection.recv, struct.unpack("!H", receive(connection.recv, 2))[0])


def ask_tls(connection, port, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    opened = False

    def drive(call):
        nonlocal opened
        while True:
            try:
                value = call()
                connection.sendall(outgoing.read())
                return value
            except ssl.SSLWantReadError:
                if opened:
                    connection.sendall(outgoing.read())
                else:
                    open_with(connection, port, outgoing.read())
                opened = True
                octets = connection.recv(65536)
                if not octets:
                    raise EOFError("closed in the handshake") from None
                incoming.write(octets)

    drive(tls.do_handshake)
    drive(lambda: tls.write(query_for(name)))

    def read(length):
        return drive(lambda: tls.read(length))

    return receive(read, struct.unpack("!H", receive(read, 2))[0])


arguments = sys.argv[1:]
asking = ask
if arguments[0] == "--tls":
    asking = ask_tls
    arguments = arguments[1:]
before = counters()
answers = []
for name in arguments[1:]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        answers.append(asking(connection, int(arguments[0]), name).hex())
after = counters()
print(json.dumps({"answers": answers, "counted": {name: after[name] - before[name] for name in after}}))
