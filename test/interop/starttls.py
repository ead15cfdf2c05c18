#!/usr/bin/env python3
"""A client of DNS with STARTTLS, written from draft-ietf-dprive-start-tls-for-dns-01 alone, to judge the server.

Python's standard library only. It prints one JSON object, with the responses in hexadecimal. By default it does what section 2.1 asks of a client: a dummy
query (STARTTLS/CH/TXT, RD 0) with TO over TCP, waits for the response, begins the handshake at once when TO is set in it,
then asks inside TLS without TO. Options make it misbehave, stop or reset at every step.
"""
import argparse
import json
import socket
import ssl
import struct
import sys
import time

from dns_message import CLASSES, TO, TYPES, encode_query, framed, has_to, records

# Seconds. What comes ends the wait at once; machines may be slow.
PATIENCE = 60

STEPS = (
    "connected",  # nothing sent
    "length",  # one octet of the length sent
    "half-query",  # half of the first query sent
    "query",  # the first query sent, its response not read
    "answer",  # the response read
    "hello-start",  # three octets of the ClientHello sent
    "half-hello",  # half of the ClientHello sent
    "hello",  # the ClientHello sent, nothing of the response read
    "handshake",  # the handshake complete
    "half-inside",  # half of a query sent inside TLS
    "inside",  # the queries inside TLS answered
)


class Stopped(Exception):
    """The step that was asked for has been reached."""


class Closed(Exception):
    """The server has closed; the first argument says how."""


