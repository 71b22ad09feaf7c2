#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""power-loss.py: what a machine's disk can hold after a power loss, and whether its state is right then.

Reads a log of dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst): a super block of one
sector, then for each write a sector that describes it and its data. A write is logged when a flush that came
after it has ended, or as it ends itself if it went past the disk's cache (FUA). So what the disk holds for
certain at an entry is all that is before it; and of the writes between two flushes any part may be there too,
since a cache keeps no order.

For each such state: the file system's journal is replayed (e2fsck), the machine's folders are taken out
(debugfs), judged as they are, and then sutured and suture-fetch start on them, beside a kernel that is a tree of
files, and go on against the real server. The marks in the log say what the machine had been told by then.
"""
import argparse
import contextlib
import dataclasses
import hashlib
import json
import os
import random
import re
import select
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import uuid
from pathlib import Path

SECTOR = 512
MAGIC, VERSION = 0x6A736677736872, 1
FLUSH, FUA, DISCARD, MARK = 1, 2, 4, 8
BLOCK = 4096  # of the file system: such a piece is written whole or not at all
SEED = 20260101
SHOWN_MAX = 20
# What sutured says of a module that passed every check, where the kernel is a tree of files.
NOT_THIS_KERNEL = "are not this machine's"
STARTS_WITHIN, COMMAND_WITHIN = 30, 90  # seconds


# --- the log


@dataclasses.dataclass
class Entry:
    place: int  # in bytes
    data: bytes
    flags: int
    mark: str


def read_log(path, offset):
    with open(path, "rb") as file:
        file.seek(offset)
        magic, version, count, sector_size = struct.unpack("<QQQI", file.read(28))
        if (magic, version, sector_size) != (MAGIC, VERSION, SECTOR):
            sys.exit("this is no log of dm-log-writes")
        position = offset + SECTOR
        for _ in range(count):
            file.seek(position)
            head = file.read(SECTOR)
            sector, sectors, flags, length = struct.unpack("<QQQQ", head[:32])
            position += SECTOR
            if flags & MARK:
                yield Entry(0, b"", flags, head[32 : 32 + length].decode())
            elif flags & DISCARD:
                yield Entry(sector * SECTOR, bytes(sectors * SECTOR), flags, "")
            else:
                yield Entry(sector * SECTOR, file.read(sectors * SECTOR), flags, "")
                position += sectors * SECTOR


def pieces(place, data):
    """What is written at a byte of the disk, as parts of blocks of the file system."""
    at = 0
    while at < len(data):
        size = min(BLOCK - (place + at) % BLOCK, len(data) - at)
        yield place + at, data[at : at + size]
        at += size


class Image:
    """A disk's bytes: its blocks that are not all zeros. Most are, so that it is soon copied and written."""

    def __init__(self, size, blocks=()):
        self.size, self.blocks = size, dict(blocks)

    def copy(self):
        return Image(self.size, self.blocks)

    def put_piece(self, place, data):
        number, start = divmod(place, BLOCK)
        old = self.blocks.get(number, bytes(BLOCK))
        new = old[:start] + data + old[start + len(data) :]
        if new.count(0) == BLOCK:
            self.blocks.pop(number, None)
        else:
            self.blocks[number] = new

    def put(self, place, data):
        for piece in pieces(place, data):
            self.put_piece(*piece)

    def write(self, path):
        with open(path, "wb") as file:
            file.truncate(self.size)
            for number, data in self.blocks.items():
                os.pwrite(file.fileno(), data, number * BLOCK)


@dataclasses.dataclass(frozen=True)
class Expected:
    """What may be so, by the marks that the log has so far."""

    off: bool = True
    on: bool = False
    accepted: frozenset = frozenset([None])
    sequence: int = 0  # of the check-ins that the server has heard
    leaves: bool = False

    def after(self, mark):
        word, what = mark.split(":")
        begins = word == "begin"
        if word == "heard":
            new = {"sequence": int(what)}
        elif what == "enable":
            new = {"on": True, "off": begins}
        elif what == "disable":
            new = {"off": True, "on": begins, "leaves": True}
        else:
            new = {"accepted": self.accepted | {what} if begins else frozenset([what])}
        return dataclasses.replace(self, **new)


@dataclasses.dataclass
class State:
    name: str
    image: Image  # changes when the next state is asked for
    expected: Expected


