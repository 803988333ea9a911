# SPDX-License-Identifier: Apache-2.0
"""The bill of materials of an image: SPDX 2.3, JSON.

The image CONTAINS packages, packages CONTAIN their files; the program is one of them and says what was compiled into
it (STATIC_LINK) and what it loads (DYNAMIC_LINK). Every regular file of the image is listed with its checksums, but
for the list itself. Licences of Debian's packages stand there as Debian names them, as LicenseRef: nobody here has
concluded anything about them, and the whole texts are in the image.

Format: https://spdx.github.io/spdx-spec/v2.3/
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field

import packages

NONE_CONCLUDED = "NOASSERTION"


@dataclass
class Embedded:
    """Something that was compiled or bundled into the program."""

    name: str
    version: str
    licence: str  # SPDX expression, or NOASSERTION
    locator: str  # package URL
    origin: str  # where it was taken from
    checksum: dict = field(default_factory=dict)


def identifier(kind, name):
    return f"SPDXRef-{kind}-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def file_identifier(path):
    """Paths that differ in a sign that an identifier cannot have are still told apart."""
    return identifier("File", path.strip("/")) + "-" + hashlib.sha256(path.encode()).hexdigest()[:8]


def _file(entry):
    return {
        "SPDXID": file_identifier(entry.path),
        "fileName": "." + entry.path,
        "checksums": [
            {"algorithm": "SHA1", "checksumValue": hashlib.sha1(entry.data, usedforsecurity=False).hexdigest()},
            {"algorithm": "SHA256", "checksumValue": hashlib.sha256(entry.data).hexdigest()},
        ],
        "licenseConcluded": NONE_CONCLUDED,
        "copyrightText": NONE_CONCLUDED,
    }


def _debian_package(package, system):
    locator = f"pkg:deb/{system}/{package.name}@{package.version}?arch={package.architecture}"
    return {
        "SPDXID": identifier("Package", "deb-" + package.name),
        "name": package.name,
        "versionInfo": package.version,
        "supplier": "Organization: " + system.capitalize(),
        "downloadLocation": NONE_CONCLUDED,
        "filesAnalyzed": False,
        **({"homepage": package.homepage} if package.homepage else {}),
        "sourceInfo": f"built from: {package.source} {package.source_version}",
        "licenseConcluded": NONE_CONCLUDED,
        "licenseDeclared": "LicenseRef-" + identifier("deb", package.name)[len("SPDXRef-"):],
        "copyrightText": NONE_CONCLUDED,
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": locator.replace("+", "%2B"),
        }],
    }


def _licence_of(package):
    text = packages.copyright_of(package)
    names = packages.licence_names(text)
    named = f"Debian's names of the licences in it: {', '.join(names)}." if names else \
        "The file is free text and names no licence in a form that can be read."
    return {
        "licenseId": "LicenseRef-" + identifier("deb", package.name)[len("SPDXRef-"):],
        "name": f"copyright file of Debian's {package.name}",
        "extractedText": f"The text is /usr/share/doc/{package.name}/copyright of the image "
                         f"(SHA256 {hashlib.sha256(text).hexdigest()}). {named}",
    }


def _embedded_package(part):
    checksums = [{"algorithm": name, "checksumValue": value} for name, value in part.checksum.items()]
    return {
        "SPDXID": identifier("Package", "in-" + part.name),
        "name": part.name,
        "versionInfo": part.version,
        "downloadLocation": part.origin,
        "filesAnalyzed": False,
        "licenseConcluded": NONE_CONCLUDED,
        "licenseDeclared": part.licence,
        "copyrightText": NONE_CONCLUDED,
        **({"checksums": checksums} if checksums else {}),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": part.locator.replace("+", "%2B"),
        }],
    }


def _own_package(name, version, licence):
    return {
        "SPDXID": identifier("Package", name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": NONE_CONCLUDED,
        "filesAnalyzed": False,
        "licenseConcluded": NONE_CONCLUDED,
        "licenseDeclared": licence,
        "copyrightText": NONE_CONCLUDED,
    }


def page_parts(lock):
    """What the page's bundle carries: the packages of its lock file that are no tools of the build."""
    parts = []
    for path, entry in sorted(lock["packages"].items()):
        if not path or entry.get("dev"):
            continue
        name = path.rpartition("node_modules/")[2]
        kind, _, digest = entry["integrity"].partition("-")
        parts.append(Embedded(
            name, entry["version"], entry.get("license", NONE_CONCLUDED),
            f"pkg:npm/{name.replace('@', '%40')}@{entry['version']}", NONE_CONCLUDED,
            {kind.upper(): base64.b64decode(digest).hex()}))
    return parts


def source_part(package, name):
    """A Debian package whose source was compiled into the program."""
    return Embedded(name, package.version, NONE_CONCLUDED,
                    f"pkg:deb/debian/{package.name}@{package.version}?arch={package.architecture}", NONE_CONCLUDED)


def _relation(one, kind, other):
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def document(entries, used, parts, facts):
    """The list as bytes. entries: all of the image; used: Debian's packages; facts: version, revision, created,
    licence, system (debian, ubuntu)."""
    image, program = identifier("Package", "netra-image"), identifier("Package", "netra")
    files = [entry for entry in entries if entry.kind == "file"]
    owner = {path: identifier("Package", "deb-" + package.name) for package in used for path in package.files}
    for entry in files:
        about = re.match(r"/(?:usr/share/doc|var/lib/dpkg/status\.d)/([^/]+)", entry.path)
        if about and about[1] != "netra":
            owner[entry.path] = identifier("Package", "deb-" + about[1])
        elif about or entry.path == "/usr/bin/netra":
            owner[entry.path] = program

    relations = [_relation("SPDXRef-DOCUMENT", "DESCRIBES", image), _relation(image, "CONTAINS", program)]
    for package in used:
        other = identifier("Package", "deb-" + package.name)
        relations.append(_relation(image, "CONTAINS", other))
        if any(re.search(r"/lib[^/]*\.so", path) for path in package.files):
            relations.append(_relation(program, "DYNAMIC_LINK", other))
    relations += [_relation(program, "STATIC_LINK", identifier("Package", "in-" + part.name)) for part in parts]
    relations += [_relation(owner.get(entry.path, image), "CONTAINS", file_identifier(entry.path)) for entry in files]

    result = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"netra-{facts['version']}",
        "creationInfo": {
            "created": facts["created"],
            "creators": [f"Tool: netra-deploy-image-{facts['version']}"],
        },
        "packages": [_own_package("netra-image", facts["version"], NONE_CONCLUDED),
                     _own_package("netra", facts["version"], facts["licence"])]
                    + [_debian_package(package, facts["system"]) for package in used]
                    + [_embedded_package(part) for part in parts],
        "files": [_file(entry) for entry in files],
        "hasExtractedLicensingInfos": [_licence_of(package) for package in used],
        "relationships": relations,
    }
    # The name of a document is its own: it follows from what is in it.
    digest = hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()
    result["documentNamespace"] = f"https://spdx.org/spdxdocs/netra-{facts['version']}-{digest}"
    return json.dumps(result, indent=1, sort_keys=True).encode() + b"\n"
