# SPDX-License-Identifier: GPL-2.0-or-later
"""A livepatch in a guest: its targets loaded, the patch applied, every function looked for among those
that ftrace has taken over, the patch taken back, and the kernel log read."""
import re
import subprocess
import time

# What every livepatch that is not signed and not in the kernel's tree brings: O, E, K.
TAINTS_EXPECTED = 1 << 12 | 1 << 13 | 1 << 15
# Warnings that say so.
LOG_EXPECTED = re.compile(r"tainting kernel with TAINT_LIVEPATCH|loading out-of-tree module taints kernel"
                          r"|module verification failed: signature")
# The kernel lets go of the module a moment after the livepatch's folder is gone.
SCRIPT = r"""
fail() { echo "@fail $1"; dmesg -r; exit 1; }
until_() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -lt 3000 ] || fail "$2"; usleep 20000; done; }
dmesg -c >/dev/null
name=$1
echo "@taints $(cat /proc/sys/kernel/tainted)"
said=$(insmod /lab/fix.ko 2>&1) || fail "load: $said"
cd /sys/kernel/livepatch/$name || fail "load: is no livepatch"
until_ '[ "$(cat transition)" = 0 ]' "transition: not done after 60 s"
[ "$(cat enabled)" = 1 ] || fail "enable: the kernel turned the patch off"
echo "@functions"; cat /sys/kernel/tracing/enabled_functions; echo "@end"
echo 0 >enabled || fail "disable: refused"
cd /
until_ '[ ! -d /sys/kernel/livepatch/$name ]' "disable: not done after 60 s"
until_ 'rmmod $name 2>/dev/null' "unload: the module stays"
echo "@taints $(cat /proc/sys/kernel/tainted)"
echo "@log"; dmesg -r
"""


class Failure(Exception):
    """What is wrong with the patch, in a line."""


class Guest:
    """One that is started when it is needed, and anew after a failure."""

    def __init__(self, name, release, memory_mb=1536):
        self.name, self.release, self.memory_mb, self.running = name, release, memory_mb, False

    def lab(self, *arguments, timeout=300):
        try:
            done = subprocess.run(["suture-lab", *arguments], capture_output=True, text=True, timeout=timeout,
                                  errors="replace")
            return done.returncode, done.stdout, done.stderr.strip()
        except subprocess.TimeoutExpired:
            return 124, "", "suture-lab: no answer"

    def start(self):
        if not self.running:
            code, _, said = self.lab("start", "--name", self.name, "--kernel", self.release,
                                     "--memory", str(self.memory_mb), "--boot-timeout", "280")
            if code != 0:
                raise RuntimeError(f"the guest does not start: {said}")
            self.running = True

    def stop(self):
        if self.running:
            self.lab("stop", self.name)
        self.running = False

    def load_targets(self, modules):
        """"" or why one cannot be loaded here: its hardware is not there, and the like."""
        for module in modules:
            self.start()
            code, _, said = self.lab("load", "--timeout", "120", self.name, module)
            if code != 0:
                # A module that hung or brought the kernel down leaves no guest to go on with.
                if self.lab("exec", "--timeout", "20", self.name, "--", "true")[0] != 0:
                    self.stop()
                return re.sub(r"^suture-lab: |sh: insmod: can't insert '[^']*': ", "", said)
        return ""

    def try_livepatch(self, path, name, functions):
        """Raises Failure. `functions`: (object, function) that must be replaced. Seconds that it took."""
        start = time.monotonic()
        try:
            self.start()
            code, _, said = self.lab("put", self.name, path, "/lab/fix.ko")
            if code != 0:
                raise Failure(f"put: {said}")
            code, out, said = self.lab("exec", "--timeout", "250", self.name, "--", "sh", "-c", SCRIPT, "sh", name)
            judge(code, out, said, functions)
        except Failure:
            self.stop()
            raise
        return time.monotonic() - start


def judge(code, out, said, functions):
    """Reads what SCRIPT printed; raises Failure."""
    failed = re.search(r"^@fail (.*)$", out, re.M)
    if failed:
        log = "; ".join(re.sub(r"^<\d+>\[[^]]*\] *", "", line) for line in out[failed.end():].splitlines()[-3:])
        raise Failure(failed[1].replace("insmod: can't insert '/lab/fix.ko': ", "") + f" ({log})")
    if code != 0 or "@log" not in out:
        raise Failure(f"the guest failed: {said[-300:]}")
    check_functions(out.split("@functions\n")[1].split("@end")[0], functions)
    before, after = (int(t) for t in re.findall(r"^@taints (\d+)$", out, re.M))
    if after & ~before & ~TAINTS_EXPECTED:
        raise Failure(f"log: new taints {after & ~before & ~TAINTS_EXPECTED}")
    for line in out.split("@log\n")[1].splitlines():
        level = re.match(r"<(\d+)>", line)
        if level and int(level[1]) & 7 <= 4 and not LOG_EXPECTED.search(line):
            raise Failure("log: " + re.sub(r"^<\d+>\[[^]]*\] *", "", line))


def check_functions(listing, functions):
    """Each line of enabled_functions: "NAME [MODULE] (1) R I … (klp_ftrace_handler+…)"."""
    patched = set()
    for line in listing.splitlines():
        m = re.match(r"(\S+)(?: \[(\w+)\])? \(\d+\)", line)
        if m and "klp_ftrace_handler" in line:
            patched.add((m[2] or "vmlinux", m[1]))
    missing = [f"{name} ({where})" for where, name in functions if (where, name) not in patched]
    if missing:
        raise Failure("enabled_functions lacks " + ", ".join(missing))
