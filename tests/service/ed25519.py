# SPDX-License-Identifier: GPL-2.0-or-later
"""Ed25519 signatures (RFC 8032, section 5.1) for test repositories: quick enough, and not constant-time."""
import hashlib
import os

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
NEUTRAL = (0, 1, 1, 0)


def add(p, q):
    """Section 5.1.4, in extended homogeneous coordinates."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def base_point():
    y = 4 * pow(5, P - 2, P) % P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    x = P - x if x & 1 else x
    return x, y, 1, x * y % P


POWERS = [base_point()]
for _ in range(255):
    POWERS.append(add(POWERS[-1], POWERS[-1]))


def times_base(scalar):
    point = NEUTRAL
    for power in POWERS:
        if scalar & 1:
            point = add(point, power)
        scalar >>= 1
    return point


def encode(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


class PrivateKey:
    def __init__(self):
        digest = hashlib.sha512(os.urandom(32)).digest()
        self.scalar = int.from_bytes(digest[:32], "little") & ~7 & (2**254 - 1) | 2**254
        self.prefix = digest[32:]
        self.public = encode(times_base(self.scalar))

    def sign(self, message):
        r = number(self.prefix, message) % L
        point = encode(times_base(r))
        s = (r + number(point, self.public, message) * self.scalar) % L
        return point + s.to_bytes(32, "little")