class Disk:
    """All states of the disk that the log tells of, in order."""

    def __init__(self, made, entries, take_all):
        data = Path(made).read_bytes()
        self.image = Image(len(data))
        self.image.put(0, data)
        self.entries = list(entries)
        self.subsets = 24 if take_all else 1
        self.expected = Expected()
        self.last_mark = "made"
        self.flushes = 0

    def state(self, name, image=None):
        return State(f"{name} after {self.last_mark}", self.image if image is None else image, self.expected)

    def parts(self, window):
        """The window's writes in part, and nothing lost that was durable."""
        loose = [piece for entry in window for piece in pieces(entry.place, entry.data)]
        for n in range(self.subsets if len(loose) > 1 else 0):
            chance = random.Random(f"{SEED} {self.flushes} {n}")
            likely = (0.5, 0.8, 0.2)[n % 3]
            image = self.image.copy()
            for piece in loose:
                if chance.random() < likely:
                    image.put_piece(*piece)
            yield self.state(f"flush {self.flushes}, part {n + 1}", image)

    def flush(self, window):
        """The state before its end, and after it."""
        self.flushes += 1
        yield from self.parts(window)
        for entry in window:
            self.image.put(entry.place, entry.data)
        yield self.state(f"flush {self.flushes}")

    def states(self):
        window = []
        for entry in self.entries:
            if entry.mark == "end":
                return
            if entry.flags & MARK:
                self.last_mark = entry.mark
                self.expected = self.expected.after(entry.mark)
                yield self.state("mark")
                continue
            if entry.flags & FLUSH:
                yield from self.flush(window)
                window = []
            if entry.flags & FUA and entry.data:
                self.image.put(entry.place, entry.data)
                yield self.state(f"flush {self.flushes} and byte {entry.place}")
            elif entry.data:
                window.append(entry)
        sys.exit("the log has no end")


# --- from an image to the machine's folders


class Wrong(Exception):
    """Something that must not be after a power loss."""


def command(*argv, **options):
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=COMMAND_WITHIN, **options)


def take_out(image, work):
    """The folders on the disk, after the file system's own repair of a power loss."""
    disk, folder = work / "disk", work / "folders"
    image.write(disk)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    check = command("e2fsck", "-fy", disk)
    if check.returncode not in (0, 1):
        raise Wrong(f"the file system is damaged: {check.stdout} {check.stderr}")
    dump = command("debugfs", "-R", f"rdump / {folder}", disk)
    if not (folder / "lost+found").is_dir() or any((folder / "lost+found").iterdir()):
        raise Wrong(f"files were lost: {dump.stderr}")
    return folder


def digest(folder):
    """What files there are and what is in them."""
    sha = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        sha.update(f"{path.relative_to(folder)} {path.lstat().st_mode}\n".encode())
        if path.is_file():
            sha.update(hashlib.sha256(path.read_bytes()).digest())
    return sha.hexdigest()


# --- what is right


class World:
    """What the machine could know: what was signed, and who it is."""

    def __init__(self, args):
        self.signed = {path.read_bytes() for path in Path(args.signed).rglob("*.json")}
        self.modules = {hashlib.sha256(p.read_bytes()).hexdigest() for p in Path(args.modules).rglob("*.ko")}
        self.bundle = Path(args.bundle).read_bytes()
        self.machine = args.machine


def load(path):
    """A file that is replaced as one step: None if it is not there."""
    if not path.exists():
        return None
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise Wrong(f"{path.name} is damaged: {error}") from error


def leftovers(root):
    return [str(path.relative_to(root)) for path in root.rglob(".new-*")]


def judge_identity(folder, world):
    """Whether there is one; it must be whole, and the machine's."""
    identity = load(folder / "fetch/identity.json")
    if identity is None:
        return False
    if not all(identity.get(key) for key in ("url", "server_ca", "key", "certificate")):
        raise Wrong("the identity is not whole")
    certificate = command("openssl", "x509", "-noout", "-subject", "-pubkey", input=identity["certificate"]).stdout
    public = command("openssl", "pkey", "-pubout", input=identity["key"]).stdout
    if not public or not certificate.endswith(public):
        raise Wrong("the identity's certificate is not for its key")
    if world.machine not in certificate:
        raise Wrong("the identity is another machine's")
    return True


def judge_trust(folder, world, needed):
    if needed and not folder.exists():
        raise Wrong("enabled, and trusts nobody")
    if not folder.exists():
        return
    if not (folder / "metadata/root.json").is_file() or not (folder / "bundle.json").is_file():
        raise Wrong("half a trust folder")
    if (folder / "bundle.json").read_bytes() != world.bundle:
        raise Wrong("the trust bundle is damaged")
    for path in (folder / "metadata").iterdir():
        if not path.name.startswith(".new-") and path.read_bytes() not in world.signed:
            raise Wrong(f"{path.name} is trusted and was never signed")


