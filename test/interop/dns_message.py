"""DNS messages, as far as the STARTTLS client needs them: RFC 1035 and RFC 6891, from scratch."""
import socket
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


def decode(message):
    """What a response says, as far as this client needs it. Raises on octets left over."""
    ident, flags, questions, answers, authority, additional = struct.unpack_from("!HHHHHH", message)
    at = 12
    for _ in range(questions):
        at = skip_name(message, at) + 4
    records, opt = [], None
    for index in range(answers + authority + additional):
        at = skip_name(message, at)
        rtype, rclass, ttl, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        rdata = message[at : at + length]
        if len(rdata) != length:
            raise ValueError("RDATA runs past the message")
        at += length
        if rtype == 41:
            opt = ttl & 0xFFFF
        elif index < answers:
            text = rdata.hex()
            if rtype == 1:
                text = socket.inet_ntoa(rdata)
            elif rtype == 16:
                text = rdata[1 : 1 + rdata[0]].decode("latin-1")
            records.append({"type": rtype, "class": rclass, "ttl": ttl, "text": text})
    if at != len(message):
        raise ValueError("octets behind the counted records")
    return {
        "id": ident,
        "rcode": flags & 15,
        "response": bool(flags & 0x8000),
        "aa": bool(flags & 0x0400),
        "rd": bool(flags & 0x0100),
        "counts": [questions, answers, authority, additional],
        "to": None if opt is None else bool(opt & TO),
        "answer": records,
        "size": len(message),
    }
