#!/usr/bin/env python3
"""Becomes another program and hands sockets over to it, as systemd does (sd_listen_fds(3)).

usage: hand_over.py SETTINGS PROGRAM [WORD...]; SETTINGS is JSON:
  sockets: list of {type, address, port, name?}: the type is udp, tcp, or what can not be served: unix, connectable (TCP that
           does not listen), file. IPv6 sockets take IPv4 too, as systemd's do by default.
  extra:   descriptors that are announced but not there
  user:    number of the user to become first
"""
import json
import os
import socket
import sys

FIRST = 3


def opened(kind, address=None, port=None):
    """The descriptor of a socket, or of what is given out as one."""
    if kind == "file":
        return os.open("/dev/null", os.O_RDONLY)
    if kind == "unix":
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).detach()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    own = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    if family == socket.AF_INET6:
        own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if kind != "udp":
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((address, port))
    if kind == "tcp":
        own.listen(4096)
    return own.detach()


def main():
    settings = json.loads(sys.argv[1])
    sockets = settings["sockets"]
    # Out of the way first: a descriptor may be opened where another is to be.
    far = [os.dup2(opened(one["type"], one.get("address"), one.get("port")), 100 + i) for i, one in enumerate(sockets)]
    for number, descriptor in enumerate(far):
        os.dup2(descriptor, FIRST + number, inheritable=True)
        os.close(descriptor)
    count = len(sockets) + settings.get("extra", 0)
    for number in range(FIRST + len(sockets), FIRST + count):
        try:
            os.close(number)
        except OSError:
            pass
    names = ":".join(one.get("name", "") for one in sockets)
    os.environ.update(LISTEN_FDS=str(count), LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES=names)
    if "user" in settings:
        os.setgroups([])
        os.setgid(settings["user"])
        os.setuid(settings["user"])
    os.execv(sys.argv[2], sys.argv[2:])


main()
