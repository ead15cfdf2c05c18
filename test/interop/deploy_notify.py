"""Stands for a service manager: prints each datagram that comes to a Unix socket, with the process that sent it, as a JSON line.

usage: deploy_notify.py NAME COUNT    NAME as in NOTIFY_SOCKET: a path, or @ and an abstract name
"""

import json
import socket
import struct
import sys

name, count = sys.argv[1], int(sys.argv[2])
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.settimeout(60)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
receiver.bind("\0" + name[1:] if name.startswith("@") else name)
print(json.dumps("bound"), flush=True)
for _ in range(count):
    message, ancillary, _, _ = receiver.recvmsg(65536, socket.CMSG_SPACE(12))
    pid = next(struct.unpack("iii", data)[0] for _, kind, data in ancillary if kind == socket.SCM_CREDENTIALS)
    print(json.dumps({"pid": pid, "lines": message.decode().split("\n")}), flush=True)
