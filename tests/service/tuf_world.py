# SPDX-License-Identifier: GPL-2.0-or-later
"""A TUF repository in memory, a web server on loopback that can lie about it, and a client's folder.

Made from the specification (1.0.34, section 4) with the standard library, so that nothing of src/tuf
vouches for itself here. Every file that was ever signed is remembered in Repo.signed.
"""
import copy
import hashlib
import http.server
import json
import os
import select
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

import ed25519

DAY = 86400
TOP_LEVEL = ("root", "timestamp", "snapshot", "targets")


def canonical(value):
    """OLPC canonical JSON; no string here needs an escape but a newline, which stays bare."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.replace("\\n", "\n").encode()


def date(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, capture_output=True, check=True).stdout


class Key:
    def __init__(self):
        self.private = ed25519.PrivateKey()
        self.public = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": self.private.public.hex()}}
        self.id = sha256(canonical(self.public))

    def sign(self, data):
        return self.private.sign(data).hex()


class OpensslKey:
    """A key that the program openssl makes and signs with: kind "ecdsa" (P-256) or "rsa" (PSS)."""
    KINDS = {"ecdsa": ("ecdsa-sha2-nistp256", ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], []),
             "rsa": ("rsassa-pss-sha256", ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                     ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"])}

    def __init__(self, kind):
        scheme, how, self.options = self.KINDS[kind]
        self.private = openssl("genpkey", "-algorithm", *how)
        public = openssl("pkey", "-pubout", data=self.private).decode()
        self.public = {"keytype": kind, "scheme": scheme, "keyval": {"public": public}}
        self.id = sha256(canonical(self.public))

    def sign(self, data):
        with tempfile.NamedTemporaryFile() as key:
            key.write(self.private)
            key.flush()
            return openssl("dgst", "-sha256", "-sign", key.name, *self.options, data=data).hex()


class Repo:
    """bodies[role] is what is signed next; files[path] what the server has."""

    def __init__(self, consistent=True):
        self.hashes = True  # in snapshot and timestamp
        self.files, self.signed = {}, set()
        self.keys = {role: [Key()] for role in TOP_LEVEL}
        self.bodies = {role: self.head(role) for role in TOP_LEVEL}
        self.bodies["root"].update(consistent_snapshot=consistent, keys={}, roles={})
        self.bodies["timestamp"]["meta"] = {}
        self.bodies["snapshot"]["meta"] = {}
        self.bodies["targets"]["targets"] = {}
        for role in TOP_LEVEL:
            self.trust(role, self.keys[role])
        self.publish("root", "targets", "snapshot", "timestamp", bump=False)

    @staticmethod
    def head(role):
        kind = role if role in TOP_LEVEL else "targets"
        return {"_type": kind, "spec_version": "1.0.34", "version": 1, "expires": date(time.time() + 7 * DAY)}

    @property
    def consistent(self):
        return self.bodies["root"]["consistent_snapshot"]

    def trust(self, role, keys, threshold=1):
        """Sets a top-level role's keys in the next root."""
        self.keys[role] = keys
        root = self.bodies["root"]
        root["roles"][role] = {"keyids": [key.id for key in keys], "threshold": threshold}
        root["keys"].update({key.id: key.public for key in keys})

    def delegate(self, name, paths, keys=None, by="targets", threshold=1, terminating=False, **more):
        """Adds or replaces a delegation, and makes the role's metadata unless it is there."""
        keys = keys or self.keys.get(name) or [Key()]
        delegations = self.bodies[by].setdefault("delegations", {"keys": {}, "roles": []})
        role = {"name": name, "keyids": [key.id for key in keys], "threshold": threshold, "terminating": terminating,
                **({"paths": paths} if paths is not None else {}), **more}
        delegations["roles"] = [r for r in delegations["roles"] if r["name"] != name] + [role]
        delegations["keys"].update({key.id: key.public for key in keys})
        if name not in self.bodies:
            self.keys[name] = keys
            self.bodies[name] = {**self.head(name), "targets": {}}

    def add(self, role, path, data):
        self.bodies[role]["targets"][path] = {"length": len(data), "hashes": {"sha256": sha256(data)}}
        self.files[self.target_url(path, data)] = data

    def target_url(self, path, data):
        folder, slash, name = path.rpartition("/")
        return f"/targets/{folder}{slash}" + (f"{sha256(data)}.{name}" if self.consistent else name)

    def metadata_url(self, role, version):
        name = urllib.parse.quote(role, safe="")
        versioned = role == "root" or (role != "timestamp" and self.consistent)
        return f"/metadata/{f'{version}.' if versioned else ''}{name}.json"

    def sign(self, role, keys=None):
        body = self.bodies[role]
        data = canonical(body)
        signatures = [{"keyid": key.id, "sig": key.sign(data)} for key in keys or self.keys[role]]
        return json.dumps({"signatures": signatures, "signed": body}).encode()

    def put(self, role, data):
        """Serves bytes as the role's present version."""
        self.files[self.metadata_url(role, self.bodies[role]["version"])] = data

    def publish(self, *roles, bump=True, keys=None):
        """Signs each role in the given order, and says in snapshot and timestamp what was signed."""
        for role in roles:
            body = self.bodies[role]
            if bump:
                body["version"] += 1
            data = self.sign(role, keys)
            self.put(role, data)
            self.signed.add(data)
            meta = {"version": body["version"]}
            if self.hashes:
                meta.update(length=len(data), hashes={"sha256": sha256(data)})
            if role == "snapshot":
                self.bodies["timestamp"]["meta"]["snapshot.json"] = meta
            elif role not in ("root", "timestamp"):
                self.bodies["snapshot"]["meta"][f"{role}.json"] = meta

    def publish_all(self, *more):
        self.publish(*more, "targets", "snapshot", "timestamp")

    def save(self):
        return copy.deepcopy((self.files, self.bodies)), dict(self.keys)

    def restore(self, saved):
        (self.files, self.bodies), self.keys = copy.deepcopy(saved[0]), dict(saved[1])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.path)
        lie = server.lies.get(self.path) or server.lies.get("*")
        if lie:
            lie(self)
        elif self.path in server.repo.files:
            self.reply(server.repo.files[self.path])
        else:
            self.send_error(404)

    def reply(self, data, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


# What a server can do to a request.

def gives(data, status=200):
    return lambda handler: handler.reply(data, status)


def endless(handler):
    """More and more, until the client goes away."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        handler.close_connection = True


def slow(handler):
    """A byte, and then nothing until the client goes away."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.wfile.flush()
    try:
        handler.connection.recv(1)
    except OSError:
        pass
    handler.close_connection = True


def trickle(data):
    """So many bytes ten times a second, without end, until the client goes away."""
    def lie(handler):
        try:
            while not select.select([handler.connection], [], [], 0.1)[0]:
                handler.wfile.write(data)
                handler.wfile.flush()
        except OSError:
            pass
        handler.close_connection = True
    return lie


def slow_body(handler):
    handler.send_response(200)
    handler.end_headers()
    trickle(b" ")(handler)


def slow_headers(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-More: ")
    trickle(b"x")(handler)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, repo):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repo, self.lies, self.requests = repo, {}, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Client:
    """The program and its folders; run() leaves status and text of its errors behind."""

    def __init__(self, program, server):
        self.program, self.server = program, server
        self.top = tempfile.mkdtemp(prefix="suture-tuf-")
        self.metadata, self.targets = f"{self.top}/metadata", f"{self.top}/targets"
        self.text = ""

    def close(self):
        shutil.rmtree(self.top)

    def command(self, *args, before=()):
        return [*before, self.program, "--metadata-dir", self.metadata, *args]

    def run(self, *args, before=()):
        done = subprocess.run(self.command(*args, before=before), capture_output=True, text=True, timeout=120)
        self.text = done.stderr
        return done.returncode

    def init(self, root=None):
        path = f"{self.top}/first-root.json"
        with open(path, "wb") as f:
            f.write(root or self.server.repo.files["/metadata/1.root.json"])
        return self.run("init", path)

    def refresh(self, *more, before=(), server=None):
        return self.run("--metadata-url", (server or self.server).url + "/metadata", *more, "refresh", before=before)

    def download(self, *names, more=(), before=()):
        url = self.server.url
        targets = [arg for name in names for arg in ("--target-name", name)]
        return self.run("--metadata-url", f"{url}/metadata/", *targets, "--target-base-url", f"{url}/targets/",
                        "--target-dir", self.targets, *more, "download", before=before)

    def trusted(self):
        """File name → bytes of all that is trusted."""
        return {name: open(f"{self.metadata}/{name}", "rb").read() for name in sorted(os.listdir(self.metadata))}

    def version(self, role):
        try:
            with open(f"{self.metadata}/{role}.json", "rb") as f:
                return json.load(f)["signed"]["version"]
        except FileNotFoundError:
            return None

    def artifact(self, name):
        try:
            with open(f"{self.targets}/{urllib.parse.quote(name, safe='')}", "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None
