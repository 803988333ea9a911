# SPDX-License-Identifier: Apache-2.0
"""The prepared root: what is in the image, and nothing else. No shell, no package manager, nothing setuid.

    /usr/bin/netra                              the program, stripped
    /usr/lib/TRIPLET/lib….so.N                  the libraries that the loader asks for, and the loader
    /etc/ssl/certs/ca-certificates.crt          from the files of the package, not from this machine's own bundle
    /etc/{passwd,group,nsswitch.conf}           a user netra, 65532; names by files, then DNS (both are in libc)
    /data                                       the only folder that is written
    /tmp                                        1777, as everybody expects it
    /usr/share/doc, /usr/share/common-licenses  licences
    /var/lib/dpkg/status.d, /usr/lib/os-release what scanners look for

No time zones: Netra computes in UTC or with an offset.
"""

import re
from pathlib import Path

import packages
from oci import Entry
from packages import NotPossible

USER_ID = 65532
CERTIFICATES = "/usr/share/ca-certificates/mozilla"

PASSWD = f"root:x:0:0:root:/:/nonexistent\nnetra:x:{USER_ID}:{USER_ID}:netra:/data:/nonexistent\n"
GROUP = f"root:x:0:\nnetra:x:{USER_ID}:\n"
NAMES = "passwd: files\ngroup: files\nhosts: files dns\n"


def libraries_of(program):
    """{path that the loader opens: real path} of every library of the program, the loader itself among them."""
    found = {}
    for line in packages.run("ldd", str(program)).splitlines():
        if "not found" in line:
            raise NotPossible(f"a library is missing: {line.strip()}")
        path = re.search(r"(/\S+) \(0x", line)
        if path:
            found[path[1]] = str(Path(path[1]).resolve())
    if not found:
        raise NotPossible(f"{program} has no libraries: is it a program of this machine?")
    return found


def _library_entries(libraries):
    """Each real file once, and the names by which it is opened as links beside it."""
    files, links = {}, {}
    for opened, real in libraries.items():
        real_in_image = real if real.startswith("/usr/") else "/usr" + real
        files[real_in_image] = Entry(real_in_image, "file", 0o755, Path(real).read_bytes())
        name = opened if opened.startswith("/usr/") else "/usr" + opened
        if name != real_in_image:
            beside = Path(name).parent == Path(real_in_image).parent
            target = Path(real_in_image).name if beside else real_in_image
            links[name] = Entry(name, "link", 0o777, target.encode())
    return list(files.values()), list(links.values())


def _system_entries():
    folder = [
        Entry("/bin", "link", 0o777, b"usr/bin"),
        Entry("/lib", "link", 0o777, b"usr/lib"),
        Entry("/lib64", "link", 0o777, b"usr/lib64"),
        Entry("/usr/lib64", "dir", 0o755),
        *(Entry(path, "dir", 0o755) for path in ("/dev", "/proc", "/sys")),  # where engines put theirs
        Entry("/data", "dir", 0o700, uid=USER_ID, gid=USER_ID),
        Entry("/tmp", "dir", 0o1777),
    ]
    texts = [("/etc/passwd", PASSWD), ("/etc/group", GROUP), ("/etc/nsswitch.conf", NAMES)]
    return folder + [Entry(path, "file", 0o644, text.encode()) for path, text in texts]


def _of_package(name, paths):
    package = packages.describe(name)
    packages.refuse_changed(package, paths)
    return package


def _document_entries(used):
    """The licences of the packages, and their paragraphs in the form that scanners know."""
    entries, texts = [], {}
    for package in used:
        texts[package.name] = packages.copyright_of(package)
        entries.append(Entry(f"/usr/share/doc/{package.name}/copyright", "file", 0o644, texts[package.name]))
        entries.append(Entry(f"/var/lib/dpkg/status.d/{package.name}", "file", 0o644, package.status.encode()))
    for path in packages.common_licences(texts.values()):
        entries.append(Entry(str(path), "file", 0o644, path.read_bytes()))
    return entries


def system_layer(program):
    """(entries, packages with their files) of all that is not Netra's own."""
    libraries = libraries_of(program)
    files, links = _library_entries(libraries)
    owners = packages.owners_of(sorted(set(libraries.values())))
    used = {}
    for path, owner in owners.items():
        if owner not in used:
            used[owner] = _of_package(owner, [p for p, o in owners.items() if o == owner])
        used[owner].files.append(path if path.startswith("/usr/") else "/usr" + path)

    certificates = sorted(Path(CERTIFICATES).glob("*.crt"))
    if not certificates:
        raise NotPossible("there are no certificate authorities: install ca-certificates")
    authority = _of_package("ca-certificates", certificates)
    bundle = b"".join(path.read_bytes().rstrip(b"\n") + b"\n" for path in certificates)
    authority.files.append("/etc/ssl/certs/ca-certificates.crt")
    files.append(Entry(authority.files[0], "file", 0o644, bundle))

    release = _of_package("base-files", ["/usr/lib/os-release"])
    release.files.append("/usr/lib/os-release")
    files.append(Entry(release.files[0], "file", 0o644, Path(release.files[0]).read_bytes()))
    links.append(Entry("/etc/os-release", "link", 0o777, b"../usr/lib/os-release"))

    all_used = sorted([*used.values(), authority, release], key=lambda package: package.name)
    return _system_entries() + files + links + _document_entries(all_used), all_used


def program_layer(program, licence, sbom):
    return [
        Entry("/usr/bin/netra", "file", 0o755, program),
        Entry("/usr/share/doc/netra/LICENSE", "file", 0o644, licence),
        Entry("/usr/share/doc/netra/sbom.spdx.json", "file", 0o644, sbom),
    ]
