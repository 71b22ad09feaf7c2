#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-fetch-user.py PROGRAM: what suture-fetch is once it runs: whose process, with which rights.

Runs it with a /etc/passwd of its own (in a mount namespace), which has or lacks the user suture-fetch.
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

PROGRAM = sys.argv[1]
UID = 64321
count = 0


def case(passed, name, why=""):
    global count
    count += 1
    print(f"{'ok' if passed else 'not ok'} {count} - {name}")
    if not passed:
        print(f"# {why}")


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def write_passwd(folder, with_user):
    path = os.path.join(folder, "passwd")
    lines = [l for l in open("/etc/passwd") if not l.startswith("suture-fetch:")]
    if with_user:
        lines.append(f"suture-fetch:x:{UID}:{UID}::/nonexistent:/usr/sbin/nologin\n")
    with open(path, "w") as f:
        f.writelines(lines)
    os.chmod(path, 0o644)
    return path


def command(passwd, *more):
    return ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" /etc/passwd && shift && exec "$@"', "sh", passwd,
            PROGRAM, *more]


def status_of(pid):
    lines = (line.split(":", 1) for line in open(f"/proc/{pid}/status"))
    return {name: value.split() for name, value in lines}


def limits_of(pid):
    return {line[:26].strip(): line[26:].split()[1] for line in open(f"/proc/{pid}/limits")}


def as_user(folder, environment):
    path = os.path.join(folder, "run/suture/fetch.sock")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.settimeout(20)
    listener.bind(path)
    os.chown(path, 0, UID)
    os.chmod(path, 0o660)
    listener.listen()
    child = subprocess.Popen(command(write_passwd(folder, True)), env=environment)
    try:
        conn, _ = listener.accept()
        pid, uid, gid = struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        conn.send(b'{"id":1,"op":"forget"}')
        conn.settimeout(20)
        said = conn.recv(65536)
        status, limits = status_of(pid), limits_of(pid)
        cache = os.stat(os.path.join(folder, "var/cache/suture/fetch"))
        case(said.startswith(b'{"id":1,"ok":true'), "it serves a sutured of root", said)
        case((uid, gid) == (UID, UID) and set(status["Uid"] + status["Gid"]) == {str(UID)} and not status["Groups"],
             "it is the user suture-fetch and in no other group", status)
        case(all(int(status[c][0], 16) == 0 for c in ("CapPrm", "CapEff", "CapInh", "CapAmb")),
             "it has no capabilities", status)
        case(status["NoNewPrivs"] == ["1"], "it cannot gain privileges", status)
        case(limits["Max core file size"] == "0" and limits["Max open files"] == "64", "it has limits", limits)
        case((cache.st_uid, cache.st_mode & 0o7777) == (UID, 0o700), "its cache is its own", cache)
        conn.close()
    finally:
        child.terminate()
        case(child.wait(20) in (-15, 143), "it ends with SIGTERM", child.returncode)
        listener.close()


def main():
    if os.geteuid() != 0:
        # It takes root to see it given up.
        os.execvp("sudo", ["sudo", "-n", sys.executable, *sys.argv])
    folder = tempfile.mkdtemp(prefix="suture-fetch-user-")
    os.chmod(folder, 0o755)
    try:
        os.makedirs(os.path.join(folder, "run/suture"))
        passwd = write_passwd(folder, False)
        if subprocess.run(["unshare", "--mount", "mount", "--bind", passwd, "/etc/passwd"],
                          capture_output=True).returncode != 0:
            skip("mounts are not allowed here")
        environment = {**os.environ, "SUTURE_ROOT": folder}
        done = subprocess.run(command(passwd), env=environment, capture_output=True, text=True, timeout=20)
        case(done.returncode == 1 and "no user suture-fetch" in done.stderr and "hint: " in done.stderr,
             "as root without its user it refuses to run", done)
        case(not os.path.exists(os.path.join(folder, "var")), "and has made nothing")
        as_user(folder, environment)
        print(f"1..{count}")
    finally:
        shutil.rmtree(folder)


main()
