"""Clients of a server that is about to stop: each asks steadily over its transport, until nobody answers there any more.

Polite ones do as keepalive 0 says (RFC 7828): they ask nothing more on that session, take the answers that are outstanding, close,
and connect again. Prints what came of it as JSON: by transport how many queries were asked and lost, how sessions ended, and
how often keepalive 0 was seen. A query is lost that was sent on a session which was neither refused nor told to go, and
got no answer; of sessions it is told how many answers there were before.
"""
import argparse
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

from dns_message import TO, TYPES, encode_query, framed, has_to, option

KEEPALIVE = 11
# Seconds: everything has ended long before.
LONGEST = 60


class Tally:
    def __init__(self):
        self.asked = 0
        self.lost = []
        self.sessions = 0
        self.ends = {}
        self.keepalive0 = 0

    def ended(self, how):
        self.ends[how] = self.ends.get(how, 0) + 1


class Client(threading.Thread):
    """`depth`: queries that are outstanding at once; `pause`: seconds between two runs of them; None: a session has only one."""

    def __init__(self, options, transport, polite, depth, pause):
        super().__init__(daemon=True)
        self.options, self.transport, self.polite = options, transport, polite
        self.depth, self.pause = depth, pause
        self.tally = Tally()
        self.number = 0
        self.over = False
        self.error = None

    def run(self):
        try:
            while not self.over:
                if self.transport == "udp":
                    self.ask_udp()
                else:
                    self.session()
        except Exception as error:  # To be shown by the test.
            self.error = repr(error)

    def query(self, name=None, qtype="A", qclass=1, flags=0):
        self.number = (self.number + 1) & 0xFFFF
        return encode_query(name or self.options.name, TYPES[qtype], qclass, self.number, False, flags)

    def ask_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(LONGEST / 2)
            udp.connect((self.options.host, self.options.port))
            while True:
                try:
                    udp.send(self.query())
                    self.tally.asked += 1
                    udp.recv(4096)
                except ConnectionRefusedError:
                    self.tally.ended("refused")
                    self.over = True
                    return
                except TimeoutError:
                    self.tally.lost.append({"time": time.time()})
                time.sleep(self.pause)

    def session(self):
        port = self.options.tls_port if self.transport == "tls" else self.options.port
        try:
            stream = socket.create_connection((self.options.host, port), timeout=LONGEST)
        except (ConnectionRefusedError, ConnectionResetError):
            self.over = True
            return
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tally.sessions += 1
        self.waiting, self.answered, self.buffered, self.told = 0, 0, b"", False
        try:
            if self.transport == "starttls":
                stream.sendall(framed(self.query("STARTTLS", "TXT", 3, TO)))
                self.tally.asked += 1
                self.waiting = 1
                offered = has_to(self.message(stream))
                self.waiting = 0
                if not offered:
                    # Stopping: there is no upgrade any more.
                    self.tally.ended("no upgrade")
                    return
            if self.transport != "tcp":
                stream = self.options.context.wrap_socket(stream, suppress_ragged_eofs=False)
            while not self.told:
                stream.sendall(b"".join(framed(self.query()) for _ in range(self.depth)))
                self.tally.asked += self.depth
                self.waiting = self.depth
                while self.waiting > 0:
                    self.message(stream)
                    self.waiting -= 1
                if self.pause is None:
                    break
                # What came meanwhile is the end of the session, nothing else can.
                if self.pause and not self.told and select.select([stream], [], [], self.pause)[0]:
                    self.message(stream)
            if isinstance(stream, ssl.SSLSocket):
                stream.unwrap()
                self.tally.ended("close_notify")
            else:
                stream.shutdown(socket.SHUT_WR)
                self.tally.ended("eof" if stream.recv(4096) == b"" else "more")
        except (EOFError, ssl.SSLError, OSError) as error:
            how = error.args[0] if isinstance(error, EOFError) else type(error).__name__
            self.tally.ended(how)
            # A polite client has sent nothing after it was told to go.
            for _ in range(self.waiting if self.polite else 0):
                self.tally.lost.append({"time": time.time(), "how": how, "answered": self.answered})
        finally:
            stream.close()

    def message(self, stream):
        """The next answer; notes whether it asks to close."""
        while len(self.buffered) < 2 or len(self.buffered) < 2 + struct.unpack_from("!H", self.buffered)[0]:
            octets = stream.recv(65536)
            if octets == b"":
                raise EOFError("close_notify" if isinstance(stream, ssl.SSLSocket) else "eof")
            self.buffered += octets
        end = 2 + struct.unpack_from("!H", self.buffered)[0]
        message, self.buffered = self.buffered[2:end], self.buffered[end:]
        self.answered += 1
        if option(message, KEEPALIVE) == b"\0\0":
            self.tally.keepalive0 += 1
            self.told = self.polite
        return message


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tls-port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--rude", action="store_true", help="take no notice of keepalive 0")
    options = parser.parse_args()
    options.context = ssl.create_default_context()
    options.context.check_hostname = False
    options.context.verify_mode = ssl.CERT_NONE
    polite = not options.rude
    clients = []
    for transport in ("tcp", "tls", "starttls"):
        # One after the other without a pause, many at once, and slower ones that never pause for as long as a quiet session may.
        for depth, pause in ((1, 0.001), (20, 0.01), (5, 0.05), (3, 0.1), (1, None)):
            clients.append(Client(options, transport, polite, depth, pause))
    for pause in (0.002, 0.005, 0.01, 0.02):
        clients.append(Client(options, "udp", polite, 1, pause))
    for client in clients:
        client.start()
    print("asking", flush=True)
    end = time.monotonic() + LONGEST
    for client in clients:
        client.join(max(0, end - time.monotonic()))
    results = {}
    for client in clients:
        tally = client.tally
        result = results.setdefault(
            client.transport, {"asked": 0, "lost": [], "sessions": 0, "ends": {}, "keepalive0": 0, "wrong": []}
        )
        for key in ("asked", "lost", "sessions", "keepalive0"):
            result[key] += getattr(tally, key)
        for how, times in tally.ends.items():
            result["ends"][how] = result["ends"].get(how, 0) + times
        if client.error or client.is_alive():
            result["wrong"].append(client.error or "does not end")
    print(json.dumps(results), flush=True)
    # Threads that do not end.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
