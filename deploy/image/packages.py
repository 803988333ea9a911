# SPDX-License-Identifier: Apache-2.0
"""Debian's packages, asked of dpkg: which one a file is of, its version, its licences, and whether the file still is
what the package brought. An image is made of files of packages only; one that somebody changed is refused."""

import hashlib
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


class NotPossible(Exception):
    """A message for people: what could not be done and why."""


@dataclass
class Package:
    name: str
    architecture: str
    version: str
    source: str  # name of the source package
    source_version: str
    homepage: str
    status: str  # its paragraph in dpkg's own form, for scanners
    files: list = field(default_factory=list)  # paths in the image


def run(*words):
    """Standard output of a command that must work."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise NotPossible(f"{words[0]} is missing: tools/install_deps.sh image") from error
    if done.returncode:
        raise NotPossible(f"{words[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def spellings(path):
    """A path with and without /usr: packages of Debian 12 name their files in either way."""
    path = str(path)
    return [path, path[4:]] if path.startswith("/usr/") else [path, "/usr" + path]


def owners_of(paths):
    """{path: name of its package}; fails for a path of none."""
    asked = [spelling for path in paths for spelling in spellings(path)]
    done = subprocess.run(["dpkg-query", "-S", *asked], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    owner = {}
    for line in done.stdout.splitlines():
        names, _, path = line.rpartition(": ")
        if not names.startswith("diversion "):
            owner[path] = names.split(", ")[0]
    found = {}
    for path in paths:
        found[path] = next((owner[s] for s in spellings(path) if s in owner), None)
        if not found[path]:
            raise NotPossible(f"{path} is of no Debian package: an image is made of files of packages only")
    return found


def describe(name):
    form = "${Package}\\n${Architecture}\\n${Version}\\n${source:Package}\\n${source:Version}\\n${Homepage}\\n"
    fields = run("dpkg-query", "-W", "-f", form, name).split("\n")
    return Package(*fields[:6], status=run("dpkg-query", "-s", name))


def refuse_changed(package, paths):
    """Fails where one of the paths is not what the package brought (its md5sums; dpkg keeps no other checksum)."""
    names = [f"{package.name}:{package.architecture}", package.name]
    lists = [Path(f"/var/lib/dpkg/info/{name}.md5sums") for name in names]
    known = next((path for path in lists if path.exists()), None)
    if not known:
        raise NotPossible(f"{package.name}: dpkg has no list of its files")
    sums = dict(reversed(line.split("  ", 1)) for line in known.read_text().splitlines())
    for path in paths:
        wanted = next((sums[s[1:]] for s in spellings(path) if s[1:] in sums), None)
        if wanted != hashlib.md5(Path(path).read_bytes(), usedforsecurity=False).hexdigest():
            raise NotPossible(f"{path} is not what the package {package.name} brought")


def copyright_of(package):
    """The text of the package's copyright file."""
    path = Path("/usr/share/doc", package.name, "copyright")
    if not path.exists():
        raise NotPossible(f"{path} is missing: an image carries the licences of what is in it")
    return path.read_bytes()


def licence_names(text):
    """Debian's short names in a copyright file of the machine-readable form; none in a free text."""
    if not text.lstrip().startswith(b"Format:"):
        return []
    found = re.findall(rb"^License:[ \t]*(\S[^\n]*)$", text, re.M)
    return sorted({name.decode(errors="replace").strip() for name in found})


def common_licences(texts):
    """The files of /usr/share/common-licenses that copyright files point to instead of repeating them."""
    names = {name.rstrip(b".-").decode() for text in texts
             for name in re.findall(rb"/usr/share/common-licenses/([A-Za-z0-9.+-]+)", text)}
    folder = Path("/usr/share/common-licenses")
    return sorted(folder / name for name in names if (folder / name).is_file())
