#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-tuf-kill.py PROGRAM: the TUF client killed at every change that it makes on the disk.

strace kills it at the n-th call of each kind (opening, writing, syncing, renaming, removing), before
the call is done. What the trusted folder then holds must be bytes that the repository has signed and
that the client could have verified; the next run must go on from there and reach the newest state.
"""
import os
import re
import shutil
import subprocess
import sys

from tuf_world import Client, Key, Repo, Server

PROGRAM = sys.argv[1]
CALLS = ("openat", "write", "fsync", "renameat", "unlinkat")
MOST = 24  # indices of one call that are tried; more are sampled evenly
OLD, NEW = b"the module of before", b"the module of now"
count = 0


def report(name, problem=""):
    global count
    count += 1
    print(f"{'not ok' if problem else 'ok'} {count} - {name}", flush=True)
    if problem:
        print(f"# {problem}", flush=True)


class World:
    """A client with a state of before, and a repository that has gone on: two new roots, one of which
    takes other keys for the timestamp, and new metadata of every role."""

    def __init__(self):
        self.repo = Repo()
        self.repo.delegate("stable", ["stable/*/*"])
        self.repo.add("stable", "stable/k1/m.ko", OLD)
        self.repo.publish_all("stable")
        self.server = Server(self.repo)
        self.client = Client(PROGRAM, self.server)
        assert self.client.init() == 0 and self.client.download("stable/k1/m.ko") == 0, self.client.text
        self.before = f"{self.client.top}/before"
        self.keep()
        self.repo.trust("timestamp", [Key()])
        self.repo.publish("root")
        self.repo.publish("root")
        self.repo.add("stable", "stable/k1/m.ko", NEW)
        self.repo.publish_all("stable")

    def keep(self):
        os.mkdir(self.before)
        for folder in (self.client.metadata, self.client.targets):
            shutil.copytree(folder, f"{self.before}/{os.path.basename(folder)}")

    def reset(self):
        for folder in (self.client.metadata, self.client.targets):
            shutil.rmtree(folder)
            shutil.copytree(f"{self.before}/{os.path.basename(folder)}", folder)

    def problem(self):
        """What is wrong with the folder as it is, before anything repairs it."""
        for name, data in self.client.trusted().items():
            if not name.startswith(".new-") and data not in self.repo.signed:
                return f"{name} is trusted and was never signed"
        if "root.json" not in self.client.trusted():
            return "no root"
        if self.client.artifact("stable/k1/m.ko") not in (OLD, NEW):
            return "the artifact is neither the old nor the new one"
        return ""

    def recover(self):
        """Goes on from there; what is wrong with the outcome."""
        if self.client.download("stable/k1/m.ko") != 0:
            return f"the next run fails: {self.client.text.strip()}"
        if self.client.artifact("stable/k1/m.ko") != NEW:
            return "the next run leaves the old artifact"
        for role in ("root", "timestamp", "snapshot", "targets", "stable"):
            if self.client.version(role) != self.repo.bodies[role]["version"]:
                return f"{role} is at {self.client.version(role)}"
        left = [name for name in (*self.client.trusted(), *os.listdir(self.client.targets)) if name.startswith(".new-")]
        return f"left behind: {left}" if left else ""


def narrowed(world, call):
    """Names of files are looked up in the two folders; what is written and synced is a file without a
    name of its own yet, so of these calls all count."""
    if call in ("write", "fsync"):
        return []
    return [arg for folder in (world.client.metadata, world.client.targets) for arg in ("-P", folder)]


def strace(world, call, *options, run=None):
    """The download of all that is new, or another run, with one kind of call under strace; its status,
    and the lines of the calls."""
    before = ("strace", "-f", "-qq", "-o", f"{world.client.top}/trace", "-e", f"trace={call}", *options,
              *narrowed(world, call))
    status = run(before) if run else world.client.download("stable/k1/m.ko", before=before)
    with open(f"{world.client.top}/trace") as f:
        return status, re.findall(rf"^\d+ +{call}\(.*", f.read(), re.M)


def count_calls(world, call, run=None):
    world.reset()
    status, lines = strace(world, call, run=run)
    assert status == 0, world.client.text
    return len(lines)


def sample(n):
    return range(1, n + 1) if n <= MOST else sorted({1 + i * (n - 1) // (MOST - 1) for i in range(MOST)})


def kill_at_each(world, call, n):
    for index in sample(n):
        world.reset()
        status, _ = strace(world, call, "-e", f"inject={call}:error=EIO:signal=KILL:when={index}")
        problem = "was not killed" if status == 0 else world.problem() or world.recover()
        if problem:
            return report(f"killed at each {call}", f"call {index} of {n}: {problem}")
    return report(f"killed at each {call}: {len(sample(n))} of {n} calls tried")


def init_problem(world, other):
    """What is wrong with the folder after another root was to take the place of the old one."""
    trusted = world.client.trusted()
    if trusted.get("root.json") not in world.repo.signed | other.signed:
        return "no whole root"
    if trusted["root.json"] in other.signed and len([n for n in trusted if n.endswith(".json")]) > 1:
        return f"files of another root: {list(trusted)}"
    return world.recover() if trusted["root.json"] in world.repo.signed else ""


def kill_init(world):
    """Another root is trusted from now on; the old one must stay until the new one is there."""
    other, tried = Repo(), 0
    path = f"{world.client.top}/other-root.json"
    with open(path, "wb") as f:
        f.write(other.files["/metadata/1.root.json"])

    def init(before):
        return world.client.run("init", path, before=before)

    for call in ("write", "fsync", "renameat", "unlinkat"):
        n = count_calls(world, call, init)
        for index in range(1, n + 1):
            world.reset()
            status, _ = strace(world, call, "-e", f"inject={call}:error=EIO:signal=KILL:when={index}", run=init)
            problem = "was not killed" if status == 0 else init_problem(world, other)
            if problem:
                return report("init killed at each change", f"{call} {index} of {n}: {problem}")
        tried += n
    return report(f"init killed at each change: {tried} calls", "" if tried >= 8 else "so few?")


def disk_problem(world, call, status, lines):
    """What is wrong after one call found the disk full."""
    hit = [line for line in lines if "(INJECTED)" in line]
    if len(hit) != 1:
        return f"{len(hit)} calls failed"
    # Its words on standard output are no part of the work.
    said = re.match(r"\d+ +write\(1,", hit[0])
    if status != (0 if said else 1) or (status == 1 and "No space left" not in world.client.text):
        return f"status {status}: {world.client.text.strip()}"
    # The first new root takes another key for the timestamp: none is forgotten before that root is there.
    if call == "write" and world.client.version("root") == 1 and not world.client.version("timestamp"):
        return "the old root without its timestamp"
    return world.problem() or world.recover()


def disk_errors(world, calls):
    """A full or broken disk instead of a kill: the reason is named, and the next run goes on."""
    for call in ("write", "fsync", "renameat"):
        for index in sample(calls[call]):
            world.reset()
            problem = disk_problem(world, call, *strace(world, call, "-e", f"inject={call}:error=ENOSPC:when={index}"))
            if problem:
                return report("no space at each change", f"{call} {index}: {problem}")
    return report("no space at each change")


world = World()
calls = {call: count_calls(world, call) for call in CALLS}
report("the calls of a whole run are counted", "" if all(calls.values()) else f"{calls}")
for call in CALLS:
    kill_at_each(world, call, calls[call])
kill_init(world)
disk_errors(world, calls)
world.client.close()
print(f"1..{count}")
