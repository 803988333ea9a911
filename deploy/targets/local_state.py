# SPDX-License-Identifier: Apache-2.0
"""What the verbs and the holder of the target `local` share: where things lie, files that are either old or
new but never half, and what a server says of its health.

    STATE/images/sha256-HEX/netra                 binaries that were brought here
    STATE/local/addresses.json                    SERVICE -> "127.0.0.1:PORT", kept from the first release on
    STATE/local/SERVICE/service.json              what serves, what served before, a switch that is under way
                        holder.lock .sock .log    of the process that keeps the public socket
                        data/                     of the revision that serves
                        snapshots/REVISION/       data as it was before a revision with another schema
                        revisions/REVISION/       netra.conf revision.json process.json log trial-data/
"""

import contextlib
import fcntl
import http.client
import json
import os
import re
import sqlite3
import ssl
import tempfile
from datetime import datetime, timezone

SERVICES = ("auth", "backend", "frontend")
MEMORY_BYTES_MAX = 512 * 1000 * 1000
CACHE_DEFAULT = "128MiB"  # of records that nobody uses; the program's own default alone is the limit above
START_S = 20.0  # from the start of a process to its first healthy answer
STOP_S = 75.0  # from SIGTERM to SIGKILL: half a second of kept connections, drain_timeout_s, and room
HEALTH_S = 2.0  # one question
HEALTH_BYTES_MAX = 1 << 20
REVISION = re.compile(r"[a-z0-9-]{1,63}")
REVISIONS_KEPT = 8  # folders with logs, beside those that are used


class TargetError(Exception):
    """An answer {"error": {code, message, hint}}."""

    def __init__(self, code, message, hint=""):
        super().__init__(message)
        self.code, self.hint = code, hint

    def answer(self):
        return {"error": {"code": self.code, "message": str(self), "hint": self.hint}}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_json(path, value):
    """The file is the old one or the new one, whenever this process is killed."""
    handle, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w") as out:
            json.dump(value, out, indent=1)
            out.write("\n")
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def read_json(path, otherwise=None):
    try:
        with open(path, encoding="utf-8") as text:
            return json.load(text)
    except FileNotFoundError:
        return otherwise


def read_config(path):
    """The keys of a netra.conf; the program itself judges them."""
    keys = {}
    if path:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                key, equals, value = line.strip().partition("=")
                if equals and not key.startswith("#"):
                    keys[key.strip()] = value.strip()
    return keys


@contextlib.contextmanager
def locked(path):
    """One process at a time; the lock ends with the process, however it ends."""
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def split_address(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)


class Service:
    """The folder of one service."""

    def __init__(self, state, name):
        self.state, self.name = state, name
        self.folder = os.path.join(state, "local", name)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def revision_path(self, revision, *parts):
        if not REVISION.fullmatch(revision or ""):
            raise TargetError("invalid", f"a revision is [a-z0-9-]{{1,63}}, not {revision!r}")
        return self.path("revisions", revision, *parts)

    def read(self):
        return read_json(self.path("service.json"), {"serving": None, "previous": None, "switching": None})

    def write(self, record):
        write_json(self.path("service.json"), record)

    def revision(self, revision):
        record = read_json(self.revision_path(revision, "revision.json"))
        if not record:
            raise TargetError("not_found", f"there is no revision {revision} of {self.name}", "Release it first.")
        return record

    def living_revision(self, revision):
        """One that was not rolled back."""
        record = self.revision(revision)
        if "ended_at" in record:
            raise TargetError("invalid", f"{revision} was rolled back", "Deploy a new revision.")
        return record

    def config(self, revision):
        return self.revision_path(revision, "netra.conf")

    def address(self):
        return read_json(os.path.join(self.state, "local", "addresses.json"), {}).get(self.name)

    def public_url(self, revision):
        """Where people find it; None before the first release."""
        address = self.address()
        if not address:
            return None
        keys = read_config(self.config(revision)) if revision else {}
        scheme = "https" if keys.get("tls.cert_file") else "http"
        return keys.get("public_url") or f"{scheme}://{address}"

    def data(self):
        return self.path("data")


def schema_of(folder):
    """The schema's number of a data folder that no process writes; None when there is none."""
    path = os.path.join(folder, "netra.db")
    if not os.path.exists(path):
        return None
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


def ask_health(address, is_tls=False):
    """What the process behind an address of this machine says: (status, answer), or (0, why not)."""
    host, port = split_address(address)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    if is_tls:
        # Our own socket, by its number: its certificate is for the name by which people know it.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=HEALTH_S, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=HEALTH_S)
    try:
        connection.request("GET", "/health", headers={"Host": f"localhost:{port}", "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read(HEALTH_BYTES_MAX))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()


def last_line(path):
    """Of a log, for a reason."""
    try:
        with open(path, "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - 4096))
            lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines() if line.strip()]
            return lines[-1][:300] if lines else ""
    except OSError:
        return ""