def judge_accepted(state, accepted, world, expected):
    version = accepted and accepted["version"]
    if version not in expected.accepted:
        raise Wrong(f"accepted is {version}, not {sorted(map(str, expected.accepted))}")
    if not accepted:
        return
    module = state / "modules" / f"{accepted['sha256']}.ko"
    if accepted["sha256"] not in world.modules:
        raise Wrong(f"accepted is {accepted['sha256']}, which was never signed")
    if not module.exists() or hashlib.sha256(module.read_bytes()).hexdigest() != accepted["sha256"]:
        raise Wrong(f"the module of {version} is not there as it was verified")
    if load(module.with_suffix(".json")) is None:
        raise Wrong(f"the record of {version} is not there")


def judge_folders(state, cache, world, expected):
    """The machine's state as the disk has it; returns whether it is enabled."""
    journal = load(state / "journal.json") or {}
    enabled = bool(journal.get("machine_id"))
    if not (expected.on if enabled else expected.off):
        raise Wrong("enabled" if enabled else "not enabled")
    if enabled and journal["machine_id"] != world.machine:
        raise Wrong(f"it is {journal['machine_id']}, not {world.machine}")
    if enabled and journal["sequence"] < expected.sequence:
        raise Wrong(f"check-in {journal['sequence']}, and the server has heard {expected.sequence}")
    identity = judge_identity(cache, world)
    if enabled and not identity:
        raise Wrong("enabled, and there is no identity")
    if identity and not expected.on:
        raise Wrong("not enabled any more, and there is an identity")
    if enabled or not expected.leaves:
        judge_trust(state / "trust", world, enabled)
    judge_accepted(state, journal.get("accepted"), world, expected)
    return enabled


# --- the machine's programs