class Client:
    """One TCP connection, in the clear first, then perhaps inside TLS."""

    def __init__(self, options):
        self.options = options
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE
        if options.tls12:
            self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        if not options.no_alpn:
            self.context.set_alpn_protocols(["dot"])
        self.tls = None
        self.plain = b""
        self.ident = 0x1000
        self.result = {"outcome": "failed", "steps": [], "answers": []}
        self.connect()

    def connect(self):
        self.opened = self.sent = time.monotonic()
        self.socket = socket.create_connection((self.options.host, self.options.port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.result["port"] = self.socket.getsockname()[1]

    def step(self, name):
        self.result["steps"].append(name)
        if name in (self.options.stop, self.options.reset):
            raise Stopped(name)

    def receive(self):
        try:
            octets = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed("reset") from error
        except socket.timeout as error:
            raise Closed("timeout") from error
        if not octets:
            raise Closed("eof")
        return octets

    def send(self, octets):
        if octets:
            self.sent = time.monotonic()
        try:
            self.socket.sendall(octets)
        except ConnectionError as error:
            raise Closed("reset") from error

    def send_by(self, octets, steps):
        """Sends octets up to the step where this client stops: in one piece, or each in a segment of its own."""
        ends = {name: end for end, name in steps}
        end = ends.get(self.options.stop or self.options.reset, len(octets))
        if self.options.octets:
            for at in range(end):
                self.send(octets[at : at + 1])
                time.sleep(0.001)
        else:
            self.send(octets[:end])
        for at, name in steps:
            if at <= end:
                self.step(name)

    def query(self, name, qtype, qclass="IN", recursion=False, opt_flags=0):
        self.ident += 1
        return framed(encode_query(name, TYPES[qtype], CLASSES[qclass], self.ident, recursion, opt_flags))

    def message(self, buffered, more):
        """The next message of a stream, and what is behind it."""
        while len(buffered) < 2 or len(buffered) < 2 + struct.unpack_from("!H", buffered)[0]:
            buffered += more()
        end = 2 + struct.unpack_from("!H", buffered)[0]
        return buffered[2:end], buffered[end:]

    def ask_plain(self, query):
        self.send(query)
        return self.read_plain()

    def read_plain(self):
        answer, self.plain = self.message(self.plain, self.receive)
        return answer

    # In the clear

    def open(self):
        """The initial query and its response. Says whether a handshake is to follow (draft 2.1.3)."""
        options = self.options
        self.step("connected")
        flags = None if options.no_opt else 0 if options.no_to else TO
        if options.first is None:
            first = self.query("STARTTLS", "TXT", "CH", options.rd, flags)
        else:
            first = self.query(options.first, "A", "IN", options.rd, flags)
        if options.early == "query":
            first += self.query(options.names[0], "A")
        if options.early == "hello":
            self.begin_tls()
            first += self.outgoing.read()
        self.send_by(first, ((1, "length"), (len(first) // 2, "half-query"), (len(first), "query")))
        self.socket.settimeout(self.options.answer_within)
        answer = self.read_plain()
        self.socket.settimeout(PATIENCE)
        self.result["first"] = answer.hex()
        self.step("answer")
        if options.early == "query":
            self.result["answers"].append(self.read_plain().hex())
            self.result["outcome"] = "plaintext"
        if options.old:
            return any(rtype == 16 and rdata[1:] == b"STARTTLS" for rtype, _, rdata in records(answer))
        return has_to(answer)

    # TLS

    def begin_tls(self):
        """Makes the ClientHello, into `outgoing`."""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_side=False)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass

    def send_hello(self):
        if self.tls is not None:
            return
        self.begin_tls()
        hello = self.outgoing.read()
        if self.options.after_hello:
            hello += bytes.fromhex(self.options.after_hello)
        self.send_by(hello, ((3, "hello-start"), (len(hello) // 2, "half-hello"), (len(hello), "hello")))

    def drive(self, call):
        """Runs a call of the TLS engine, with what it wants from and for the network."""
        while True:
            try:
                value = call()
                self.send(self.outgoing.read())
                return value
            except ssl.SSLWantReadError:
                self.send(self.outgoing.read())
                self.incoming.write(self.receive())

    def read_tls(self):
        def read():
            try:
                octets = self.tls.read(65536)
            except ssl.SSLZeroReturnError as error:
                raise Closed("close_notify") from error
            if not octets:
                raise Closed("close_notify")
            return octets

        return self.drive(read)

    def handshake(self):
        self.socket.settimeout(self.options.handshake_within)
        self.send_hello()
        # Only where the ClientHello was sent early can the server's be behind the response.
        if self.options.early == "hello":
            self.incoming.write(self.plain)
            self.plain = b""
        self.drive(self.tls.do_handshake)
        self.result["tls"] = {
            "version": self.tls.version(),
            "cipher": self.tls.cipher()[0],
            "alpn": self.tls.selected_alpn_protocol(),
        }
        self.result["outcome"] = "tls"
        self.socket.settimeout(PATIENCE)
        self.step("handshake")

    def ask_inside(self):
        """All queries at once, then their answers."""
        options = self.options
        flags = TO if options.to_inside else 0
        queries = [self.query(name, options.type, "IN", False, flags) for name in options.names]
        if options.dummy_inside:
            queries.append(self.query("STARTTLS", "TXT", "CH", False, flags))
        octets = b"".join(queries)
        middle = len(octets) // 2
        if options.stop == "half-inside" or options.reset == "half-inside":
            self.drive(lambda: self.tls.write(octets[:middle]))
            self.step("half-inside")
        self.drive(lambda: self.tls.write(octets))
        buffered = b""
        for _ in queries:
            answer, buffered = self.message(buffered, self.read_tls)
            self.result["answers"].append(answer.hex())
        self.result["left"] = len(buffered)
        self.step("inside")

    # How it ends

    def watch(self):
        """Sends nothing more; says how the server closes, how long after the last octets, and after the connection, were begun."""
        self.socket.settimeout(PATIENCE)
        try:
            while True:
                if self.result["outcome"] == "tls":
                    self.read_tls()
                else:
                    self.receive()
        except Closed as closed:
            how = closed.args[0]
        except ssl.SSLError as error:
            how = error.reason or "tls error"
        # Both are taken before the octets go: no timer of the server has begun earlier, however slow this machine is.
        now = time.monotonic()
        self.result["closed"] = {"how": how, "after": round(now - self.sent, 3), "in_all": round(now - self.opened, 3)}

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def plain_queries(self):
        self.result["outcome"] = "plaintext"
        for name in self.options.names:
            self.result["answers"].append(self.ask_plain(self.query(name, self.options.type)).hex())

    def fall_back(self, why):
        """Draft 2.2: again, on a connection of its own, without TO."""
        self.result["fallback"] = why
        self.socket.close()
        self.tls, self.plain = None, b""
        self.connect()
        self.plain_queries()

    def run(self):
        options = self.options
        try:
            if options.dot:
                self.step("connected")
            if options.dot or self.open():
                if options.after_offer == "plaintext":
                    self.plain_queries()
                else:
                    self.handshake()
                    self.ask_inside()
            elif options.early is None:
                self.plain_queries()
        except Stopped as stopped:
            self.result["stopped"] = stopped.args[0]
            if options.reset:
                self.reset()
                return
        except (Closed, ssl.SSLError) as error:
            why = error.args[0] if isinstance(error, Closed) else error.reason
            if options.fall_back:
                self.fall_back(why)
            else:
                self.result["outcome"] = "closed"
                self.result["why"] = why
        if options.stop or options.watch:
            self.watch()
            time.sleep(options.linger)
            if options.stay:
                sys.stdin.read()
        elif self.result["outcome"] == "tls":
            self.farewell()
        self.socket.close()

    def farewell(self):
        """close_notify both ways, then TCP (draft 2.1.5)."""
        try:
            self.drive(self.tls.unwrap)
            self.result["farewell"] = "close_notify"
        except (Closed, ssl.SSLError) as error:
            self.result["farewell"] = error.args[0] if isinstance(error, Closed) else error.reason


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("names", nargs="*", default=["www.home.test"])
    parser.add_argument("--type", default="A", choices=TYPES)
    parser.add_argument("--answer-within", type=float, default=PATIENCE, help="seconds that the first response may take")
    parser.add_argument("--handshake-within", type=float, default=PATIENCE, help="seconds between two parts of the handshake")
    parser.add_argument("--first", help="a first query other than the dummy one")
    parser.add_argument("--no-to", action="store_true", help="OPT without TO")
    parser.add_argument("--no-opt", action="store_true", help="no OPT")
    parser.add_argument("--dot", action="store_true", help="TLS from the first octet on (draft 2.1.1)")
    parser.add_argument("--rd", action="store_true")
    parser.add_argument("--old", action="store_true", help="let the TXT, not TO, decide (as getdns 0.5 did)")
    parser.add_argument("--tls12", action="store_true")
    parser.add_argument("--no-alpn", action="store_true")
    parser.add_argument("--early", choices=["hello", "query"], help="sent in one segment with the first query")
    parser.add_argument("--octets", action="store_true", help="in the clear and of the ClientHello, each octet in its own segment")
    parser.add_argument("--after-offer", choices=["plaintext"], help="what comes instead of a ClientHello")
    parser.add_argument("--after-hello", help="hexadecimal octets sent in the clear right behind the ClientHello")
    parser.add_argument("--to-inside", action="store_true")
    parser.add_argument("--dummy-inside", action="store_true")
    parser.add_argument("--fall-back", action="store_true", help="plain DNS on a new connection when TLS fails")
    parser.add_argument("--stop", choices=STEPS, help="send nothing more from this step on, and watch")
    parser.add_argument("--reset", choices=STEPS, help="reset the connection at this step")
    parser.add_argument("--watch", action="store_true", help="at the end, wait until the server closes")
    parser.add_argument("--linger", type=float, default=0, help="seconds from the server's closing to ours")
    parser.add_argument("--stay", action="store_true", help="close only at the end of standard input")
    client = Client(parser.parse_intermixed_args())
    client.run()
    print(json.dumps(client.result))


main()
