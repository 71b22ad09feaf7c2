#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile-fetcher.py SOCKET REPOSITORY ATTACK [GRANT]: somebody who has taken the fetcher over.

Connects to sutured's fetch socket, again whenever it is thrown out, and answers. Requests are served as
the right fetcher and a server would (files of the repository, check-ins that grant GRANT or nothing), but for
those that the attack is about: ATTACK is NAME[:ARGUMENT][@PART OF A PATH], by default any request.
Prints a line when it has connected, and one for each request; ends when it is killed.
"""
import array
import fcntl
import json
import os
import socket
import struct
import sys
import tempfile
import threading
import time

SOCKET, REPOSITORY, ATTACK = sys.argv[1:4]
GRANT = sys.argv[4] if len(sys.argv) > 4 else None
ATTACK, _, PART = ATTACK.partition("@")
NAME, _, ARGUMENT = ATTACK.partition(":")
F_ADD_SEALS = 1033
SEAL, SHRINK, GROW, WRITE, FUTURE_WRITE = 1, 2, 4, 8, 16
ALL_SEALS = SEAL | SHRINK | GROW | WRITE
held = []  # other ends of sockets: nobody reads them, and they stay open


def memory_file(data=b"", seals=ALL_SEALS, size=None):
    fd = os.memfd_create("body", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    done = 0
    while done < len(data):
        done += os.write(fd, data[done:])
    if size is not None:
        os.ftruncate(fd, size)
    fcntl.fcntl(fd, F_ADD_SEALS, seals)
    return fd


def send(conn, packet, fds=()):
    """One packet with descriptors beside it, which are closed here."""
    if isinstance(packet, dict):
        packet = json.dumps(packet).encode()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        conn.sendmsg([packet], rights)
    finally:
        for fd in fds:
            os.close(fd)


def good(request, **changes):
    return {"id": request["id"], "ok": True, "status": 200, **changes}


def bad(request, code, message, **changes):
    return {"id": request["id"], "ok": False, "status": 0, "code": code, "message": message, **changes}


def lingering_socket():
    """Closing the last reference waits ten minutes for the other end to take what was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client = socket.create_connection(listener.getsockname())
    other, _ = listener.accept()
    held.extend((listener, other))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))
    client.setblocking(False)
    try:
        while True:
            client.send(b"x" * 65536)
    except BlockingIOError:
        return client.detach()


def nested_socket():
    """A lingering socket in the queue of another one."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    send(near, b"x", [lingering_socket()])
    near.close()
    return far.detach()


# --- what a right fetcher would answer

def check_in(request, **changes):
    answer = {"sequence": request["body"]["sequence"], "grant": None, "reason": "up-to-date", "interval": 3600,
              "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return json.dumps({**answer, **changes}).encode()


def grant(request, version, kernel=None):
    return check_in(request, reason="granted", grant={"version": version, "rollout": "r",
                                                      "kernel": kernel or request["body"]["kernel"]})


def file_of(path, repository=REPOSITORY):
    path = repository + path.removeprefix("/repository")
    return open(path, "rb").read() if os.path.isfile(path) else None


def content(request):
    if request["op"] == "post":
        return grant(request, GRANT) if GRANT else check_in(request)
    return file_of(request["path"])


def serve(conn, request, data=None):
    data = content(request) if data is None else data
    if request["op"] == "forget":
        send(conn, good(request))
    elif data is None:
        send(conn, bad(request, "not-found", "it is not there"))
    else:
        send(conn, good(request), [memory_file(data)])


# --- attacks

def other_files(folder):
    def attack(conn, request):
        data = file_of(request["path"], folder) if request["op"] == "get" else check_in(request)
        if data is None:
            send(conn, bad(request, "not-found", "it is not there"))
        else:
            serve(conn, request, data)
    return attack


def other_role(conn, request):
    """Another role's file under the name that was asked for."""
    names = sorted(os.listdir(REPOSITORY + "/metadata"))
    name = [n for n in names if n.endswith("." + ARGUMENT + ".json")][-1]
    serve(conn, request, file_of("/repository/metadata/" + name))


def fill(pattern):
    def attack(conn, request):
        pieces = (request["max"] - 10) // len(pattern)
        serve(conn, request, b"[" + pattern * pieces + b"[]]")
    return attack


