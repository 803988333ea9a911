#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures the image against a named baseline: see measure.sh. The baseline is what one has without preparation: the
root of debian:bookworm-slim (debootstrap --variant=minbase and what is left out of the slim image), the packages
that netra needs by apt's own means, and the program as make install puts it there."""

import argparse
import concurrent.futures
import contextlib
import datetime
import gzip
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
MEMORY_BYTES = 512 << 20
TOKEN = "measure-0123456789abcdef"
PATIENCE_S = 30
QUESTIONS = ["Why is it so expensive?", "Which model costs most?", "What would caching save?",
             "Reduce costs by 20 % and improve latency by 2x", "What could go to the batch API?"]
# What the slim image leaves out of Debian's (debuerreotype-slimify); copyright files stay.
SLIM_REMOVES = ["usr/share/man", "usr/share/info", "usr/share/locale", "usr/share/groff", "usr/share/lintian",
                "usr/share/linda", "var/cache/apt", "var/lib/apt/lists", "var/log"]
# The direct dependencies of the program, by the names of Debian 12.
RUNTIME = ["ca-certificates", "libargon2-1", "libcjose0", "libcurl4", "libjansson4", "libsimdjson14", "libsqlite3-0",
           "libssl3", "libstdc++6", "libutf8proc2", "libuv1", "libwslay1", "libxxhash0", "zlib1g"]


def run(*words, **more):
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          **more)
    if done.returncode:
        sys.exit(f"measure: {' '.join(map(str, words))}: {done.stderr[-2000:] or done.stdout[-2000:]}")
    return done.stdout


class MemoryLimit:
    """A cgroup (version 1 or 2) of 512 MiB; where none can be made, a limit of the data segment only."""

    def __init__(self):
        name = f"netra-measure-{os.getpid()}"
        self.one = Path("/sys/fs/cgroup/memory", name)
        self.two = Path("/sys/fs/cgroup", name)
        self.folder = None
        for folder, key in ((self.one, "memory.limit_in_bytes"), (self.two, "memory.max")):
            try:
                folder.mkdir()
                (folder / key).write_text(str(MEMORY_BYTES))
                self.folder, self.kind = folder, f"cgroup ({key})"
                return
            except OSError:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        self.kind = "RLIMIT_DATA (no cgroup could be made here)"

    def enter(self):
        """Called in the child, before it becomes the program."""
        if self.folder:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))
        else:
            import resource
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))

    def peak(self):
        for name in ("memory.max_usage_in_bytes", "memory.peak"):
            if self.folder and (self.folder / name).exists():
                return int((self.folder / name).read_text())
        return None

    def close(self):
        if self.folder:
            self.folder.rmdir()


class Netra:
    """netra serve in a root, in local mode on a free port of loopback."""

    def __init__(self, root, data, limit=None, more=()):
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "NETRA_TOKEN": TOKEN, "NETRA_DATA_DIR": "/data",
                       "NETRA_LISTEN": "127.0.0.1:0", "NETRA_DATASET_CACHE_BYTES_MAX": "128MiB", "NETRA_LOG_LEVEL":
                       "warning"}
        self.began = time.monotonic()
        self.process = subprocess.Popen([HERE / "run.sh", root, data, "serve", *more], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=limit.enter if limit else None)
        line = self.process.stdout.readline()
        if not line.startswith("listening: "):
            sys.exit(f"measure: netra serve in {root} did not listen: {line!r}")
        self.url = line.split()[1]
        self.ask("/health/ready", wait=True)
        self.ready_s = time.monotonic() - self.began

    def ask(self, path, body=None, wait=False):
        kind = "application/json" if isinstance(body, dict) else "application/octet-stream"
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        asked = urllib.request.Request(self.url + path, data=data,
                                       headers={"Authorization": "Bearer " + TOKEN, "Content-Type": kind})
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                if not wait or error.code != 503 or time.monotonic() > until:
                    raise
                time.sleep(0.001)

    def memory(self, name):
        """VmHWM: the most that was resident, mapped files with it; RssAnon: what is the process's own now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


def baseline(work, binary, mirror):
    """The root of the baseline, which is kept, with the program; and its layer (gzip -9)."""
    root, layer = work / "baseline", work / "baseline.tar.gz"
    if not (root / "data").exists():
        shutil.rmtree(root, ignore_errors=True)
        run("debootstrap", "--variant=minbase", "bookworm", root, mirror)
        shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        run("chroot", root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *RUNTIME, env=environment)
        for name in SLIM_REMOVES:
            shutil.rmtree(root / name, ignore_errors=True)
        for path in (root / "usr/share/doc").rglob("*"):
            if path.is_file() and path.name != "copyright":
                path.unlink()
        (root / "data").mkdir()
    run("strip", "--strip-debug", "-o", root / "usr/bin/netra", binary)  # as the release build has it: names, no more
    tar = subprocess.run(["tar", "--create", "--one-file-system", "-C", root, "."], check=True,
                         stdout=subprocess.PIPE).stdout
    layer.write_bytes(gzip.compress(tar, 9))
    listed = run("dpkg-query", f"--root={root}", "-W", "-f", "${Package} ${Version}\n")
    (work / "baseline.packages").write_text(listed)
    return root, layer, len(listed.splitlines())


def size_of(root):
    """Bytes of the regular files of a root, each once."""
    seen = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            state = path.stat()
            seen[state.st_ino] = state.st_size
    return sum(seen.values())


def time_starts(roots, data, count):
    """Seconds from the start of the process to the first 200 of /health/ready, in each root in turn."""
    times = [[] for _ in roots]
    for _ in range(count + 2):
        for i, root in enumerate(roots):
            netra = Netra(root, data)
            times[i].append(netra.ready_s)
            netra.stop()
    return [found[2:] for found in times]  # the first two read the files from the disk


def time_unpack(layers, work, count):
    """Seconds in which the layers become a root, as an engine does before the first start."""
    times = []
    for _ in range(count):
        folder = work / "unpacked"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        began = time.monotonic()
        for layer in layers:
            run("tar", "--extract", "--gzip", "-C", folder, "-f", layer)
        times.append(time.monotonic() - began)
    shutil.rmtree(folder)
    return times


def run_question(netra, dataset, prompt):
    asked = json.loads(netra.ask("/api/runs", {"prompt": prompt, "dataset": dataset, "seed": 1}))
    until = time.monotonic() + PATIENCE_S * 4
    while time.monotonic() < until:
        found = json.loads(netra.ask(f"/api/runs/{asked['id']}"))
        if found["status"] in ("finished", "failed", "cancelled"):
            netra.ask(f"/api/reports/{found['report_id']}.html")
            return found["status"]
        time.sleep(0.05)
    return "late"


@contextlib.contextmanager
def own_memory(netra):
    """Looks every 20 ms at the memory that is the process's own; yields a list whose largest is the peak."""
    seen, stop = [netra.memory("RssAnon")], threading.Event()

    def look():
        while not stop.wait(0.02):
            seen.append(netra.memory("RssAnon"))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        stop.set()
        looking.join()


