"""A link between two network namespaces that loses, delays and withholds packets: lossy_link.py NEAR FAR DEVICE SEED

It makes a tun device in each, says "ready", and carries packets from one to the other until standard input ends. A line of standard input is
JSON: loss (a part of 1), delay and jitter (milliseconds), cut (IPv4 addresses that nothing comes from or goes to). Kernels have
netem for this, but not all of them.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import socket
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN = 1
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000
MOST = 65536

near, far, device, seed = sys.argv[1:]
chance = random.Random(int(seed))
libc = ctypes.CDLL(None, use_errno=True)


def open_tun(namespace):
    """A tun device in a namespace; it goes with the descriptor."""
    with open(f"/var/run/netns/{namespace}") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns to {namespace}")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def is_cut(packet):
    """Whether the packet is from or to an address that is cut off. Only IPv4 is carried."""
    return packet[0] >> 4 != 4 or any(socket.inet_ntoa(packet[at : at + 4]) in state["cut"] for at in (12, 16))


def carry(source, target):
    packet = os.read(source, MOST)
    if is_cut(packet) or chance.random() < state["loss"]:
        return
    milliseconds = state["delay"] + state["jitter"] * chance.uniform(-1, 1)
    heapq.heappush(waiting, (time.monotonic() + milliseconds / 1000, next(numbers), target, packet))


def deliver():
    """Sends what is due; returns the seconds until the next packet is, None without one."""
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, target, packet = heapq.heappop(waiting)
        try:
            os.write(target, packet)
        except OSError:
            pass  # The device is down, or has no room: the packet is lost.
    return max(0, waiting[0][0] - time.monotonic()) if waiting else None


state = {"loss": 0, "delay": 0, "jitter": 0, "cut": []}
waiting = []
numbers = iter(range(1 << 62))
tuns = open_tun(near), open_tun(far)
selector = selectors.DefaultSelector()
for source, target in (tuns, tuns[::-1]):
    selector.register(source, selectors.EVENT_READ, target)
selector.register(sys.stdin, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select(deliver()):
        if key.fileobj is not sys.stdin:
            try:
                carry(key.fd, key.data)
            except OSError:
                pass  # Nothing is there to be read, or the device is down.
            continue
        line = sys.stdin.readline()
        if line == "":
            sys.exit()
        state.update(json.loads(line))
        print("done", flush=True)
