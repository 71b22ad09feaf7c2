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
        left = [name for name in self.client.trusted() if name.startswith(".new-")]
        return f"left behind: {left}" if left else ""


def narrowed(world, call):
    """Names of files are looked up in the two folders; what is written and synced is a file without a
    name of its own yet, so of these calls all count."""
    if call in ("write", "fsync"):
        return []
    return [arg for folder in (world.client.metadata, world.client.targets) for arg in ("-P", folder)]


def strace(world, call, *options):
    """The download of all that is new, with one kind of call under strace."""
    before = ("strace", "-f", "-qq", "-o", f"{world.client.top}/trace", "-e", f"trace={call}", *options,
              *narrowed(world, call))
    return world.client.download("stable/k1/m.ko", before=before)


def count_calls(world, call):
    world.reset()
    status = strace(world, call)
    assert status == 0, world.client.text
    with open(f"{world.client.top}/trace") as f:
        return len(re.findall(rf"^\d+ +{call}\(", f.read(), re.M))


def sample(n):
    return range(1, n + 1) if n <= MOST else sorted({1 + i * (n - 1) // (MOST - 1) for i in range(MOST)})


def kill_at_each(world, call, n):
    killed = 0
    for index in sample(n):
        world.reset()
        status = strace(world, call, "-e", f"inject={call}:error=EIO:signal=KILL:when={index}")
        killed += status != 0
        problem = world.problem() or world.recover()
        if problem:
            return report(f"killed at each {call}", f"call {index} of {n}: {problem}")
    if killed != len(sample(n)):
        return report(f"killed at each {call}", f"only {killed} of {len(sample(n))} runs were killed")
    return report(f"killed at each {call}: {killed} of {n} calls tried")


def kill_init(world):
    """Another root is trusted from now on; the old one must stay until the new one is there."""
    client = world.client
    other = Repo()
    path = f"{client.top}/other-root.json"
    with open(path, "wb") as f:
        f.write(other.files["/metadata/1.root.json"])
    for call, n in (("fsync", 7), ("renameat", 2), ("unlinkat", 5)):
        for index in range(1, n + 1):
            world.reset()
            client.run("init", path, before=("strace", "-f", "-qq", "-o", f"{client.top}/trace", "-e",
                                             f"trace={call}", "-e", f"inject={call}:error=EIO:signal=KILL:when={index}"))
            trusted = client.trusted()
            if trusted.get("root.json") not in world.repo.signed | other.signed:
                return report("init killed at each change", f"{call} {index}: no whole root")
            if trusted["root.json"] in other.signed and len([n for n in trusted if n.endswith(".json")]) > 1:
                return report("init killed at each change", f"{call} {index}: files of another root: {list(trusted)}")
            if trusted["root.json"] in world.repo.signed and world.recover():
                return report("init killed at each change", f"{call} {index}: {world.recover()}")
    return report("init killed at each change")


def disk_errors(world):
    """A full or broken disk instead of a kill: the reason is named, and the next run goes on."""
    for call, n in (("write", 6), ("fsync", 8), ("renameat", 7)):
        for index in range(1, n + 1):
            world.reset()
            status = strace(world, call, "-e", f"inject={call}:error=ENOSPC:when={index}")
            if status not in (0, 1) or (status == 1 and "No space left" not in world.client.text):
                return report("no space at each change", f"{call} {index}: {world.client.text.strip()}")
            problem = world.problem() or world.recover()
            if problem:
                return report("no space at each change", f"{call} {index}: {problem}")
    return report("no space at each change")


world = World()
calls = {call: count_calls(world, call) for call in CALLS}
report("the calls of a whole run are counted", "" if all(calls.values()) else f"{calls}")
for call in CALLS:
    kill_at_each(world, call, calls[call])
kill_init(world)
disk_errors(world)
world.client.close()
print(f"1..{count}")