def load(root, data, binary, work, scale):
    """What memory the server takes under three uploads and questions of eight at once; it must answer all."""
    shutil.rmtree(work / "sample", ignore_errors=True)
    run(binary, "tool", "synthesize_usage", "--args", json.dumps({"out": str(work / "sample"), "scale": scale}))
    usage = (work / "sample/usage.jsonl").read_bytes()
    limit = MemoryLimit()
    netra = Netra(root, data, limit)
    idle = netra.memory("VmHWM")
    began = time.monotonic()
    with own_memory(netra) as own:
        ended, answered = ask_much(netra, usage)
    result = {
        "limit": limit.kind, "upload_bytes": len(usage), "records": usage.count(b"\n"), "uploads": 3,
        "runs": len(ended), "runs_finished": ended.count("finished"), "requests_health": answered,
        "seconds": round(time.monotonic() - began, 1), "resident_idle": idle,
        "resident_peak": netra.memory("VmHWM"), "own_peak": max(own), "cgroup_peak": limit.peak(),
    }
    result["exit_status"] = netra.stop()
    limit.close()
    return result


def ask_much(netra, usage):
    datasets = [json.loads(netra.ask(f"/api/datasets?name=usage-{i}.jsonl", usage))["id"] for i in range(3)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda i: run_question(netra, datasets[i % 3], QUESTIONS[i % len(QUESTIONS)]), range(60)))
        answered = sum(1 for _ in pool.map(lambda _: netra.ask("/health"), range(2000)))
    return ended, answered


def spread(times):
    return {"n": len(times), "min": round(min(times), 4), "median": round(statistics.median(times), 4),
            "max": round(max(times), 4)}


def main():
    reading = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reading.add_argument("--binary", type=Path, required=True)
    reading.add_argument("--work", type=Path, required=True)
    reading.add_argument("--mirror", default="http://deb.debian.org/debian")
    reading.add_argument("--starts", type=int, default=20)
    args = reading.parse_args()
    if os.geteuid() != 0:
        sys.exit("measure: root only (namespaces, debootstrap)")
    work = args.work.resolve()
    binary = args.binary.resolve()
    images = [json.loads(run(HERE / "build.py", "--binary", binary, "--out", work / name, "--unpack").splitlines()[-1])
              for name in ("first", "again")]
    root = work / "first/root"
    manifest = json.loads((work / "first/oci/blobs/sha256" / images[0]["digest"][7:]).read_text())
    layers = [work / "first/oci/blobs/sha256" / layer["digest"][7:] for layer in manifest["layers"]]
    other, other_layer, other_packages = baseline(work, binary, args.mirror)
    data = work / "data"
    starts = time_starts([root, other], data, args.starts)
    result = {
        "date": datetime.date.today().isoformat(),
        "digest": [image["digest"] for image in images],
        "image": {"compressed": images[0]["bytes"], "unpacked": size_of(root),
                  "unpack_s": spread(time_unpack(layers, work, 5)), "start_s": spread(starts[0])},
        "baseline": {"what": f"debian bookworm minbase, slim, {other_packages} packages, {args.mirror}",
                     "compressed": other_layer.stat().st_size, "unpacked": size_of(other),
                     "unpack_s": spread(time_unpack([other_layer], work, 5)),
                     "start_s": spread(starts[1])},
        "load": [load(root, data, binary, work, scale) for scale in (1000, 5000)],
    }
    print(json.dumps(result))
    if images[0]["digest"] != images[1]["digest"]:
        sys.exit("measure: the same program gave two digests")


if __name__ == "__main__":
    main()
