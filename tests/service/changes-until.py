#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""changes-until.py FOLDER COMMAND...: runs the command, and again whenever a name is made or replaced in
the folder, until it succeeds; exit status 1 after 20 s. Waits with inotify(7), so nothing is polled."""
import ctypes
import os
import select
import subprocess
import sys
import time

IN_CLOSE_WRITE, IN_MOVED_TO, IN_CREATE = 0x8, 0x80, 0x100
SECONDS = 20

libc = ctypes.CDLL(None, use_errno=True)
folder, command = sys.argv[1], sys.argv[2:]
watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
if watch < 0 or libc.inotify_add_watch(watch, folder.encode(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0:
    sys.exit(f"{folder}: {os.strerror(ctypes.get_errno())}")
end = time.monotonic() + SECONDS
while True:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode == 0:
        sys.exit(0)
    if not select.select([watch], [], [], max(0, end - time.monotonic()))[0]:
        sys.exit(f"not so within {SECONDS} s: {' '.join(command)}\n{(done.stdout + done.stderr).decode()}")
    os.read(watch, 65536)