class Proxy(socketserver.ThreadingTCPServer):
    """The server by the address that it has for the guest."""

    daemon_threads = True

    def __init__(self, port):
        self.server = ("127.0.0.1", port)
        super().__init__(("127.0.0.1", 0), Tunnel)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Tunnel(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        with contextlib.suppress(OSError), socket.create_connection(self.server.server) as other:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            ways = {self.connection: other, other: self.connection}
            while True:
                for ready in select.select(list(ways), [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    ways[ready].sendall(data)


def make_kernel(folder, record):
    """A kernel of files: the one that the patches are for, after another boot."""
    build_id = bytes.fromhex(record["build_id"])
    notes = struct.pack("<III4s", 4, len(build_id), 3, b"GNU\0") + build_id
    files = {
        "proc/sys/kernel/osrelease": record["kernel"],
        "proc/sys/kernel/version": "#1 SMP",
        "proc/sys/kernel/arch": "x86_64",
        "proc/sys/kernel/hostname": "testmachine",
        "proc/sys/kernel/random/boot_id": str(uuid.uuid4()),
        "proc/sys/kernel/tainted": "0",
        "proc/sys/kernel/modules_disabled": "0",
        "proc/uptime": "100.0 100.0",
        "etc/suture/suture.conf": f"fetch-user = {command('id', '-un').stdout.strip()}\nretry-delay = 0\nrequire-grant = no",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    (folder / "sys/kernel/livepatch").mkdir(parents=True)
    (folder / "sys/kernel/notes").write_bytes(notes)


class Machine:
    """The programs on the folders of one state."""

    def __init__(self, args, proxy, kernel, root):
        self.args, self.root, self.running = args, root, []
        self.environment = {"PATH": os.environ["PATH"], "SUTURE_ROOT": str(root), "https_proxy": proxy.url}
        for name in ("proc", "sys", "etc"):
            (root / name).symlink_to(kernel / name)
        self.log = open(root / "log", "w+b")

    def program(self, folder, name):
        return f"{self.args.programs}/{folder}/{name}"

    def start(self, *argv, **more):
        process = subprocess.Popen(
            argv, env=self.environment | more, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        self.running.append(process)
        return process

    def start_agent(self):
        """Until it says that it is ready (sd_notify(3)), or ends."""
        path = str(self.root / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(path)
            process = self.start(self.program("agent", "sutured"), NOTIFY_SOCKET=path)
            ended = os.pidfd_open(process.pid)
            readable = select.select([ready, ended], [], [], STARTS_WITHIN)[0]
            os.close(ended)
        if ready not in readable:
            raise Wrong("sutured does not start")

    def start_fetch(self):
        self.start(self.program("fetch", "suture-fetch"), "--keep-user", "--connect-timeout", "10")

    def suture(self, *argv):
        return command(self.program("cli", "suture"), *argv, env=self.environment)

    def status(self):
        answer = self.suture("status", "--format", "json")
        try:
            return json.loads(answer.stdout)
        except ValueError as error:
            raise Wrong(f"no status: {answer.stdout}{answer.stderr}") from error

    def must(self, *argv):
        answer = self.suture(*argv)
        if answer.returncode != 0:
            raise Wrong(f"suture {argv[0]}: {answer.stderr.strip()}")

    def journal(self):
        return load(self.root / "var/lib/suture/journal.json") or {}

    def close(self):
        for process in self.running:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.log.close()

    def said(self):
        return (self.root / "log").read_text(errors="replace")


def judge_goes_on(machine):
    """It reaches the newest version, up to the kernel that is none."""
    machine.suture("refresh")
    journal = machine.journal()
    if NOT_THIS_KERNEL not in ((journal.get("error") or {}).get("message") or ""):
        raise Wrong(f"it does not go on: {journal.get('state')}, {journal.get('error')}")


def enable_anew(machine, args):
    machine.must("enable", "--trust", args.bundle, "--token-file", args.token)
    if not machine.status()["enabled"]:
        raise Wrong("enabled anew, and is not")


def judge_programs(machine, args, enabled, accepted):
    machine.start_agent()
    status = machine.status()
    if status["enabled"] != enabled or (enabled and status["machine_id"] != args.machine):
        raise Wrong(f"status says enabled: {status['enabled']}, {status['machine_id']}")
    machine.start_fetch()
    if not enabled:
        enable_anew(machine, args)
    judge_goes_on(machine)
    # What was accepted has come from the disk by itself, before all else.
    tried = [event for event in machine.journal()["history"] if NOT_THIS_KERNEL in (event["message"] or "")]
    if enabled and accepted and tried[0]["version"] != accepted["version"]:
        raise Wrong(f"{accepted['version']} was accepted, and {tried[0]['version']} is tried")
    if leftovers(machine.root / "var"):
        raise Wrong(f"left over: {leftovers(machine.root / 'var')}")


class Judge:
    """Judges states; one that is as an earlier one counts, and is not started again."""

    def __init__(self, args):
        self.args, self.world = args, World(args)
        self.work = Path(args.work)
        self.kernel = self.work / "kernel"
        self.work.mkdir(parents=True)
        make_kernel(self.kernel, json.loads(Path(args.record).read_bytes()))
        self.proxy = Proxy(args.server)
        self.seen = {}

    def judge(self, state):
        """What is wrong with a state; "" if nothing is."""
        try:
            folder = take_out(state.image, self.work)
            key = (digest(folder), state.expected)
            if key not in self.seen:
                self.seen[key] = self.look(folder, state.expected)
            return self.seen[key]
        except Wrong as wrong:
            return str(wrong)

    def look(self, folder, expected):
        root = self.work / "machine"
        shutil.rmtree(root, ignore_errors=True)
        state, cache = root / "var/lib/suture", root / "var/cache/suture"
        for name, place in (("suture", state), ("cache", cache)):
            place.parent.mkdir(parents=True, exist_ok=True)
            if (folder / name).is_dir():
                shutil.move(folder / name, place)
        machine = Machine(self.args, self.proxy, self.kernel, root)
        try:
            enabled = judge_folders(state, cache, self.world, expected)
            judge_programs(machine, self.args, enabled, machine.journal().get("accepted"))
        except Wrong as wrong:
            machine.close()
            return re.sub(r"\n+", "\n  ", f"{wrong}\n{machine.said()}".strip())
        machine.close()
        return ""


def main():
    parser = argparse.ArgumentParser()
    for name in ("log", "made", "work", "programs", "record", "signed", "machine", "modules", "bundle", "token"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--offset", type=int, required=True, help="bytes before the log")
    parser.add_argument("--server", type=int, required=True, help="port on loopback")
    parser.add_argument("--take", choices=("all", "sample"), default="sample")
    args = parser.parse_args()
    disk = Disk(args.made, read_log(args.log, args.offset), args.take == "all")
    judge, states, violations = Judge(args), 0, 0
    for state in disk.states():
        states += 1
        wrong = judge.judge(state)
        violations += wrong != ""
        if wrong and violations <= SHOWN_MAX:
            print(f"{state.name}: {wrong}")
    print(f"{disk.flushes} flushes, {states} states, {len(judge.seen)} of them different, {violations} violations")
    sys.exit(1 if violations or not states else 0)


if __name__ == "__main__":
    main()
