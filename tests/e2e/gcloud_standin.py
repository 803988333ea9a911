#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for gcloud, and for skopeo, that records every call: put on the PATH under these names. It keeps services,
revisions, traffic and images in a JSON file as Cloud Run does, says what gcloud says, refuses flags that gcloud does not
have (tests/data/gcloud/flags.json), and fails as it is told. GCLOUD_STANDIN is the folder:

    state.json    {"base", "number", "images": [...], "services": {"PROJECT/REGION/NAME": {…}}, "faults": [{"on": "run deploy",
                  "kind": "quota", "times": 1}]}; kinds: FAULTS, and slow, never_ready, image_gone, cpu_gone (a revision that
                  comes up late or not at all), killed_before, killed_after (who called is killed, before or after it is done)
    calls.jsonl   {"tool", "argv", "env_file"?, "stdin"?} of each call

A revision's address is BASE/t/TAG.SERVICE.PROJECT, a service's BASE/s/SERVICE.PROJECT: whoever serves BASE answers by the state.
"""

import fcntl
import json
import os
import pathlib
import re
import signal
import sys

FOLDER = pathlib.Path(os.environ["GCLOUD_STANDIN"])
FLAGS = json.loads((pathlib.Path(__file__).resolve().parents[1] / "data/gcloud/flags.json").read_text())
SLOW_LOOKS = 3  # how often a slow revision is looked at before it is ready

# What gcloud 528 and the services behind it write.
FAULTS = {
    "quota": "ERROR: ({command}) spec.template.metadata.annotations[autoscaling.knative.dev/maxScale]: Max instances must be set to 0 or"
             " fewer to set the requested total CPU.\n\nQuota violated:\nCpuAllocPerProjectRegion requested: 1000 allowed: 0",
    "denied": "ERROR: ({command}) PERMISSION_DENIED: Permission 'run.services.create' denied on resource"
              " 'namespaces/p/services/x' (or resource may not exist).",
    "not_logged_in": "ERROR: ({command}) You do not currently have an active account selected.\nPlease run:\n\n  $ gcloud auth login",
    "api_disabled": "ERROR: ({command}) PERMISSION_DENIED: Cloud Run Admin API has not been used in project 1 before or it is disabled."
                    " Enable it by visiting https://console.developers.google.com/apis/api/run.googleapis.com",
    "network": "ERROR: gcloud crashed (ConnectionError): HTTPSConnectionPool(host='run.googleapis.com', port=443): Max retries"
               " exceeded with url: /apis (Caused by NewConnectionError('[Errno 101] Network is unreachable'))",
    "push_denied": "FATA[0000] copying image: trying to reuse blob: unauthorized: authentication failed",
}
CONDITIONS = {
    "never_ready": ("HealthCheckContainerError", "The user-provided container failed to start and listen on the port defined provided by"
                    " the PORT=8421 environment variable within the allocated timeout."),
    "image_gone": ("ContainerMissing", "Image '{image}' not found."),
    "cpu_gone": ("ResourcesExhausted", "Quota exceeded for total allowable CPU per project per region."),
}


class Refusal(Exception):
    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


def parse(argv):
    """(command, positional words, {flag: value}); refuses what the real one does not have."""
    command = max((c for c in FLAGS["commands"] if argv[: len(c.split())] == c.split()), key=len, default=None)
    if not command:
        raise Refusal(f"ERROR: (gcloud) Invalid choice: '{argv[0]}'.", 2)
    known = {**FLAGS["commands"][command], **FLAGS["wide"]}
    words, flags = [], {}
    for word in argv[len(command.split()):]:
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in known or bool(equals) != known[name]:
            raise Refusal(f"ERROR: (gcloud.{command.replace(' ', '.')}) unrecognized arguments: {word}", 2)
        flags[name] = value if equals else True
    return command, words, flags


class Standin:
    def __init__(self, state, tool, argv):
        self.state, self.tool, self.argv = state, tool, argv
        self.command, self.words, self.flags = parse(argv) if tool == "gcloud" else (argv[0], argv[1:], {})
        self.where = f"{self.flags.get('--project')}/{self.flags.get('--region')}"

    def fault(self, kinds):
        """The kind of a fault that is due for this command, and counts it."""
        for one in self.state.get("faults", []):
            if one["on"] == self.command and one["kind"] in kinds and one.get("times", 1) > 0:
                one["times"] = one.get("times", 1) - 1
                return one["kind"]
        return None

    def answer(self):
        kind = self.fault(FAULTS)
        if kind:
            raise Refusal(FAULTS[kind].format(command="gcloud." + self.command.replace(" ", ".")))
        return getattr(self, self.command.replace(" ", "_").replace("-", "_"))()

    # ---- services ----

    def one(self, kind="service"):
        found = self.state["services"].get(f"{self.where}/{self.words[0]}")
        if not found:
            raise Refusal(f"ERROR: (gcloud.{self.command.replace(' ', '.')}) Cannot find {kind} [{self.words[0]}]")
        return found

    def owner(self):
        for key, service in self.state["services"].items():
            if key.startswith(self.where + "/") and self.words[0] in service["revisions"]:
                return service
        raise Refusal(f"ERROR: (gcloud.{self.command.replace(' ', '.')}) Cannot find revision [{self.words[0]}]")

    def run_deploy(self):
        name = self.words[0]
        key = f"{self.where}/{name}"
        service = self.state["services"].get(key)
        if not service and "--no-traffic" in self.flags:
            raise Refusal("ERROR: (gcloud.run.deploy) --no-traffic not supported when creating a new service.")
        revision = f"{name}-{self.flags['--revision-suffix']}"
        if len(revision) > 63 or not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", revision):
            raise Refusal(f"ERROR: (gcloud.run.deploy) INVALID_ARGUMENT: Invalid value for revision name {revision!r}")
        if service and revision in service["revisions"]:
            raise Refusal(f"ERROR: (gcloud.run.deploy) ALREADY_EXISTS: Revision named '{revision}' with different configuration already exists.")
        image = self.flags["--image"]
        if image not in self.state["images"]:
            raise Refusal(f"ERROR: (gcloud.run.deploy) Image '{image}' not found.")
        service = service or {"name": name, "revisions": {}, "traffic": [{"latestRevision": True, "percent": 100}]}
        kind = self.fault([*CONDITIONS, "slow"])
        service["revisions"][revision] = {
            "image": image, "labels": dict([self.flags["--labels"].split("=")]), "kind": kind, "looks": 0,
            "environment": json.loads(pathlib.Path(self.flags["--env-vars-file"]).read_text()),
            "flags": {flag: value for flag, value in self.flags.items() if flag != "--env-vars-file"},
        }
        if "--no-traffic" in self.flags:
            for part in service["traffic"]:  # what followed the latest stays where it is
                if part.pop("latestRevision", False):
                    part["revisionName"] = service["latest"]
        service["latest"] = revision
        service["traffic"].append({"revisionName": revision, "tag": self.flags["--tag"]})
        service["access"] = "public" if self.flags.get("--allow-unauthenticated") else "iam"
        self.state["services"][key] = service
        return self.shown(service)

    def shown(self, service):
        base, name = self.state["base"], f"{service['name']}.{self.flags['--project']}"
        traffic = []
        for part in service["traffic"]:
            part = dict(part)
            part["revisionName"] = part.get("revisionName", service["latest"])
            if "tag" in part:
                part["url"] = f"{base}/t/{part['tag']}.{name}"
            traffic.append(part)
        return {"metadata": {"name": service["name"]}, "status": {"url": f"{base}/s/{name}", "traffic": traffic,
                                                       "latestCreatedRevisionName": service["latest"]}}

    def run_services_describe(self):
        return self.shown(self.one())

    def run_services_delete(self):
        self.one()
        del self.state["services"][f"{self.where}/{self.words[0]}"]

    def run_services_update_traffic(self):
        service = self.one()
        if "--to-revisions" in self.flags:
            revision, percent = self.flags["--to-revisions"].split("=")
            if revision not in service["revisions"]:
                raise Refusal(f"ERROR: (gcloud.run.services.update-traffic) Revision '{revision}' could not be found.")
            service["traffic"] = [part for part in service["traffic"] if "tag" in part]
            for part in service["traffic"]:
                part.pop("percent", None)
            service["traffic"].append({"revisionName": revision, "percent": int(percent)})
        for tag in filter(None, self.flags.get("--remove-tags", "").split(",")):
            service["traffic"] = [part for part in service["traffic"] if part.get("tag") != tag]
        if "--update-tags" in self.flags:
            tag, revision = self.flags["--update-tags"].split("=")
            service["traffic"].append({"revisionName": revision, "tag": tag})
        return self.shown(service)

    # ---- revisions ----

    def shown_revision(self, name, revision):
        kind = revision["kind"]
        revision["looks"] += 1
        ready = {"type": "Ready", "status": "True"}
        if kind == "slow" and revision["looks"] <= SLOW_LOOKS:
            ready = {"type": "Ready", "status": "Unknown", "reason": "Deploying", "message": "Deploying revision."}
        elif kind in CONDITIONS:
            reason, message = CONDITIONS[kind]
            ready = {"type": "Ready", "status": "False", "reason": reason, "message": message.format(image=revision["image"])}
        return {"metadata": {"name": name, "labels": revision["labels"]}, "spec": {"containers": [{"image": revision["image"]}]},
                "status": {"conditions": [{"type": "Active", "status": "True"}, ready], "imageDigest": revision["image"]}}

    def run_revisions_describe(self):
        return self.shown_revision(self.words[0], self.owner()["revisions"][self.words[0]])

    def run_revisions_list(self):
        self.words = [self.flags["--service"]]
        return [self.shown_revision(name, revision) for name, revision in self.one()["revisions"].items()]

    def run_revisions_delete(self):
        service = self.owner()
        if self.words[0] in [part.get("revisionName") for part in service["traffic"]] + [service["latest"]]:
            raise Refusal("ERROR: (gcloud.run.revisions.delete) FAILED_PRECONDITION: Revision cannot be deleted: it has traffic, a tag,"
                          " or is the latest created Revision of its Service.")
        del service["revisions"][self.words[0]]

    # ---- the rest ----

    def projects_describe(self):
        return {"projectId": self.words[0], "projectNumber": self.state["number"]}

    def artifacts_docker_images_describe(self):
        if self.words[0] not in self.state["images"]:
            raise Refusal("ERROR: (gcloud.artifacts.docker.images.describe) Image not found.")
        return {"image_summary": {"digest": self.words[0].partition("@")[2]}}

    def auth_print_access_token(self):
        return "standin-access-token"

    def logging_read(self):
        return [{"textPayload": "second"}, {"jsonPayload": {"message": "first"}}]

    # ---- skopeo ----

    def login(self):
        return ""

    def copy(self):
        source, target = [word for word in self.words if not word.startswith("--")]
        if source.startswith("docker://") and source[len("docker://"):] not in self.state["images"]:
            raise Refusal("FATA[0000] initializing source: reading manifest: manifest unknown")
        repository, _, tag = target[len("docker://"):].rpartition(":")
        self.state["images"].append(f"{repository}@sha256:{tag[len('sha256-'):]}")
        return ""


def record(tool, argv):
    call = {"tool": tool, "argv": argv}
    if tool == "skopeo" and argv[0] == "login":
        call["stdin"] = sys.stdin.read()
    with open(FOLDER / "calls.jsonl", "a", encoding="utf-8") as out:
        out.write(json.dumps(call) + "\n")


def main():
    tool, argv = os.path.basename(sys.argv[0]), sys.argv[1:]
    with open(FOLDER / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record(tool, argv)
        state = json.loads((FOLDER / "state.json").read_text())
        try:
            standin = Standin(state, tool, argv)
            killed = standin.fault(["killed_before"])
            result = None if killed else standin.answer()
            killed = killed or standin.fault(["killed_after"])
        except Refusal as refusal:
            print(refusal, file=sys.stderr)
            result, killed = refusal, None
        (FOLDER / "state.json.new").write_text(json.dumps(state, indent=1))
        os.replace(FOLDER / "state.json.new", FOLDER / "state.json")
    if killed:
        os.kill(os.getppid(), signal.SIGKILL)
        return 1
    if isinstance(result, Refusal):
        return result.status
    if result is not None:
        print(result if isinstance(result, str) else json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