def flipped(conn, request):
    data = bytearray(content(request))
    data[len(data) // 2] ^= 1
    serve(conn, request, bytes(data))


def sends(make):
    """A packet of its own, without a file."""
    return lambda conn, request: send(conn, make(request))


def hands_over(make, count=1):
    """A good answer beside a descriptor that is none of the good ones."""
    return lambda conn, request: send(conn, good(request), [make(request) for _ in range(count)])


def says(make):
    """Bytes of its own in a good answer."""
    return lambda conn, request: serve(conn, request, make(request))


def plain_file(_):
    fd, path = tempfile.mkstemp()
    os.unlink(path)
    os.write(fd, b"x" * 100)
    return fd


def pipe_end(_):
    near, far = os.pipe()
    held.append(far)
    return near


def silence(_conn, _request):
    pass


ATTACKS = {
    # packets
    "half": sends(lambda r: json.dumps(good(r)).encode()[:15]),
    "text": sends(lambda r: b"\xff\xfe not JSON"),
    "list": sends(lambda r: b"[]"),
    "deep": sends(lambda r: b"[" * 60000),
    "long": sends(lambda r: json.dumps(good(r, more="x" * 150000)).encode()),
    "empty": sends(lambda r: b""),
    "id-text": sends(lambda r: good(r, id=str(r["id"]))),
    "id-later": sends(lambda r: good(r, id=r["id"] + 1)),
    "id-earlier": sends(lambda r: good(r, id=r["id"] - 1)),
    "ok-text": sends(lambda r: good(r, ok="true")),
    "status": sends(lambda r: good(r, status=1000)),
    "twice": sends(lambda r: b'{"id":%d,"id":%d,"ok":true}' % (r["id"], r["id"])),
    "code": sends(lambda r: bad(r, "quarantined", "no such code here")),
    "cancelled": sends(lambda r: bad(r, "errno-125", "pretends that sutured is stopping")),
    "words": sends(lambda r: bad(r, "protocol", "\x1b[2J\x1b[Hall is well\nnext line", hint="run my program")),
    "no-file": sends(good),
    "file-with-failure": lambda c, r: send(c, bad(r, "protocol", "x"), [memory_file(b"x")]),
    # descriptors
    "two-files": hands_over(lambda r: memory_file(b"{}"), 2),
    "many-files": hands_over(lambda r: memory_file(b"{}"), 253),
    "unsealed": hands_over(lambda r: memory_file(b"{}", 0)),
    "writable": hands_over(lambda r: memory_file(b"{}", SEAL | SHRINK | GROW)),
    "future-write": hands_over(lambda r: memory_file(b"{}", SEAL | SHRINK | GROW | FUTURE_WRITE)),
    "growing": hands_over(lambda r: memory_file(b"{}", SEAL | SHRINK | WRITE)),
    "enormous": hands_over(lambda r: memory_file(size=1 << 40)),
    "one-more": hands_over(lambda r: memory_file(size=r["max"] + 1)),
    "plain-file": hands_over(plain_file),
    "device": hands_over(lambda r: os.open("/dev/zero", os.O_RDONLY)),
    "folder": hands_over(lambda r: os.open("/", os.O_RDONLY)),
    "pipe": hands_over(pipe_end),
    "lingering": hands_over(lambda r: lingering_socket()),
    "lingering-many": hands_over(lambda r: lingering_socket(), 20),
    "lingering-nested": hands_over(lambda r: nested_socket()),
    # bytes
    "random": says(lambda r: os.urandom(min(r["max"], 100000))),
    "nothing": says(lambda r: b""),
    "spaces": says(lambda r: b" " * r["max"]),
    "lists": fill(b"[],"),
    "objects": fill(b'{"a":{}},'),
    "flipped": flipped,
    "cut": says(lambda r: content(r)[:-1]),
    "longer": says(lambda r: content(r) + b" "),
    "not-found": sends(lambda r: bad(r, "not-found", "it is not there")),
    "denied": sends(lambda r: bad(r, "denied", "no")),
    "no-memory": sends(lambda r: bad(r, "no-memory", "none left")),
    "disk-full": sends(lambda r: bad(r, "errno-28", "none left")),
    "status-500": lambda c, r: send(c, good(r, status=500), [memory_file(b"x")]),
    "files-of": other_files(ARGUMENT),
    "role": other_role,
    # check-ins
    "grant": says(lambda r: grant(r, ARGUMENT)),
    "grant-kernel": says(lambda r: grant(r, ARGUMENT, "6.1.0-1-other")),
    "earlier-answer": says(lambda r: check_in(r, sequence=r["body"]["sequence"] - 1)),
    "no-sequence": says(lambda r: check_in(r, sequence=None)),
    "interval": says(lambda r: check_in(r, interval=int(ARGUMENT))),
    "tier": says(lambda r: check_in(r, tier=ARGUMENT, machine_id="11111111-2222-4333-8444-555555555555")),
    "time": says(lambda r: check_in(r, time=ARGUMENT)),
    # behaviour
    "silence": silence,
    "lingering-unasked": serve,
    "flood": serve,
    "storm": None,
}


def connect():
    conn = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    conn.connect(SOCKET)
    return conn


def leave_behind(conn):
    """What nobody asked for lies in the queue before the first question, and goes with the connection."""
    try:
        for _ in range(3):
            send(conn, b"unasked", [lingering_socket(), nested_socket()])
    except OSError:
        pass


def flood(conn):
    """A message each millisecond, as long as the connection lasts."""
    try:
        while True:
            send(conn, b'{"id":1,"ok":true,"status":200}', [memory_file(b"{}")])
            time.sleep(0.001)
    except OSError:
        pass


def storm():
    while True:
        try:
            conn = connect()
            send(conn, b"x", [memory_file(b"x")])
            conn.close()
        except OSError:
            pass


def converse(conn):
    while packet := conn.recv(1 << 17):
        request = json.loads(packet)
        print(f"asked {request['op']} {request.get('path', '')}", flush=True)
        if PART in request.get("path", ""):
            ATTACKS[NAME](conn, request)
        else:
            serve(conn, request)


def main():
    if NAME not in ATTACKS:
        sys.exit(f"{NAME}: no such attack")
    if NAME == "storm":
        for _ in range(2):
            threading.Thread(target=storm, daemon=True).start()
        storm()
    while True:
        try:
            conn = connect()
        except OSError as e:
            print(f"connect: {e}", file=sys.stderr)
            time.sleep(0.05)
            continue
        if NAME == "lingering-unasked":
            leave_behind(conn)
        print("connected", flush=True)
        if NAME == "flood":
            threading.Thread(target=flood, args=(conn,), daemon=True).start()
        try:
            converse(conn)
        except (OSError, ValueError) as e:
            print(f"{NAME}: {e}", file=sys.stderr)
        conn.close()


main()
