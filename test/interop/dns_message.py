"""DNS messages, as far as the clients here need them: RFC 1035 and RFC 6891, from scratch."""
import struct

TO = 0x4000
TYPES = {"A": 1, "SOA": 6, "TXT": 16, "AAAA": 28, "DNSKEY": 48}
CLASSES = {"IN": 1, "CH": 3}


def encode_query(name, qtype, qclass, ident, recursion, opt_flags):
    """A query; opt_flags None leaves OPT out."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".") if label]
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", qtype, qclass)
    opt = b"" if opt_flags is None else struct.pack("!BHHBBHH", 0, 41, 1232, 0, 0, opt_flags, 0)
    flags = 0x0100 if recursion else 0
    return struct.pack("!HHHHHH", ident, flags, 1, 0, 0, 1 if opt else 0) + question + opt


def framed(message):
    return struct.pack("!H", len(message)) + message


def skip_name(message, at):
    while True:
        length = message[at]
        if length >= 0xC0:
            return at + 2
        at += 1 + length
        if length == 0:
            return at


def records(message):
    """Type, TTL and RDATA of each record. A client needs no more to go on; the tests read the message themselves."""
    _, _, questions, *counts = struct.unpack_from("!HHHHHH", message)
    at = 12
    for _ in range(questions):
        at = skip_name(message, at) + 4
    for _ in range(sum(counts)):
        at = skip_name(message, at)
        rtype, _, ttl, length = struct.unpack_from("!HHIH", message, at)
        at += 10 + length
        yield rtype, ttl, message[at - length : at]


def has_to(message):
    """Whether there is an OPT record with the TO bit."""
    return any(rtype == 41 and ttl & TO for rtype, ttl, _ in records(message))


def option(message, wanted):
    """The data of an EDNS option; None without it."""
    for rtype, _, options in records(message):
        while rtype == 41 and options:
            code, length = struct.unpack_from("!HH", options)
            if code == wanted:
                return options[4 : 4 + length]
            options = options[4 + length :]
    return None
