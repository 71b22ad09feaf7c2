#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile-server.py FOLDER: HTTPS servers on loopback that misbehave as the path asks.

FOLDER holds ca.pem/ca.key and, for each listener NAME of good, other, expired, wrongname,
NAME.pem/NAME.key. Prints one line `NAME=port ...` when all of them listen, then serves until it
is killed. `plain` answers with HTTP without TLS, `old` TLS 1.1
only, `closed` is a port that nothing listens on, `mute` accepts and never says a word. FOLDER/repository is served as it is.
"""
import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse
import warnings

FOLDER = sys.argv[1]
warnings.simplefilter("ignore", DeprecationWarning)
connections = itertools.count(1)


def head(status, length, *lines):
    text = [f"HTTP/1.1 {status} X", f"Content-Length: {length}", *lines, "", ""]
    return "\r\n".join(text).encode()


def reply(conn, status, body, *lines):
    conn.sendall(head(status, len(body), *lines) + body)
    return True


def sign(csr):
    command = ["openssl", "x509", "-req", "-CA", f"{FOLDER}/ca.pem", "-CAkey", f"{FOLDER}/ca.key",
               "-set_serial", "7", "-days", "1"]
    return subprocess.run(command, input=csr.encode(), capture_output=True, check=True).stdout.decode()


def enrol(conn, body):
    request = json.loads(body)
    if request.get("token") != "good-token-good-token-good":
        problem = {"status": 403, "title": "Forbidden", "detail": "the token is\u001b[2J not valid", "code": "denied"}
        return reply(conn, 403, json.dumps(problem).encode())
    answer = {"machine_id": "11111111-2222-4333-8444-555555555555", "interval": 60}
    if request.get("hostname") == "mixed-up":
        answer["certificate"] = open(f"{FOLDER}/good.pem").read()
    elif request.get("hostname") == "no-certificate":
        pass
    else:
        answer["certificate"] = sign(request["csr"])
    return reply(conn, 201, json.dumps(answer).encode())


def check_in(conn, body):
    """What FOLDER/check-in.json says (the request is added to FOLDER/told.json), or without it the request itself."""
    if not os.path.exists(f"{FOLDER}/check-in.json"):
        return reply(conn, 200, body)
    with open(f"{FOLDER}/told.json", "a") as told:
        told.write(json.dumps(json.loads(body)) + "\n")
    said = json.load(open(f"{FOLDER}/check-in.json"))
    if said["sequence"] is None:
        said["sequence"] = json.loads(body)["sequence"]
    return reply(conn, 200, json.dumps(said).encode())


def static(conn, path):
    path = FOLDER + urllib.parse.unquote(path)
    return reply(conn, 200, open(path, "rb").read()) if os.path.isfile(path) else reply(conn, 404, b"")


def forever(conn, data, pause=0.0):
    while True:
        conn.sendall(data)
        time.sleep(pause)


def whoami(conn):
    cert = conn.getpeercert()
    name = dict(pair[0] for pair in cert["subject"])["commonName"] if cert else "nobody"
    return reply(conn, 200, name.encode())


def answer(conn, number, method, path, body):
    """Answers one request; returns True if the connection may be used again."""
    if path.startswith("/size/"):
        return reply(conn, 200, b"x" * int(path[6:]))
    if path.startswith("/status/"):
        return reply(conn, int(path[8:]), b"<html>no</html>")
    if path == "/v1/enrol":
        return enrol(conn, body)
    if path == "/v1/trust-bundle":
        return reply(conn, 200, b"a bundle")
    if path == "/v1/check-in":
        return check_in(conn, body)
    if path.startswith("/repository/"):
        return static(conn, path)
    if path == "/connection":
        return reply(conn, 200, str(number).encode())
    if path == "/whoami":
        return whoami(conn)
    if path.startswith("/echo/"):
        return reply(conn, 200, f"{method} {path}".encode())
    if path == "/redirect":
        return reply(conn, 302, b"", f"Location: {path}/elsewhere")
    if path == "/endless":
        conn.sendall(b"HTTP/1.1 200 X\r\n\r\n")
        forever(conn, b"x" * 65536)
    if path == "/liar":
        conn.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        forever(conn, b"10000\r\n" + b"x" * 65536 + b"\r\n")
    if path == "/drip":
        conn.sendall(head(200, 1000))
        forever(conn, b"x", 1.0)
    if path == "/drip-headers":
        conn.sendall(b"HTTP/1.1 200 X\r\n")
        forever(conn, b"X-A: b\r\n", 1.0)
    if path == "/silent":
        time.sleep(600)
    if path == "/headers":
        conn.sendall(b"HTTP/1.1 200 X\r\n")
        forever(conn, b"X-Header: " + b"y" * 1000 + b"\r\n")
    if path == "/long-header":
        conn.sendall(b"HTTP/1.1 200 X\r\nX-Header: ")
        forever(conn, b"y" * 1000)
    if path == "/hints":
        forever(conn, b"HTTP/1.1 103 Early\r\nX-Header: y\r\n\r\n")
    if path == "/cut":
        conn.sendall(head(200, 1000) + b"half")
    if path == "/cut-endless":
        conn.sendall(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\nhalf")
    if path == "/cut-coded":
        conn.sendall(b"HTTP/1.1 200 X\r\nTransfer-Encoding: identity\r\nConnection: close\r\n\r\nhalf")
    if path == "/garbage":
        conn.sendall(b"\x00\x01\x02 not HTTP at all\r\n\r\n")
    if path == "/nothing":
        pass
    return False


def read_request(stream):
    line = stream.readline(4096).split()
    if len(line) < 2:
        return None
    length = 0
    while (header := stream.readline(4096)) not in (b"\r\n", b""):
        if header.lower().startswith(b"content-length:"):
            length = int(header.split(b":")[1])
    return line[0].decode(), line[1].decode(), stream.read(length)


def serve(raw, context):
    # Never an unwrap() at the end: the connection is cut under TLS, as an attacker cuts it.
    conn = raw
    try:
        if not context:
            raw.recv(1)
            reply(raw, 400, b"")
            raise OSError
        conn = context.wrap_socket(raw, server_side=True)
        number = next(connections)
        stream = conn.makefile("rb")
        while request := read_request(stream):
            if not answer(conn, number, *request):
                break
        conn.shutdown(socket.SHUT_RDWR)
    except (OSError, ValueError, subprocess.CalledProcessError):
        pass
    conn.close()


def listen(context, talk=True):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    held = []

    def accept():
        while True:
            raw, _ = listener.accept()
            if talk:
                threading.Thread(target=serve, args=(raw, context), daemon=True).start()
            else:
                held.append(raw)

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def tls(name, old=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{FOLDER}/{name}.pem", f"{FOLDER}/{name}.key")
    context.load_verify_locations(f"{FOLDER}/ca.pem")
    context.verify_mode = ssl.CERT_OPTIONAL
    if old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def main():
    ports = {name: listen(tls(name)) for name in ("good", "other", "expired", "wrongname")}
    ports["old"] = listen(tls("good", old=True))
    ports["plain"] = listen(None)
    ports["mute"] = listen(None, talk=False)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        ports["closed"] = unused.getsockname()[1]
    print(" ".join(f"{name}={port}" for name, port in ports.items()), flush=True)
    threading.Event().wait()


main()
