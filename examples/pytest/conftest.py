"""A nameserver for the tests: `adotd fixture`. It ends when its standard input is closed, so at the latest with pytest."""

import json
import os
import pathlib
import subprocess

import pytest

ZONE = pathlib.Path(__file__).with_name("example.test.zone")


class NameserverError(Exception):
    """The nameserver refused a command. `code`: ADOTD_ZONE_INVALID, ADOTD_TIMEOUT, …; `diagnostics`: mistakes in a zone."""

    def __init__(self, error):
        super().__init__(error["message"])
        self.code = error["code"]
        self.diagnostics = error.get("diagnostics", [])


class Nameserver:
    """A running server: its address, its ports (udp, tcp, tls), its trust anchors (ca: PEM; pins, tlsa), and its commands."""

    def __init__(self, *words):
        command = [os.environ.get("ADOTD", "adotd"), "fixture", *words]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        line = self._process.stdout.readline()
        assert line, "adotd fixture did not start; its message is above"
        vars(self).update(json.loads(line))

    def ask(self, command, **given):
        """Sends any command of docs/testing.md and returns its reply. Not thread-safe: use a lock for several threads."""
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
        """Waits up to `timeout` seconds for a query with this name, type, class, transport or rcode; earlier ones count, too."""
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
    """One server for all tests. Each test finds it without faults and without queries."""
    yield _nameserver
    _nameserver.clear_faults()
    _nameserver.clear_queries()
