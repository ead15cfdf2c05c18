#!/usr/bin/env python3
"""Sends a DNS query from an address and port that are somebody else's, in IPv4; needs root.

usage: spoof.py FROM_PORT TO_PORT NAME TYPE [--times COUNT] [--response]
"""
import argparse
import socket
import struct

import dns_message

ADDRESS = socket.inet_aton("127.0.0.1")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=int)
    parser.add_argument("target", type=int)
    parser.add_argument("name")
    parser.add_argument("type")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--response", action="store_true", help="with the QR bit")
    words = parser.parse_args()
    message = bytearray(dns_message.encode_query(words.name, dns_message.TYPES[words.type], 1, 0x4711, False, None))
    if words.response:
        message[2] |= 0x80
    # No checksum: UDP of IPv4 has 0 for that. The system fills in that of the IP header, and its length.
    udp = struct.pack("!HHHH", words.source, words.target, 8 + len(message), 0) + message
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, socket.IPPROTO_UDP, 0, ADDRESS, ADDRESS)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for _ in range(words.times):
            raw.sendto(ip + udp, ("127.0.0.1", words.target))


main()
