# SPDX-License-Identifier: Apache-2.0
"""The holder: one long-lived process for each service of the target `local`. It keeps the public listening
socket while revisions come and go (LISTEN_FDS), starts them under a memory limit, waits for their end and
writes it down, and does what must not stop in the middle: a switch and a rollback. Verbs ask it by lines of
JSON over a UNIX socket and may be killed while it works; a holder that was killed itself goes back, at its
next start, to what served before.

    python3 local_holder.py STATE SERVICE

A process that serves and ends by itself is started again, RESTARTS_MAX times in RESTARTS_S; then the socket is
closed, so that clients are refused instead of waiting for nobody.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import shutil
import signal
import socket
import sqlite3
import sys
import time

sys.dont_write_bytecode = True

from local_state import (  # noqa: E402
    CACHE_DEFAULT,
    MEMORY_BYTES_MAX,
    START_S,
    STOP_S,
    Service,
    TargetError,
    ask_health,
    last_line,
    now,
    read_config,
    read_json,
    schema_of,
    split_address,
    write_json,
)

BACKLOG = 4096  # connections that wait while nobody serves; the system may allow fewer
RESTARTS_MAX = 3
RESTARTS_S = 60.0
RESTART_WAIT_S = 0.2
LINE_BYTES_MAX = 1 << 20
LOOK_S = 0.05
SOCKET_FD = 3
PR_SET_PDEATHSIG = 1
# A trial works on a copy beside the process that serves: it must not ask models, write mails or report traces
# a second time. It is asked on this machine by its number, without TLS.
TRIAL_KEYS = ("llm.chain=", "mail.url=", "otel.endpoint=", "tls.cert_file=", "tls.key_file=")

prctl = ctypes.CDLL(None, use_errno=True).prctl


def log(text):
    print(f"{now()} {text}", file=sys.stderr, flush=True)


def listen_on(address):
    host, port = split_address(address)
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(BACKLOG)
    return sock


class MemoryLimit:
    """cgroup v2 where a group can be made, else RLIMIT_DATA; `how` says which."""

    def __init__(self, name):
        self.group = None
        self.how = "RLIMIT_DATA"
        with contextlib.suppress(OSError):
            with open("/proc/self/cgroup", encoding="ascii") as lines:
                own = next((line[3:].strip() for line in lines if line.startswith("0::")), None)
            path = f"/sys/fs/cgroup{own}/{name}" if own else None
            if path and os.path.exists(f"/sys/fs/cgroup{own}/cgroup.controllers"):
                os.makedirs(path, exist_ok=True)
                with open(f"{path}/memory.max", "w", encoding="ascii") as limit:
                    limit.write(str(MEMORY_BYTES_MAX))
                self.group, self.how = path, "cgroup"

    def enter(self):
        """In the child."""
        if self.group:
            with open(f"{self.group}/cgroup.procs", "w", encoding="ascii") as members:
                members.write("0")
        else:
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))

    def leave(self):
        if self.group:
            with contextlib.suppress(OSError):
                os.rmdir(self.group)


class Child:
    """A server that was started; its end is written to process.json by reap()."""

    def __init__(self, service, revision, sock, data_dir, env, is_trial):
        record = service.revision(revision)
        self.revision, self.is_trial = revision, is_trial
        self.file = service.revision_path(revision, "process.json")
        self.log = service.revision_path(revision, "log")
        self.address = "%s:%d" % sock.getsockname()[:2]
        self.limit = MemoryLimit(f"netra-{service.name}-{revision}{'-trial' if is_trial else ''}")
        self.ended = None
        arguments = self.arguments(service, record, data_dir)
        self.pid = os.fork()
        if self.pid == 0:
            self.become(record["image"], arguments, env, sock)
        self.facts = {
            "pid": self.pid,
            "revision": revision,
            "trial": is_trial,
            "started_at": now(),
            "memory_limit_bytes": MEMORY_BYTES_MAX,
            "memory_limit": self.limit.how,
            "image": record["image"],
            "address": self.address,
            "data_dir": data_dir,
            "log_file": self.log,
            "holder_pid": os.getpid(),
        }
        write_json(self.file, self.facts)
        log(f"{revision}: pid {self.pid} on {self.address}, {'a copy' if is_trial else 'data'} in {data_dir}")

    def arguments(self, service, record, data_dir):
        config = service.config(self.revision)
        keys = read_config(config)
        sets = [f"revision={self.revision}"]
        if "dataset_cache_bytes_max" not in keys and "NETRA_DATASET_CACHE_BYTES_MAX" not in os.environ:
            sets.append(f"dataset_cache_bytes_max={CACHE_DEFAULT}")
        if self.is_trial:
            sets += TRIAL_KEYS
        for name, url in record.get("service_urls", {}).items():
            if f"service.{name}_url" not in keys:
                sets.append(f"service.{name}_url={url}")
        role = ["--role", service.name] if service.name != "all" else []
        words = ["netra", "serve", "--config", config, "--data-dir", data_dir, *role]
        return words + [word for one in sets for word in ("--set", one)]

    def become(self, image, arguments, env, sock):
        """In the child: never returns."""
        try:
            prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.setsid()
            out = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(out, 2)
            if sock.fileno() == SOCKET_FD:
                os.set_inheritable(SOCKET_FD, True)
            else:
                os.dup2(sock.fileno(), SOCKET_FD)
            self.limit.enter()
            own = {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
            os.execve(image, arguments, {**env, **own})
        except BaseException as error:  # pylint: disable=broad-except
            os.write(2, f"cannot start {image}: {error}\n".encode())
        finally:
            os._exit(127)

    def reap(self, must_wait=False):
        """True when it has ended; then that is in the file."""
        if self.ended is None:
            with contextlib.suppress(InterruptedError):
                pid, status = os.waitpid(self.pid, 0 if must_wait else os.WNOHANG)
                if pid:
                    self.note_end(os.waitstatus_to_exitcode(status))
        return self.ended is not None

    def note_end(self, code):
        self.ended = code
        self.facts["ended_at"] = now()
        self.facts["signal" if code < 0 else "exit_status"] = abs(code)
        write_json(self.file, self.facts)
        self.limit.leave()
        log(f"{self.revision}: pid {self.pid} ended, {self.how_it_ended()}")

    def how_it_ended(self):
        how = f"signal {-self.ended}" if self.ended < 0 else f"exit status {self.ended}"
        said = last_line(self.log)
        return f"{how}; the log ends with: {said}" if said else how

    def tell(self, number):
        if not self.reap():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while not self.reap():
            if time.monotonic() > until:
                self.tell(signal.SIGKILL)
                self.reap(must_wait=True)
                return
            time.sleep(LOOK_S / 5)

    def stop(self):
        self.tell(signal.SIGTERM)
        self.wait(STOP_S)

    def wait_healthy(self, is_tls):
        """Nothing when it is; else why not."""
        until = time.monotonic() + START_S
        why = ""
        while time.monotonic() < until:
            if self.reap():
                return f"the process ended with {self.how_it_ended()}"
            status, answer = ask_health(self.address, is_tls)
            if status == 200 and answer.get("revision") == self.revision and answer.get("status") != "unhealthy":
                return None
            why = f"/health says {status} {answer}"[:300]
            time.sleep(LOOK_S)
        return f"not healthy within {START_S:.0f} s: {why}"


class Holder:
    def __init__(self, state, name):
        self.service = Service(state, name)
        self.public = None  # the socket; None: closed, nobody is served
        self.child = None  # what serves
        self.trials = {}  # revision -> Child
        self.envs = {}  # revision -> environment, with secrets: never on the disk
        self.restarts = []
        self.is_over = False

    # ---- what serves ----

    def open_public(self):
        if not self.public:
            self.public = listen_on(self.service.address())

    def close_public(self):
        if self.public:
            self.public.close()
            self.public = None

    def serve(self, revision):
        """Why it does not serve, or None."""
        self.open_public()
        self.wait_for_data()
        env = self.envs.get(revision, dict(os.environ))
        self.child = Child(self.service, revision, self.public, self.service.data(), env, is_trial=False)
        self.restarts = []
        return self.child.wait_healthy(bool(read_config(self.service.config(revision)).get("tls.cert_file")))

    def wait_for_data(self):
        """Until the one that wrote it is gone: after the end of a holder that was killed it drains."""
        until = time.monotonic() + STOP_S
        with contextlib.suppress(FileNotFoundError), open(self.service.data() + "/lock", "rb") as lock:
            while time.monotonic() < until:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return
                time.sleep(LOOK_S)

    def stop_serving(self):
        if self.child:
            self.child.stop()
            self.child = None

    def look_after(self):
        """Starts again what has ended by itself."""
        for trial in self.trials.values():
            trial.reap()
        if not self.child or not self.child.reap():
            return
        revision, self.child = self.child.revision, None
        self.restarts = [at for at in self.restarts if at > time.monotonic() - RESTARTS_S]
        if len(self.restarts) >= RESTARTS_MAX:
            log(f"{revision}: ended {len(self.restarts) + 1} times in {RESTARTS_S:.0f} s; not started again")
            self.close_public()
            return
        restarts = self.restarts + [time.monotonic()]
        time.sleep(RESTART_WAIT_S)
        self.child = Child(self.service, revision, self.public, self.service.data(),
                           self.envs.get(revision, dict(os.environ)), is_trial=False)
        self.restarts = restarts

    # ---- verbs ----

    def do_trial(self, revision, env):
        """A revision on a copy of the data and a port of its own."""
        trial = self.trials.get(revision)
        if not trial or trial.reap():
            if trial:
                raise TargetError("not_ready", f"{revision} ended with {trial.how_it_ended()}")
            self.envs[revision] = env
            with listen_on("127.0.0.1:0") as sock:
                data = self.service.revision_path(revision, "trial-data")
                self.trials[revision] = Child(self.service, revision, sock, data, env, is_trial=True)
            trial = self.trials[revision]
        return {"url": f"http://{trial.address}"}

    def do_status(self, revision):
        trial = self.trials.get(revision)
        return {
            "trial": f"http://{trial.address}" if trial and not trial.reap() else None,
            "trial_end": trial.how_it_ended() if trial and trial.reap() else None,
            "is_served": bool(self.child and self.child.revision == revision and not self.child.reap()),
        }

    def end_trial(self, revision):
        trial = self.trials.pop(revision, None)
        if trial:
            trial.stop()
            shutil.rmtree(self.service.revision_path(revision, "trial-data"), ignore_errors=True)

    def keep_snapshot(self, revision):
        """Data as the revision finds it, when it will change the schema; an older binary could not go on."""
        before = schema_of(self.service.data())
        after = schema_of(self.service.revision_path(revision, "trial-data"))
        path = self.service.path("snapshots", revision)
        if before is None or after is None or before == after:
            return
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copytree(self.service.data(), path + ".new")
        os.replace(path + ".new", path)
        log(f"{revision}: the schema goes from {before} to {after}; the data of before is kept in {path}")

    def restore_snapshot(self, revision):
        """When what was written since is not there any more, or None. Nothing is deleted."""
        path = self.service.path("snapshots", revision)
        if not os.path.isdir(path):
            return None
        if os.path.isdir(self.service.data()):
            aside = f"{self.service.data()}.{revision}.{int(time.time())}"
            os.replace(self.service.data(), aside)
            log(f"{revision}: its data, which the one before cannot read, is kept in {aside}")
        since = read_json(self.service.revision_path(revision, "revision.json"), {}).get("switched_at")
        os.replace(path, self.service.data())
        return since or now()

    def do_switch(self, revision):
        record = self.service.read()
        if self.child and self.child.revision == revision and not self.child.reap():
            return self.serving_now()
        before = record["serving"] if record["serving"] != revision else record["previous"]
        self.note(switching={"from": before, "to": revision, "at": now()})
        why = self.try_switch(revision)
        self.end_trial(revision)
        if why:
            self.go_back(revision, before)
            raise TargetError("not_ready", f"{revision} does not serve: {why}; {before or 'nothing'} serves")
        self.note(serving=revision, previous=before, switching=None)
        return self.serving_now()

    def try_switch(self, revision):
        """Why the revision does not serve, or None. Connections wait in the socket meanwhile."""
        try:
            self.open_public()
            trial = self.trials.get(revision)
            if trial:
                trial.tell(signal.SIGTERM)
            self.stop_serving()
            if trial:
                trial.wait(STOP_S)
            self.keep_snapshot(revision)
            about = self.service.revision(revision)
            write_json(self.service.revision_path(revision, "revision.json"), {**about, "switched_at": now()})
            return self.serve(revision)
        except (OSError, shutil.Error, sqlite3.Error) as error:
            return str(error)

    def go_back(self, revision, before):
        """To what served before a revision that does not work; since when data was lost, or None."""
        self.stop_serving()
        since = self.restore_snapshot(revision)
        why = self.serve(before) if before else self.close_public()
        self.note(serving=before, previous=None, switching=None)
        if why:
            raise TargetError("failed", f"{before}, which served before, does not serve either: {why}")
        return since

    def do_rollback(self, revision):
        record = self.service.read()
        # A release or a switch of it that comes late, from a deployment that was killed, is refused.
        os.makedirs(self.service.revision_path(revision), mode=0o700, exist_ok=True)
        path = self.service.revision_path(revision, "revision.json")
        write_json(path, {**read_json(path, {"revision": revision}), "ended_at": now()})
        self.end_trial(revision)
        answer = {}
        if record["serving"] == revision:
            self.note(switching={"from": record["previous"], "to": revision, "at": now()})
            since = self.go_back(revision, record["previous"])
            answer = {"lost_since": since} if since else {}
        return {**self.serving_now(), **answer}

    def do_retire(self):
        record = self.service.read()
        ended = [one for one in self.trials if one not in (record["serving"], record["previous"])]
        for revision in ended:
            self.end_trial(revision)
        return {"retired": ended}

    def do_end(self):
        self.is_over = True
        return {}

    def serving_now(self):
        record = self.service.read()
        return {"serving": record["serving"], "previous": record["previous"]}

    def note(self, **changes):
        self.service.write({**self.service.read(), **changes})

    # ---- the loop ----

    def recover(self):
        """What served when the last holder ended; a switch that was cut goes back."""
        record = self.service.read()
        switching = record.get("switching")
        serving = record["serving"]
        if switching:
            log(f"the switch to {switching['to']} was cut: back to {switching['from']}")
            self.restore_snapshot(switching["to"])
            serving = switching["from"]
            self.note(serving=serving, switching=None)
        if serving:
            why = self.serve(serving)
            if why:
                log(f"{serving}: {why}")

    def answer(self, connection):
        connection.settimeout(5)
        text = b""
        while not text.endswith(b"\n") and len(text) < LINE_BYTES_MAX:
            piece = connection.recv(65536)
            if not piece:
                return
            text += piece
        request = json.loads(text)
        try:
            answer = getattr(self, "do_" + request.pop("op"))(**request)
        except TargetError as error:
            answer = error.answer()
        except (OSError, shutil.Error) as error:
            answer = TargetError("failed", str(error)).answer()
        connection.sendall(json.dumps(answer).encode() + b"\n")

    def run(self):
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self.do_end())
        signal.signal(signal.SIGINT, lambda *_: self.do_end())
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.chdir(self.service.folder)  # the path of a UNIX socket has 107 bytes at most
        with contextlib.suppress(FileNotFoundError):
            os.unlink("holder.sock")
        control = socket.socket(socket.AF_UNIX)
        control.bind("holder.sock")
        os.chmod("holder.sock", 0o600)
        self.recover()
        control.listen(16)
        while not self.is_over:
            ready, _, _ = select.select([control, wake], [], [], 1.0)
            if wake in ready:
                with contextlib.suppress(BlockingIOError):
                    wake.recv(4096)
            self.look_after()
            if control in ready:
                with control.accept()[0] as connection, contextlib.suppress(OSError, ValueError):
                    self.answer(connection)
        for trial in list(self.trials):
            self.end_trial(trial)
        self.close_public()
        self.stop_serving()


def main():
    state, name = sys.argv[1:]
    os.umask(0o077)
    # Held as long as the process lives: who gets it is the one holder.
    with open(Service(state, name).path("holder.lock"), "a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("there is a holder already")
            return 0
        Holder(state, name).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
