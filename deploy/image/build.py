#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the OCI image of a netra program: build.py --binary FILE --out FOLDER

    FOLDER/oci/             the image layout                FOLDER/netra.oci.tar    the same as one file
    FOLDER/sbom.spdx.json   what is in it                   FOLDER/netra.debug      symbols that were stripped off
    FOLDER/root/            with --unpack: the root as folders, to run it without an engine (root only: owners)

The last line of standard output is {"image","digest","bytes"}. The same program, packages and time give the same
digest (ADR 0019). The time is SOURCE_DATE_EPOCH, else that of the commit. Needs no root and no container engine.
"""

import argparse
import datetime
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import oci
import packages
import root
import sbom
from packages import NotPossible

CHECKOUT = Path(__file__).resolve().parents[2]
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PORT = 8421

CONFIG = {
    "User": f"{root.USER_ID}:{root.USER_ID}",
    "ExposedPorts": {f"{PORT}/tcp": {}},
    "Entrypoint": ["/usr/bin/netra"],
    "Cmd": ["serve"],
    # Beyond loopback there are no visitors without an account; the secret and the public address are the operator's.
    "Env": ["PATH=/usr/bin", "HOME=/data", f"NETRA_LISTEN=0.0.0.0:{PORT}", "NETRA_DATA_DIR=/data",
            "NETRA_AUTH_MODE=accounts",
            # The usual 512 MiB of records that nobody uses at the moment do not fit into a container of 512 MiB.
            "NETRA_DATASET_CACHE_BYTES_MAX=128MiB"],
    "WorkingDir": "/data",
    "Volumes": {"/data": {}},
    "StopSignal": "SIGTERM",
}


def git(*words):
    done = subprocess.run(["git", "-C", str(CHECKOUT), *words], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    return done.stdout.strip() if done.returncode == 0 else ""


def epoch_of_build():
    found = os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct")
    if not found.isdecimal():
        raise NotPossible("the time of the image is not known: set SOURCE_DATE_EPOCH (seconds since 1970)")
    return int(found)


def revision_of_build():
    commit = git("rev-parse", "HEAD")
    changed = git("status", "--porcelain", "--untracked-files=no")
    return commit + ("-changed" if changed else "") if commit else "unknown"


def strip_program(binary, folder):
    """The program without symbols, as bytes; the symbols in folder/netra.debug."""
    packages.run("objcopy", "--only-keep-debug", str(binary), str(folder / "netra.debug"))
    (folder / "netra.debug").chmod(0o644)
    with tempfile.TemporaryDirectory() as scratch:
        stripped = Path(scratch, "netra")
        packages.run("strip", "--strip-all", "-o", str(stripped), str(binary))
        return stripped.read_bytes()


def embedded_parts():
    header = packages.describe("node-llhttp")
    lock = json.loads((CHECKOUT / "web/package-lock.json").read_text())
    return [sbom.source_part(header, "llhttp")] + sbom.page_parts(lock)


def make_image(binary, folder, reference):
    epoch = epoch_of_build()
    machine = os.uname().machine
    if machine not in ARCHITECTURES:
        raise NotPossible(f"no image is made on {machine} (only {', '.join(ARCHITECTURES)})")
    facts = {
        "version": packages.run(str(binary), "version").split()[-1],
        "revision": revision_of_build(),
        "created": datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "licence": "Apache-2.0",
        "system": packages.run("sh", "-c", ". /etc/os-release && echo $ID").strip(),
    }
    system, used = root.system_layer(binary)
    program = strip_program(binary, folder)
    licence = (CHECKOUT / "LICENSE").read_bytes()
    known = system + [e for e in root.program_layer(program, licence, b"") if not e.path.endswith("sbom.spdx.json")]
    listed = sbom.document(oci.with_parents(known), used, embedded_parts(), facts)
    (folder / "sbom.spdx.json").write_bytes(listed)

    labels = {f"org.opencontainers.image.{key}": value for key, value in {
        "title": "netra",
        "description": "What to change about LLM calls, and what it saves",
        "version": facts["version"],
        "revision": facts["revision"],
        "created": facts["created"],
        "licenses": facts["licence"],
    }.items()}
    layers = [oci.with_parents(system), oci.with_parents(root.program_layer(program, licence, listed))]
    return oci.Image(layers, {**CONFIG, "Labels": labels}, epoch, ARCHITECTURES[machine], facts["created"], labels)


def unpack(layers, folder):
    """Writes the root as folders with their owners."""
    for entry in (entry for entries in layers for entry in entries):
        path = folder / entry.path.lstrip("/")
        if entry.kind == "dir":
            path.mkdir(exist_ok=True)
            os.chown(path, entry.uid, entry.gid)
            path.chmod(entry.mode)
        elif entry.kind == "link":
            path.symlink_to(entry.data.decode())
        else:
            path.write_bytes(entry.data)
            path.chmod(entry.mode)


def main():
    reading = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reading.add_argument("--binary", type=Path, required=True)
    reading.add_argument("--out", type=Path, required=True, help="folder; what this program made there before goes")
    reading.add_argument("--reference", default="latest", help="name of the image in the layout")
    reading.add_argument("--unpack", action="store_true")
    args = reading.parse_args()
    folder = args.out
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("oci", "root"):
        shutil.rmtree(folder / old, ignore_errors=True)
    image = make_image(args.binary.resolve(), folder, args.reference)
    digest, size = oci.write_layout(folder / "oci", image, args.reference)
    (folder / "netra.oci.tar").write_bytes(oci.archive_layout(folder / "oci", image.epoch))
    if args.unpack:
        (folder / "root").mkdir()
        unpack(image.layers, folder / "root")
    unpacked = sum(len(entry.data) for entries in image.layers for entry in entries if entry.kind == "file")
    print(f"image: {folder}/oci, {size} bytes compressed, {unpacked} bytes of files", file=sys.stderr)
    print(json.dumps({"image": f"oci:{folder.resolve()}/oci:{args.reference}", "digest": digest, "bytes": size}))


if __name__ == "__main__":
    try:
        main()
    except NotPossible as error:
        sys.exit(f"image: {error}")
