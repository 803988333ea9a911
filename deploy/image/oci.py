# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout, written so that the same contents are the same bytes.

A layer is a tar (ustar) of entries in the order of their paths, every one with the same time, numeric owners and no
names of users; its gzip header carries no time and no file name. Nothing here reads the clock, the umask or the
owner of a file, so no root, no user namespace and no container engine is needed. What remains of the machine is the
version of zlib: another one may compress the same bytes to other bytes (the diff_ids stay the same).

Format: https://github.com/opencontainers/image-spec (1.0), config, manifest and image layout.
"""

import hashlib
import io
import json
import struct
import tarfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # no flags, no time, slowest, unknown system
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Entry:
    """One path of an image. kind: dir, file or link; data: contents, or where a link points to."""

    path: str  # absolute
    kind: str
    mode: int
    data: bytes = b""
    uid: int = 0
    gid: int = 0


@dataclass
class Image:
    layers: list  # of lists of Entry, lowest first
    config: dict  # the part of a config that says how to run: User, Entrypoint, …
    epoch: int
    architecture: str
    created: str  # RFC 3339 of epoch
    annotations: dict = field(default_factory=dict)


def with_parents(entries):
    """The entries and every folder above them that is not among them, sorted by path."""
    found = {entry.path: entry for entry in entries}
    if len(found) != len(entries):
        raise ValueError("an image has each path once")
    for entry in entries:
        for folder in Path(entry.path).parents:
            if str(folder) != "/":
                found.setdefault(str(folder), Entry(str(folder), "dir", 0o755))
    return [found[path] for path in sorted(found)]


def tar_of(entries, epoch):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for entry in entries:
            info = tarfile.TarInfo(entry.path.lstrip("/"))
            info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, epoch
            if entry.kind == "dir":
                info.type = tarfile.DIRTYPE
                tar.addfile(info)
            elif entry.kind == "link":
                info.type, info.linkname = tarfile.SYMTYPE, entry.data.decode()
                tar.addfile(info)
            else:
                info.size = len(entry.data)
                tar.addfile(info, io.BytesIO(entry.data))
    return out.getvalue()


def gzip_of(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(data) + packer.flush()
    return GZIP_HEADER + packed + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def json_of(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _put_blob(folder, data):
    (folder / "blobs/sha256" / digest_of(data)[len("sha256:"):]).write_bytes(data)
    return {"digest": digest_of(data), "size": len(data)}


def write_layout(folder, image, reference):
    """Writes the image as the only one of a new layout in folder; (digest of its manifest, bytes of all its blobs)."""
    (folder / "blobs/sha256").mkdir(parents=True)
    layers, diff_ids = [], []
    for entries in image.layers:
        tar = tar_of(entries, image.epoch)
        diff_ids.append(digest_of(tar))
        layers.append({"mediaType": LAYER_TYPE, **_put_blob(folder, gzip_of(tar))})
    config = json_of({
        "architecture": image.architecture,
        "os": "linux",
        "created": image.created,
        "config": image.config,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": image.created, "created_by": "deploy/image/build.py"} for _ in layers],
    })
    manifest = json_of({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, **_put_blob(folder, config)},
        "layers": layers,
        "annotations": image.annotations,
    })
    described = {
        "mediaType": MANIFEST_TYPE,
        **_put_blob(folder, manifest),
        "platform": {"architecture": image.architecture, "os": "linux"},
        "annotations": {"org.opencontainers.image.ref.name": reference},
    }
    (folder / "index.json").write_bytes(json_of({"schemaVersion": 2, "manifests": [described]}))
    (folder / "oci-layout").write_bytes(json_of({"imageLayoutVersion": "1.0.0"}))
    size = described["size"] + len(config) + sum(layer["size"] for layer in layers)
    return described["digest"], size


def archive_layout(folder, epoch):
    """The layout as one tar, as `docker load`, `podman load` and `skopeo copy oci-archive:` take it."""
    entries = [Entry("/" + str(path.relative_to(folder)), "file", 0o644, path.read_bytes())
               for path in folder.rglob("*") if path.is_file()]
    return tar_of(with_parents(entries), epoch)
