#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test-tuf.py PROGRAM: the TUF client (tests/tuf/tuf-client) against repositories and servers that lie.

One case for each attack that the specification names (1.0.34, section 1.5.2): it is refused, the
reason is named, nothing that was not verified is trusted, and when the repository is right again the
client goes on by itself.
"""
import json
import os
import sys
import time

from tuf_world import (DAY, TOP_LEVEL, Client, Key, OpensslKey, Repo, Server, date, endless, gives, sha256, slow, slow_body,
                       slow_headers)

PROGRAM = sys.argv[1]
GOOD = b"the module that was meant"
NEWER = b"the module of the next version"
QUICK = ("--stall-seconds", "1", "--min-rate", "1000")
count = 0


def case(name):
    """Runs a function with a repository, its server and a client that has refreshed once."""
    def decorate(function):
        repo = Repo()
        repo.delegate("stable", ["stable/*/*"])
        repo.add("stable", "stable/k1/m.ko", GOOD)
        repo.publish_all("stable")
        server = Server(repo)
        client = Client(PROGRAM, server)
        report(name, lambda: [expect(client, client.init() == 0), good(client), function(repo, server, client)])
        server.shutdown()
        client.close()
        return function
    return decorate


def report(name, work):
    global count
    count += 1
    try:
        work()
        print(f"ok {count} - {name}", flush=True)
    except AssertionError as e:
        place = e.__traceback__
        while place.tb_next and "test-tuf" in place.tb_next.tb_frame.f_code.co_filename:
            place = place.tb_next
        print(f"not ok {count} - {name}\n# line {place.tb_lineno}: {e}", flush=True)


def expect(client, condition, what=""):
    assert condition, f"{what} {client.text.strip()}"


def refused(client, status, reason):
    expect(client, status == 1 and client.text.startswith(f"tuf-client: {reason}: "), f"expected {reason}, status {status}:")
    unverified = [name for name, data in client.trusted().items() if data not in client.server.repo.signed]
    expect(client, not unverified, f"trusted without having been signed: {unverified}")


def good(client, name="stable/k1/m.ko", data=GOOD):
    expect(client, client.download(name) == 0, "a good repository:")
    expect(client, client.artifact(name) == data, "the artifact is another one")


def next_version(repo):
    repo.add("stable", "stable/k1/m.ko", NEWER)
    repo.publish_all("stable")


# ---- The attacks


@case("arbitrary software: metadata of unknown keys, targets of other bytes")
def _(repo, server, client):
    stranger = Key()
    for role in ("timestamp", "snapshot", "targets", "stable"):
        before = repo.save()
        repo.bodies["stable"]["targets"]["stable/k1/evil.ko"] = {"length": 4, "hashes": {"sha256": sha256(b"evil")}}
        own, repo.keys[role] = repo.keys[role], [stranger]
        signed = set(repo.signed)
        next_version(repo)
        repo.signed = {data for data in repo.signed if data in signed or stranger.id not in data.decode()}
        refused(client, client.download("stable/k1/evil.ko"), "signature")
        expect(client, client.artifact("stable/k1/evil.ko") is None)
        repo.keys[role] = own
        repo.restore(before)
        for body in repo.bodies.values():
            body["version"] += 10
        repo.bodies["root"]["version"] -= 10
        repo.publish_all("stable")
        good(client)
    next_version(repo)
    server.lies[repo.target_url("stable/k1/m.ko", NEWER)] = gives(b"X" * len(NEWER))
    refused(client, client.download("stable/k1/m.ko"), "hash")
    expect(client, client.artifact("stable/k1/m.ko") == GOOD, "the old artifact was touched")
    server.lies.clear()
    good(client, data=NEWER)


@case("rollback: an older timestamp, an older snapshot, older targets")
def _(repo, server, client):
    old = dict(repo.files)
    next_version(repo)
    good(client, data=NEWER)
    server.lies["/metadata/timestamp.json"] = gives(old["/metadata/timestamp.json"])
    refused(client, client.refresh(), "rollback")
    server.lies.clear()
    good(client, data=NEWER)

    # With the keys of timestamp and snapshot in the attacker's hands.
    for lowered in ("snapshot", "stable", "targets"):
        before = repo.save()
        repo.bodies[lowered]["version"] = 1
        roles = ("snapshot", "timestamp") if lowered == "snapshot" else (lowered, "snapshot", "timestamp")
        repo.publish(lowered, bump=False)
        if lowered != "snapshot":
            repo.publish("snapshot")
        repo.publish("timestamp")
        refused(client, client.refresh(), "rollback")
        expect(client, "lower than the trusted" in client.text)
        repo.restore(before)
        repo.bodies["snapshot"]["version"] += len(roles)
        repo.bodies["timestamp"]["version"] += 1
        repo.publish("snapshot", "timestamp")
        good(client, data=NEWER)

    # A role that is no longer listed could come back as an old one.
    before = repo.save()
    del repo.bodies["snapshot"]["meta"]["stable.json"]
    repo.publish("snapshot", "timestamp")
    refused(client, client.refresh(), "rollback")
    expect(client, "no longer listed" in client.text)
    repo.restore(before)
    repo.bodies["snapshot"]["version"] += 1
    repo.bodies["timestamp"]["version"] += 1
    repo.publish("snapshot", "timestamp")
    good(client, data=NEWER)


@case("fast-forward: versions near the end, and recovery by new keys")
def _(repo, server, client):
    for rotated in (("timestamp",), ("snapshot",), ("timestamp", "snapshot")):
        before = repo.save()
        repo.bodies["timestamp"]["version"] = 2**40
        if "snapshot" in rotated:
            repo.bodies["snapshot"]["version"] = 2**40
            repo.bodies["targets"]["version"] = 2**40
        repo.publish_all()
        good(client)
        root = repo.bodies["root"]
        repo.restore(before)
        repo.bodies["root"] = root
        repo.publish("snapshot", "timestamp")
        refused(client, client.refresh(), "rollback")
        for role in rotated:
            repo.trust(role, [Key()])
        repo.publish("root", "snapshot", "timestamp")
        good(client)
        expect(client, client.version("timestamp") == repo.bodies["timestamp"]["version"])
        expect(client, client.version("snapshot") == repo.bodies["snapshot"]["version"])


@case("indefinite freeze: the same files after their date")
def _(repo, server, client):
    later = ("faketime", "-f", "+8d")
    refused(client, client.refresh(before=later), "expired")
    expect(client, "root.json" in client.text)
    in_time = date(time.time() + 30 * DAY)
    order = ("root", "timestamp", "snapshot", "targets", "stable")
    for fresh, stuck in zip(order, order[1:] + (None,)):
        repo.bodies[fresh]["expires"] = in_time
        if fresh == "root":
            repo.publish("root")
        else:
            repo.publish(*{"stable": ["stable"], "targets": ["targets"]}.get(fresh, []), "snapshot", "timestamp")
        status = client.download("stable/k1/m.ko", before=later)
        if stuck:
            refused(client, status, "expired")
            expect(client, f"{stuck}.json" in client.text, f"not {stuck}.json:")
        else:
            expect(client, status == 0)


@case("endless data: in every kind of metadata and in a target")
def _(repo, server, client):
    next_version(repo)
    repo.publish("root")
    paths = [repo.metadata_url(role, repo.bodies[role]["version"]) for role in (*TOP_LEVEL, "stable")]
    for path in (*paths, repo.target_url("stable/k1/m.ko", NEWER)):
        server.lies = {path: endless}
        refused(client, client.download("stable/k1/m.ko"), "too-large")
    server.lies = {}
    good(client, data=NEWER)


@case("slow retrieval: in every kind of metadata and in a target")
def _(repo, server, client):
    next_version(repo)
    repo.publish("root")
    paths = [repo.metadata_url(role, repo.bodies[role]["version"]) for role in (*TOP_LEVEL, "stable")]
    for path in (*paths, repo.target_url("stable/k1/m.ko", NEWER)):
        server.lies = {path: slow}
        refused(client, client.download("stable/k1/m.ko", more=QUICK), "timeout")
    for lie in (slow_body, slow_headers):
        for path in (paths[1], repo.target_url("stable/k1/m.ko", NEWER)):
            server.lies = {path: lie}
            refused(client, client.download("stable/k1/m.ko", more=QUICK), "timeout")
    server.lies = {}
    good(client, data=NEWER)


@case("extraneous dependencies: a role lists what was not delegated to it")
def _(repo, server, client):
    repo.add("stable", "edge/k1/dependency.ko", b"brought along")
    repo.add("stable", "stable/k1/deep/er.ko", b"brought along")
    repo.publish_all("stable")
    for name in ("edge/k1/dependency.ko", "stable/k1/deep/er.ko"):
        refused(client, client.download(name), "not-listed")
        expect(client, client.artifact(name) is None)
    repo.delegate("stable", ["stable/*/*", "edge/*/*"])
    repo.publish_all()
    good(client)
    good(client, "edge/k1/dependency.ko", b"brought along")


@case("mix and match: files of different times together")
def _(repo, server, client):
    old = {role: repo.files[repo.metadata_url(role, repo.bodies[role]["version"])] for role in ("snapshot", "targets", "stable")}
    for hashes, reason in ((True, "hash"), (False, "rollback")):
        for role in old:
            repo.hashes = hashes
            next_version(repo)
            server.lies = {repo.metadata_url(role, repo.bodies[role]["version"]): gives(old[role])}
            refused(client, client.download("stable/k1/m.ko"), reason)
            expect(client, f"{role}.json" in client.text)
            server.lies = {}
            good(client, data=NEWER)


@case("wrong software: another signed file in the place of the one that was asked for")
def _(repo, server, client):
    repo.add("stable", "stable/k1/other.ko", b"signed, but not this one!")
    repo.add("stable", "stable/k1/wanted.ko", b"signed, and the right one")
    repo.publish_all("stable")
    server.lies[repo.target_url("stable/k1/wanted.ko", b"signed, and the right one")] = gives(b"signed, but not this one!")
    refused(client, client.download("stable/k1/wanted.ko"), "hash")
    expect(client, client.artifact("stable/k1/wanted.ko") is None)
    server.lies.clear()
    good(client, "stable/k1/wanted.ko", b"signed, and the right one")


@case("a malicious mirror: it says no, sends rubbish or another repository; a good one serves")
def _(repo, server, client):
    mirror = Server(repo)
    elsewhere = Repo()
    for lie, reason in ((gives(b"", 404), "not-found"), (gives(b"", 500), "protocol"), (gives(b"", 302), "protocol"),
                        (gives(b"<html>"), "invalid"), (gives(elsewhere.files["/metadata/timestamp.json"]), "signature"),
                        (lambda handler: handler.connection.close(), "protocol")):
        next_version(repo)
        mirror.lies = {"/metadata/timestamp.json": lie}
        refused(client, client.refresh(server=mirror), reason)
        good(client, data=NEWER)
    mirror.lies = {"*": gives(b"[" * 100000)}
    refused(client, client.refresh(server=mirror), "invalid")
    good(client, data=NEWER)
    mirror.shutdown()
    mirror.server_close()
    refused(client, client.refresh(server=mirror), "unreachable")
    good(client, data=NEWER)


@case("key compromise below the threshold: one of two keys of root, targets and a delegated role")
def _(repo, server, client):
    for role in ("root", "targets"):
        keys = [repo.keys[role][0], Key(), Key()]
        repo.trust(role, keys, threshold=2)
    stable = [repo.keys["stable"][0], Key()]
    repo.delegate("stable", ["stable/*/*"], stable, threshold=2)
    repo.keys["stable"] = stable
    repo.publish("root")
    repo.publish_all("stable")
    good(client)

    stolen, before = repo.keys["root"][0], repo.save()
    repo.trust("targets", [Key()])
    repo.bodies["root"]["version"] += 1
    repo.put("root", repo.sign("root", [stolen]))
    refused(client, client.refresh(), "signature")
    twice = json.loads(repo.sign("root", [stolen]))
    twice["signatures"] *= 2
    repo.put("root", json.dumps(twice).encode())
    refused(client, client.refresh(), "invalid")
    # The same key under a second name, in a root that the stolen key alone signs.
    twice["signatures"][1] = {**twice["signatures"][1], "keyid": repo.keys["root"][1].id}
    repo.put("root", json.dumps(twice).encode())
    refused(client, client.refresh(), "signature")
    repo.restore(before)
    good(client)

    for role in ("targets", "stable"):
        before, signed = repo.save(), set(repo.signed)
        repo.bodies[role]["targets"]["stable/k1/evil.ko"] = {"length": 4, "hashes": {"sha256": sha256(b"evil")}}
        repo.publish(role, keys=[repo.keys[role][0]])
        alone = repo.signed - signed
        repo.publish("snapshot", "timestamp")
        repo.signed -= alone
        refused(client, client.download("stable/k1/evil.ko"), "signature")
        versions = {name: repo.bodies[name]["version"] for name in (role, "snapshot", "timestamp")}
        repo.restore(before)
        for name, version in versions.items():
            repo.bodies[name]["version"] = version
        repo.publish(role, "snapshot", "timestamp")
        good(client)


# ---- What the workflow says besides


@case("root rotation: each version is stored at once, and a bad one stops there")
def _(repo, server, client):
    old, new = repo.keys["root"], [Key()]
    repo.trust("root", new)
    repo.publish("root", keys=[*old, *new])
    good_two = repo.files["/metadata/2.root.json"]
    repo.publish("root", keys=old)
    repo.signed.discard(repo.files["/metadata/3.root.json"])
    refused(client, client.refresh(), "signature")
    expect(client, client.trusted()["root.json"] == good_two, "root 2 was not stored")
    repo.bodies["root"]["version"] = 2
    repo.publish("root", keys=new)
    repo.publish("root", keys=new)
    good(client)
    expect(client, client.version("root") == 4)


@case("the root chain: a file that holds another version is a rollback, a forbidden one is its end")
def _(repo, server, client):
    server.lies["/metadata/2.root.json"] = gives(repo.files["/metadata/1.root.json"])
    refused(client, client.refresh(), "rollback")
    next_version(repo)
    server.lies["/metadata/2.root.json"] = gives(b"", 403)
    good(client, data=NEWER)


@case("a timestamp of the trusted version with other content: what is trusted stays")
def _(repo, server, client):
    before = client.trusted()
    repo.bodies["timestamp"]["meta"]["snapshot.json"] = {"version": 1}
    repo.publish("timestamp", bump=False)
    good(client)
    expect(client, client.trusted() == before, "it was stored")


@case("a trusted file that cannot be read: no update, and nothing is forgotten")
def _(repo, server, client):
    old = repo.files["/metadata/timestamp.json"]
    next_version(repo)
    good(client, data=NEWER)
    for name in ("timestamp.json", "snapshot.json"):
        server.lies.clear()
        path = f"{client.metadata}/{name}"
        os.rename(path, f"{client.top}/{name}")
        os.symlink(f"{client.top}/{name}", path)
        expect(client, client.refresh() == 1 and "symbolic links" in client.text, "not followed:")
        server.lies["/metadata/timestamp.json"] = gives(old)
        expect(client, client.refresh() == 1 and client.version("timestamp") == 3, "an old timestamp is trusted:")
        os.rename(f"{client.top}/{name}", path)
        refused(client, client.refresh(), "rollback")


@case("keys of openssl: P-256 and RSA-PSS, and a stranger's of the same kind")
def _(repo, server, client):
    for kind in ("ecdsa", "rsa"):
        for role in ("timestamp", "targets"):
            repo.trust(role, [OpensslKey(kind)])
        repo.publish("root")
        next_version(repo)
        good(client, data=NEWER)
        before, signed = repo.save(), set(repo.signed)
        repo.publish("timestamp", keys=[OpensslKey(kind)])
        repo.signed = signed
        refused(client, client.refresh(), "signature")
        repo.restore(before)
        good(client, data=NEWER)


@case("a field more in a key: this client takes key IDs as names")
def _(repo, server, client):
    for key in repo.bodies["root"]["keys"].values():
        key["x-more"] = {"kept": [1]}
    repo.publish("root")
    next_version(repo)
    good(client, data=NEWER)
    expect(client, client.version("root") == 2)


@case("path patterns: sets inside one part")
def _(repo, server, client):
    repo.delegate("stable", ["stable/k[0-9]/[!.]*", "odd[/]*"])
    for name in ("stable/k1/.hidden", "stable/kx/m.ko", "odd/x"):
        repo.add("stable", name, GOOD)
    repo.publish_all("stable")
    good(client)
    for name in ("stable/k1/.hidden", "stable/kx/m.ko", "odd/x"):
        refused(client, client.download(name), "not-listed")


@case("nothing changed: two requests, and one for a poll")
def _(repo, server, client):
    server.requests.clear()
    expect(client, client.refresh() == 0)
    expect(client, server.requests == ["/metadata/2.root.json", "/metadata/timestamp.json"], f"{server.requests}")
    for _ in range(2):
        server.requests.clear()
        expect(client, client.refresh("--poll") == 0)
        expect(client, server.requests == ["/metadata/timestamp.json"], f"{server.requests}")
    # A download beside it costs what the target costs.
    repo.trust("timestamp", [Key()])
    repo.publish("root", "timestamp")
    next_version(repo)
    expect(client, client.refresh("--poll") == 0)
    expect(client, client.version("root") == 2 and client.version("timestamp") == repo.bodies["timestamp"]["version"])
    server.requests.clear()
    expect(client, client.download("stable/k1/m.ko", more=("--poll",)) == 0)
    expect(client, server.requests[0] == "/metadata/timestamp.json" and len(server.requests) == 3, f"{server.requests}")
    refused(client, client.refresh("--poll", before=("faketime", "-f", "+8d")), "expired")
    server.lies["/metadata/timestamp.json"] = gives(b"{}")
    refused(client, client.refresh("--poll"), "invalid")


@case("an artifact that is there and right is not fetched again; a damaged one is")
def _(repo, server, client):
    server.requests.clear()
    good(client)
    expect(client, not any("/targets/" in path for path in server.requests), f"{server.requests}")
    for name in ("stable%2Fk1%2Fm.ko", ".new-0123456789abcdef"):
        with open(f"{client.targets}/{name}", "wb") as f:
            f.write(b"damaged")
    good(client)
    expect(client, os.listdir(client.targets) == ["stable%2Fk1%2Fm.ko"], "what a killed run left is still there")
    expect(client, sum("/targets/" in path for path in server.requests) == 1, f"{server.requests}")


@case("a cached role is verified again against the delegator of now")
def _(repo, server, client):
    repo.delegate("a", ["a/*"])
    repo.delegate("b", ["b/*"])
    repo.delegate("shared", ["a/*"], by="a")
    repo.delegate("shared", ["b/*"], [Key()], by="b")
    repo.add("shared", "a/x", b"a's")
    repo.add("shared", "b/x", b"not b's")
    repo.publish_all("shared", "a", "b")
    refused(client, client.download("a/x", "b/x"), "signature")
    expect(client, client.artifact("a/x") == b"a's" and client.artifact("b/x") is None)
    refused(client, client.download("b/x"), "signature")
    # The delegator takes other keys: what is stored no longer counts, although it is the named file.
    repo.delegate("stable", ["stable/*/*"], [Key()])
    repo.publish_all()
    refused(client, client.download("stable/k1/m.ko"), "signature")


@case("the search: in order, no further than a terminating delegation, each role once")
def _(repo, server, client):
    tree = [("targets", "A", False), ("targets", "B", False), ("A", "C", True), ("A", "D", False), ("C", "A", False)]
    for by, name, terminating in tree:
        repo.delegate(name, ["x*"], by=by, terminating=terminating)
    repo.publish_all("A", "B", "C", "D")
    server.requests.clear()
    refused(client, client.download("xyz"), "not-listed")
    names = [path.split("/")[-1] for path in server.requests]
    expect(client, names[-2:] == ["2.A.json", "2.C.json"], f"{names}")
    server.requests.clear()
    refused(client, client.download("none"), "not-listed")
    expect(client, len(server.requests) == 2, f"{server.requests}")


@case("hash prefixes, unknown keys, empty signatures, fields of others, unusual names")
def _(repo, server, client):
    path = "bins/some file?#%.bin"
    repo.delegate("../bin ?", None, path_hash_prefixes=["zz", sha256(path.encode())[:3]])
    repo.add("../bin ?", path, b"in a bin")
    repo.files[f"/targets/bins/{sha256(b'in a bin')}.some%20file%3F%23%25.bin"] = b"in a bin"
    plain = "bins/a!$&'()*+,;=:@b.bin"
    repo.delegate("plain", ["bins/a*"])
    repo.add("plain", plain, b"what a path of RFC 3986 may hold")
    targets = repo.bodies["targets"]
    targets["delegations"]["keys"]["other"] = {"keytype": "of tomorrow", "scheme": "s", "keyval": {"public": "?", "x": []}}
    targets["delegations"]["roles"][-2]["keyids"].insert(0, "other")
    targets["x-more"] = {"kept": [1, None, True, "\u00e9"]}
    repo.publish_all("../bin ?", "plain")
    signed = json.loads(repo.files[repo.metadata_url("targets", targets["version"])])
    signed["signatures"] = [{"keyid": "nobody", "sig": ""}, {"keyid": "tomorrow", "sig": "ab" * 20000}, *signed["signatures"]]
    data = json.dumps(signed).encode()
    repo.put("targets", data)
    repo.signed.add(data)
    repo.bodies["snapshot"]["meta"]["targets.json"] = {"version": targets["version"]}
    repo.publish("snapshot", "timestamp")
    good(client, path, b"in a bin")
    good(client, plain, b"what a path of RFC 3986 may hold")
    expect(client, client.version("..%2Fbin%20%3F") == 2, f"{list(client.trusted())}")
    expect(client, client.trusted()["targets.json"] == data, "stored as other bytes")


@case("init: refuses a root that did not sign itself, and keeps what was trusted")
def _(repo, server, client):
    before = client.trusted()
    broken = json.loads(repo.files["/metadata/1.root.json"])
    broken["signatures"][0]["sig"] = "00" * 64
    refused(client, client.init(json.dumps(broken).encode()), "signature")
    expect(client, client.trusted() == before)
    # A folder of somebody else.
    for name in list(before):
        os.rename(f"{client.metadata}/{name}", f"{client.metadata}/my-{name}")
    expect(client, client.init() == 1 and client.text.startswith("tuf-client: state: "))
    expect(client, sorted(client.trusted()) == sorted(f"my-{name}" for name in before))


def without_consistent_snapshots():
    repo = Repo(consistent=False)
    repo.delegate("stable", ["stable/*/*"])
    repo.add("stable", "stable/k1/m.ko", GOOD)
    repo.publish_all("stable")
    client = Client(PROGRAM, Server(repo))
    expect(client, client.init() == 0)
    good(client)
    names = [path.split("/")[-1] for path in client.server.requests]
    expect(client, names == ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "stable.json", "m.ko"], f"{names}")
    client.close()


report("without consistent snapshots: names without versions and hashes", without_consistent_snapshots)
print(f"1..{count}")
