// SPDX-License-Identifier: GPL-2.0-or-later
/* Random bytes, and hashes through AF_ALG against the vectors of FIPS 180. */
#include <fcntl.h>
#include <linux/if_alg.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "lab/exercise/check.h"

static void check_random(struct check *c)
{
	unsigned char bytes[3][64] = { 0 };
	int ones = 0;
	_cleanup_close_ int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);

	expect_number(c, "getrandom()", getrandom(bytes[0], 64, GRND_NONBLOCK), 64);
	expect_number(c, "getrandom()", getrandom(bytes[1], 64, GRND_NONBLOCK), 64);
	expect_number(c, "read() of /dev/urandom", read(fd, bytes[2], 64), 64);
	expect(c, memcmp(bytes[0], bytes[1], 64) != 0 && memcmp(bytes[1], bytes[2], 64) != 0,
	       "getrandom() gave the same bytes twice: others expected");
	for (size_t i = 0; i < sizeof(bytes); i++)
		ones += __builtin_popcount(bytes[i / 64][i % 64]);
	/* 768 of 1536 ± 9 standard deviations. */
	expect_range(c, "the ones in 1536 random bits", ones, 590, 946);
	expect_errno(c, "getrandom() with wrong flags", getrandom(bytes[0], 1, 0x8000), EINVAL);
}

static void check_hash(struct check *c, const char *name, const char *text, const char *expected)
{
	struct sockaddr_alg where = { .salg_family = AF_ALG, .salg_type = "hash" };
	_cleanup_close_ int fd = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	unsigned char digest[32] = { 0 };
	char hex[65] = "";

	snprintf((char *)where.salg_name, sizeof(where.salg_name), "%s", name);
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
		lacks(c, fd < 0 ? "AF_ALG" : name);
		return;
	}
	_cleanup_close_ int op = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	expect_ok(c, "accept() of AF_ALG", op);
	expect_number(c, "send() to AF_ALG", send(op, text, strlen(text), 0),
		      (long long)strlen(text));
	ssize_t n = recv(op, digest, sizeof(digest), 0);

	expect_number(c, name, n, (long long)strlen(expected) / 2);
	for (ssize_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	expect_text(c, name, hex, expected);
}

void group_crypto(struct check *c)
{
	check_random(c);
	check_hash(c, "sha256", "abc",
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	if (!c->without[0])
		check_hash(c, "sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
}
