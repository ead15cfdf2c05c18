"""What Python's ssl module finds of a DNS-over-TLS server, as JSON: python3 tls_witness.py ADDRESS PORT NAME

version, alpn, resumed (by the ticket of the session before), farewell ("close_notify" when the server answers ours with
its own, otherwise what came instead), and together: how many of eight queries, each in a record of its own, are answered
within two seconds.
"""
import json
import socket
import ssl
import struct
import sys

ADDRESS, PORT, NAME = sys.argv[1], int(sys.argv[2]), sys.argv[3]
TOGETHER = 8


def query(number):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in NAME.rstrip(".").split(".")) + b"\0"
    message = struct.pack(">6H", number, 0, 1, 0, 0, 0) + labels + struct.pack(">2H", 6, 1)
    return struct.pack(">H", len(message)) + message


def answers(stream, count):
    octets, found = b"", 0
    try:
        while found < count:
            more = stream.recv(65536)
            if not more:
                break
            octets += more
            while len(octets) >= 2 and len(octets) >= 2 + struct.unpack(">H", octets[:2])[0]:
                octets = octets[2 + struct.unpack(">H", octets[:2])[0] :]
                found += 1
    except TimeoutError:
        pass
    return found


context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
context.set_alpn_protocols(["dot"])


def opened(session=None):
    stream = context.wrap_socket(socket.create_connection((ADDRESS, PORT), 5), session=session)
    stream.sendall(query(1))
    answers(stream, 1)
    return stream


first = opened()
facts = {"version": first.version(), "alpn": first.selected_alpn_protocol()}
session = first.session
try:
    first.unwrap().close()
    facts["farewell"] = "close_notify"
except TimeoutError:
    facts["farewell"] = "silent"
except OSError as error:
    facts["farewell"] = f"{type(error).__name__}: {error}"
second = opened(session)
facts["resumed"] = second.session_reused
second.settimeout(60)
for number in range(TOGETHER):
    second.sendall(query(number))
facts["together"] = answers(second, TOGETHER)
second.close()
print(json.dumps(facts))
