"""A nameserver for the tests: `adotd fixture`, which ends when its standard input is closed, so with pytest at the latest."""

import json
import os
import pathlib
import subprocess

import pytest

ZONE = pathlib.Path(__file__).with_name("example.test.zone")


@pytest.fixture(scope="session")
def nameserver():
    """Where it answers and whom to trust: address, udp, tcp, tls (ports), ca (PEM), pins, tlsa."""
    command = os.environ.get("ADOTD", "adotd")
    words = [command, "fixture", "--zone", f"example.test={ZONE}"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        assert line, "adotd fixture did not start; what it says is above"
        yield json.loads(line)
        process.stdin.close()
