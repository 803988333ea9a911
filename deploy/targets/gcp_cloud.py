# SPDX-License-Identifier: Apache-2.0
"""Google Cloud as its command line shows it: gcloud is run with lists of words, never through a shell, asks no question
and answers JSON; what it says when it cannot is recognised here. tests/e2e/gcloud_standin.py says the same words."""

import json
import os
import re
import subprocess
import sys

from local_state import TargetError

CALL_S = 600  # gcloud waits for Cloud Run itself; netra deploy gives a verb 900 s
SAID_BYTES_MAX = 600

# What gcloud, skopeo and Cloud Run's conditions say. The first that fits counts: a refresh of credentials that finds no
# network is a matter of the network, a revision that is not ready for want of its image one of the image.
KNOWN = [
    ("unreachable", r"Max retries exceeded|Unable to find the server|Failed to establish a new connection|[Nn]ame resolution"
                    r"|Name or service not known|no such host|[Nn]etwork is unreachable|Connection (refused|reset|aborted)"
                    r"|connection (refused|reset)|i/o timeout|gcloud crashed \((Connection|Transport|Timeout|SSL)\w*",
     "Is there a way to googleapis.com from here?"),
    ("denied", r"do not currently have an active account|does not have any valid credentials|[Rr]eauthenticat"
               r"|problem refreshing your current auth tokens|invalid_grant",
     "Sign in: gcloud auth login, or activate a service account."),
    ("denied", r"has not been used in project \S+ before or it is disabled|SERVICE_DISABLED|API \[\S+\] not enabled",
     "Enable the APIs: gcloud services enable run.googleapis.com artifactregistry.googleapis.com secretmanager.googleapis.com"),
    ("quota", r"Quota (violated|exceeded)|quota exceeded|RESOURCE_EXHAUSTED|exceeded your current quota|maxScale may not exceed"
              r"|Max instances must be set to \S+ or fewer",
     "Ask for more, or take another region: https://cloud.google.com/run/quotas"),
    ("denied", r"must have permission to read the image", "Let Cloud Run's service agent read the repository: roles/artifactregistry.reader."),
    ("image_missing", r"[Ii]mage '?[^ ]*'? ?not found|ContainerMissing|manifest unknown|MANIFEST_UNKNOWN|name unknown|NAME_UNKNOWN",
     "Was it pushed? netra deploy without --image builds and pushes."),
    ("denied", r"PERMISSION_DENIED|does not have permission|[Pp]ermission \S+ denied|UNAUTHENTICATED|unauthorized|status(: | code )403"
               r"|Forbidden", "The account needs roles/run.admin, roles/iam.serviceAccountUser and roles/artifactregistry.writer."),
    ("not_ready", r"is not ready and cannot serve traffic|failed to start and|HealthCheckContainerError|ContainerHealthCheck",
     "Its log says why: netra deploy's target verb logs."),
    ("not_found", r"Cannot find (service|revision)|NOT_FOUND|could not be found|Requested entity was not found", ""),
    ("invalid", r"INVALID_ARGUMENT|unrecognized arguments|ALREADY_EXISTS|already exists|Invalid value|invalid choice", ""),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def recognise(text, otherwise="failed"):
    """(code, hint) of what a tool or a condition says."""
    for code, pattern, hint in KNOWN:
        if re.search(pattern, text):
            return code, hint
    return otherwise, ""


def run_tool(words, given=None, secret=False, environment=None):
    """Standard output. TargetError with the code of what it said; nothing is said of what is secret."""
    name = words[0]
    shown = " ".join(words[:5])
    try:
        done = subprocess.run(words, input=given, stdin=None if given else subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=CALL_S, env={**os.environ, **(environment or {})})
    except FileNotFoundError:
        raise TargetError("failed", f"{name} is not installed", f"Put {name} on the PATH.") from None
    except subprocess.TimeoutExpired:
        raise TargetError("unreachable", f"{shown} did not end within {CALL_S} s") from None
    said = done.stderr.strip()
    if said and not secret:
        say(said)
    if done.returncode:
        code, hint = recognise(said, "invalid" if done.returncode == 2 else "failed")
        lines = [line for line in said.splitlines() if line.strip()]
        first = next((i for i, line in enumerate(lines) if line.startswith("ERROR:")), max(0, len(lines) - 3))
        why = " ".join(lines[first:])[:SAID_BYTES_MAX] or f"exit status {done.returncode}"
        raise TargetError(code, f"{name}: {why}", hint)
    return done.stdout


class Cloud:
    """One project and region."""

    def __init__(self, project, region):
        self.project, self.region = project, region
        self.known_number = None

    def gcloud(self, *words, region=True):
        where = [f"--region={self.region}"] if region else []
        out = run_tool(["gcloud", *words, *where, f"--project={self.project}", "--format=json", "--quiet"],
                       environment={"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"})
        if not out.strip():
            return None
        try:
            return json.loads(out)
        except ValueError:
            raise TargetError("failed", f"gcloud {' '.join(words[:3])} answered no JSON: {out[:100]!r}") from None

    def find(self, *words, region=True):
        """The same; None where there is no such thing."""
        try:
            return self.gcloud(*words, region=region)
        except TargetError as error:
            if error.code in ("not_found", "image_missing"):
                return None
            raise

    def number(self):
        """Of the project: part of the addresses of its services."""
        if not self.known_number:
            self.known_number = str(self.gcloud("projects", "describe", self.project, region=False)["projectNumber"])
        return self.known_number

    def service(self, name):
        return self.find("run", "services", "describe", name)

    def revision(self, name):
        return self.find("run", "revisions", "describe", name)

    def revisions(self, service):
        return self.gcloud("run", "revisions", "list", f"--service={service}") or []

    def set_traffic(self, service, revision):
        self.gcloud("run", "services", "update-traffic", service, f"--to-revisions={revision}=100")

    def remove_tags(self, service, tags):
        if tags:
            self.gcloud("run", "services", "update-traffic", service, f"--remove-tags={','.join(tags)}")

    def token(self):
        """For the registry; it is never printed."""
        return run_tool(["gcloud", "auth", "print-access-token", f"--project={self.project}", "--quiet"], secret=True).strip()


def traffic_of(service):
    return (service or {}).get("status", {}).get("traffic", [])


def serving_of(service):
    """The name of the revision that has all of the traffic, or most; None."""
    shares = [(part.get("percent") or 0, part.get("revisionName")) for part in traffic_of(service)]
    percent, name = max(shares, default=(0, None), key=lambda share: share[0])
    return name if percent > 0 else None


def tags_of(service, *, revisions=None, but=None):
    """The tags of these revisions, or of all but one."""
    return sorted(part["tag"] for part in traffic_of(service) if part.get("tag") and
                  (part.get("revisionName") in revisions if revisions is not None else part.get("revisionName") != but))


def condition_of(revision):
    """(status, reason, message) of its condition Ready: "True", "False" or "Unknown"."""
    for found in revision.get("status", {}).get("conditions", []):
        if found.get("type") == "Ready":
            return found.get("status", "Unknown"), found.get("reason", ""), found.get("message", "")
    return "Unknown", "", "it has no condition yet"
