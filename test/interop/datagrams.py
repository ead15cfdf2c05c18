#!/usr/bin/env python3
"""Asks over UDP, from a socket that takes answers from whoever sends them, and prints them in hexadecimal, as a JSON list; with
--watch also the packets that they came in.

usage: datagrams.py SERVER PORT NAME TYPE [--times COUNT] [--payload OCTETS] [--cookie HEX] [--over-tcp] [--watch INTERFACE] [--in-vain]
"""
import argparse
import json
import select
import socket
import struct
import time

import dns_message

ETH_P_ALL = 3
PACKET_OUTGOING = 4
UDP = 17
FRAGMENT = 44
COOKIE = 10
# Seconds: what comes ends the wait at once.
PATIENCE = 30


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("port", type=int)
    parser.add_argument("name")
    parser.add_argument("type")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--payload", type=int, default=1232)
    parser.add_argument("--cookie", default="")
    parser.add_argument("--over-tcp", action="store_true")
    parser.add_argument("--watch")
    parser.add_argument("--in-vain", action="store_true", help="nothing is expected: wait for a moment only")
    return parser.parse_args()


def query_for(words):
    query = dns_message.encode_query(words.name, dns_message.TYPES[words.type], 1, 0x4711, False, None)
    cookie = bytes.fromhex(words.cookie)
    options = struct.pack("!HH", COOKIE, len(cookie)) + cookie if cookie else b""
    opt = struct.pack("!BHHIH", 0, 41, words.payload, 0, len(options)) + options
    return query[:10] + struct.pack("!H", 1) + query[12:] + opt


def connected(kind, words, connect):
    family = socket.AF_INET6 if ":" in words.server else socket.AF_INET
    own = socket.socket(family, kind)
    own.settimeout(1 if words.in_vain else PATIENCE)
    where = socket.getaddrinfo(words.server, words.port, family, kind)[0][4]
    if connect:
        own.connect(where)
    return own, where


def ask(words, query):
    own, where = connected(socket.SOCK_DGRAM, words, False)
    own.sendto(query, where)
    try:
        return own.recvfrom(65535)
    except TimeoutError:
        return None, None


def ask_over_tcp(words, query):
    own, where = connected(socket.SOCK_STREAM, words, True)
    own.sendall(dns_message.framed(query))
    octets = b""
    while len(octets) < 2 or len(octets) < 2 + struct.unpack_from("!H", octets)[0]:
        octets += own.recv(65535)
    return octets[2:], where


def watcher(interface):
    own = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    own.bind((interface, ETH_P_ALL))
    return own


def described(packet):
    """The packet as far as it is UDP from the server, or a fragment; None for all others. `length` is that of the IP packet."""
    if packet[0] >> 4 == 4:
        length, _, flags, _, protocol = struct.unpack_from("!HHHBB", packet, 2)
        fragment = bool(flags & 0x3FFF)
        if protocol == UDP:
            return {"length": length, "fragment": fragment, "df": bool(flags & 0x4000)}
    elif packet[0] >> 4 == 6:
        length, following = struct.unpack_from("!HB", packet, 4)
        if following in (UDP, FRAGMENT):
            return {"length": 40 + length, "fragment": following == FRAGMENT}
    return None


def packets_of(own):
    """What has come in so far, and within a tenth of a second."""
    found, end = [], time.monotonic() + 0.1
    while select.select([own], [], [], max(0, end - time.monotonic()))[0]:
        packet, (_, _, kind, _, _) = own.recvfrom(65535)
        one = described(packet) if kind != PACKET_OUTGOING else None
        if one:
            found.append(one)
    return found


def outcome(words, watch):
    answer, peer = (ask_over_tcp if words.over_tcp else ask)(words, query_for(words))
    result = {"from": None}
    if answer is not None:
        result = {"from": peer[0], "message": answer.hex()}
    if watch:
        result["packets"] = packets_of(watch)
    return result


def main():
    words = arguments()
    watch = watcher(words.watch) if words.watch else None
    print(json.dumps([outcome(words, watch) for _ in range(words.times)]))


main()
