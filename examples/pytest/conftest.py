"""A nameserver for the tests: `adotd fixture`, which ends when its standard input is closed, so with pytest at the latest."""

import json
import os
import pathlib
import subprocess

import pytest

ZONE = pathlib.Path(__file__).with_name("example.test.zone")


class NameserverError(Exception):
    """What the nameserver refused; `code` is ADOTD_ZONE_INVALID, ADOTD_TIMEOUT, …, `diagnostics` the places in a zone."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.diagnostics = error.get("diagnostics", [])


class Nameserver:
    """Where it answers and whom to trust (address, udp, tcp, tls: ports; ca: PEM; pins, tlsa), and what a test does with it."""

    def __init__(self, *words):
        command = [os.environ.get("ADOTD", "adotd"), "fixture", *words]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        line = self._process.stdout.readline()
        assert line, "adotd fixture did not start; what it says is above"
        vars(self).update(json.loads(line))

    def ask(self, command, **given):
        """Any command of the handbook; its reply. One at a time: for several threads, put a lock around it."""
        self._process.stdin.write(json.dumps({"command": command, **given}) + "\n")
        self._process.stdin.flush()
        reply = json.loads(self._process.stdout.readline())
        if not reply["ok"]:
            raise NameserverError(reply["error"])
        return reply

    def set_zone(self, zone, text):
        self.ask("set-zone", zone=zone, text=text)

    def add_faults(self, *faults):
        self.ask("add-faults", faults=faults)

    def clear_faults(self):
        self.ask("clear-faults")

    def queries(self):
        return self.ask("queries")["queries"]

    def clear_queries(self):
        self.ask("clear-queries")

    def wait_for_query(self, timeout=5, **match):
        """The first query with this name, type, class, transport or rcode, of those that came or come within so many seconds."""
        return self.ask("wait-for-query", match=match, timeout=timeout * 1000)["query"]

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="session")
def _nameserver():
    server = Nameserver("--zone", f"example.test={ZONE}")
    yield server
    server.close()


@pytest.fixture
def nameserver(_nameserver):
    """One for all tests; each finds it without faults, and not asked yet."""
    yield _nameserver
    _nameserver.clear_faults()
    _nameserver.clear_queries()
