// SPDX-License-Identifier: GPL-2.0-or-later
/* Sockets: on loopback and between local ends. */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "lab/exercise/check.h"

#define LEN 60000

struct pair {
	int a, b;
};

static void done(struct pair *p)
{
	closep(&p->a);
	closep(&p->b);
}
#define _cleanup_pair_ _cleanup_(done)

static long long option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) < 0 ? -1 : value;
}

static void set_option(struct check *c, int fd, int level, int name, int value)
{
	expect_ok(c, "setsockopt()", setsockopt(fd, level, name, &value, sizeof(value)));
}

/* A bound socket of the loopback address; -1 is a failure. `ret`: where. */
static int bound(struct check *c, int family, int type, struct sockaddr_storage *ret,
		 socklen_t *ret_len)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		v6->sin6_addr = in6addr_loopback;
	*ret_len = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
	expect_ok(c, "socket()", fd);
	expect_ok(c, "bind() to the loopback", bind(fd, (struct sockaddr *)ret, *ret_len));
	expect_ok(c, "getsockname()", getsockname(fd, (struct sockaddr *)ret, ret_len));
	expect(c, v4->sin_port != 0, "the port of bind() is 0: another expected");
	return fd;
}

/* All bytes from one end to the other, as both are ready. */
static void transfer(struct check *c, const char *what, int from, int to, unsigned seed)
{
	_cleanup_free_ unsigned char *data = malloc(LEN), *back = calloc(1, LEN + 1);
	long long limit = now_ms() + CHECK_WAIT_MS;
	size_t sent = 0, got = 0;

	if (!data || !back)
		return;
	fill_pattern(data, LEN, seed);
	while (got < LEN && now_ms() < limit) {
		struct pollfd fds[] = { { .fd = sent < LEN ? from : -1, .events = POLLOUT },
					{ .fd = to, .events = POLLIN } };

		if (!expect_range(c, "poll() of two sockets", poll(fds, 2, CHECK_WAIT_MS), 1, 2))
			return;
		ssize_t n = fds[0].revents ? send(from, data + sent, LEN - sent, MSG_DONTWAIT) : 0;

		if (n < 0 && errno != EAGAIN)
			expect_ok(c, what, n);
		sent += n > 0 ? (size_t)n : 0;
		n = fds[1].revents ? recv(to, back + got, LEN + 1 - got, MSG_DONTWAIT) : 0;
		if (n < 0 && errno != EAGAIN)
			expect_ok(c, what, n);
		got += n > 0 ? (size_t)n : 0;
		if (c->failure[0])
			return;
	}
	expect_number(c, what, (long long)got, LEN);
	expect_bytes(c, what, back, data, LEN);
}

static struct pair tcp_pair(struct check *c, int family)
{
	struct sockaddr_storage where, seen = { 0 };
	socklen_t len, seen_len = sizeof(seen);
	struct pair p = { -1, -1 };
	_cleanup_close_ int listener = bound(c, family, SOCK_STREAM, &where, &len);

	expect_ok(c, "listen()", listen(listener, 4));
	expect_number(c, "SO_ACCEPTCONN", option(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
	expect_errno(c, "accept() of nothing", accept(listener, NULL, NULL), EAGAIN);
	p.a = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	expect_ok(c, "connect()", connect(p.a, (struct sockaddr *)&where, len));
	expect_ready(c, "a listening socket", listener, POLLIN);
	p.b = accept4(listener, (struct sockaddr *)&seen, &seen_len, SOCK_CLOEXEC);
	expect_ok(c, "accept4()", p.b);
	struct sockaddr_storage own = { 0 };
	socklen_t own_len = sizeof(own);

	expect_ok(c, "getsockname()", getsockname(p.a, (struct sockaddr *)&own, &own_len));
	expect_number(c, "accept4()'s address length", seen_len, own_len);
	expect_bytes(c, "accept4()'s address", &seen, &own, MIN(own_len, sizeof(own)));
	expect_ok(c, "getpeername()", getpeername(p.a, (struct sockaddr *)&own, &own_len));
	expect_bytes(c, "getpeername()", &own, &where, len);
	return p;
}

static void check_tcp(struct check *c, int family, const char *name)
{
	_cleanup_close_ int probe = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	char byte;

	if (family == AF_INET6 &&
	    (probe < 0 || bind(probe, (struct sockaddr *)&v6, sizeof(v6)) < 0)) {
		lacks(c, "IPv6");
		return;
	}
	_cleanup_pair_ struct pair p = tcp_pair(c, family);

	transfer(c, name, p.a, p.b, 3);
	transfer(c, name, p.b, p.a, 4);
	expect_number(c, "SO_TYPE", option(p.a, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	expect_number(c, "SO_ERROR", option(p.a, SOL_SOCKET, SO_ERROR), 0);
	set_option(c, p.a, SOL_SOCKET, SO_RCVBUF, 20000);
	expect_number(c, "SO_RCVBUF after 20000", option(p.a, SOL_SOCKET, SO_RCVBUF), 40000);
	set_option(c, p.a, IPPROTO_TCP, TCP_NODELAY, 1);
	expect_number(c, "TCP_NODELAY", option(p.a, IPPROTO_TCP, TCP_NODELAY), 1);
	expect_ok(c, "TCP_INFO", getsockopt(p.a, IPPROTO_TCP, TCP_INFO, &info, &len));
	expect_number(c, "tcpi_state", info.tcpi_state, TCP_ESTABLISHED);
	expect_ok(c, "shutdown()", shutdown(p.a, SHUT_WR));
	expect_ready(c, "a socket at its end", p.b, POLLIN);
	expect_number(c, "recv() at the end", recv(p.b, &byte, 1, MSG_DONTWAIT), 0);
	expect_errno(c, "send() after shutdown()", send(p.a, "x", 1, MSG_NOSIGNAL), EPIPE);
	transfer(c, "TCP after shutdown() of the other direction", p.b, p.a, 5);
}

static void check_udp(struct check *c)
{
	struct sockaddr_storage at_a, at_b, from = { 0 };
	socklen_t len_a, len_b, from_len = sizeof(from);
	unsigned char data[1400], back[1500];
	int queued = -1;
	_cleanup_close_ int a = bound(c, AF_INET, SOCK_DGRAM, &at_a, &len_a);
	_cleanup_close_ int b = bound(c, AF_INET, SOCK_DGRAM, &at_b, &len_b);

	fill_pattern(data, sizeof(data), 6);
	expect_errno(c, "recv() of nothing", recv(b, back, 1, 0), EAGAIN);
	expect_number(c, "sendto()", sendto(a, data, 1400, 0, (struct sockaddr *)&at_b, len_b),
		      1400);
	expect_number(c, "sendto()", sendto(a, data, 3, 0, (struct sockaddr *)&at_b, len_b), 3);
	expect_ready(c, "a UDP socket", b, POLLIN);
	expect_ok(c, "ioctl(FIONREAD)", ioctl(b, FIONREAD, &queued));
	expect_number(c, "ioctl(FIONREAD) of UDP", queued, 1400);
	expect_number(c, "recv(MSG_PEEK | MSG_TRUNC)", recv(b, back, 5, MSG_PEEK | MSG_TRUNC),
		      1400);
	expect_number(c, "recvfrom()",
		      recvfrom(b, back, sizeof(back), 0, (struct sockaddr *)&from, &from_len),
		      1400);
	expect_bytes(c, "UDP", back, data, 1400);
	expect_bytes(c, "recvfrom()'s address", &from, &at_a, len_a);
	expect_number(c, "recv() of the second message", recv(b, back, sizeof(back), 0), 3);
	expect_errno(c, "bind() to a port in use", bind(a, (struct sockaddr *)&at_b, len_b),
		     EINVAL);
	close(TAKE_FD(b));
	expect_ok(c, "connect() of UDP", connect(a, (struct sockaddr *)&at_b, len_b));
	expect_number(c, "send() to a closed port", send(a, data, 1, 0), 1);
	expect_ready(c, "a UDP socket after an answer of ICMP", a, POLLIN | POLLERR);
	expect_errno(c, "recv() after an answer of ICMP", recv(a, back, 1, 0), ECONNREFUSED);
}

static void check_refusals(struct check *c)
{
	struct sockaddr_storage where;
	socklen_t len;
	_cleanup_close_ int taken = bound(c, AF_INET, SOCK_STREAM, &where, &len);
	_cleanup_close_ int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	expect_errno(c, "bind() to a port in use", bind(other, (struct sockaddr *)&where, len),
		     EADDRINUSE);
	expect_errno(c, "connect() to a bound port", connect(other, (struct sockaddr *)&where, len),
		     ECONNREFUSED);
	expect_errno(c, "accept() without listen()", accept(taken, NULL, NULL), EINVAL);
	expect_errno(c, "recv() without a connection", recv(taken, &len, 1, 0), ENOTCONN);
	expect_errno(c, "socket() of no family", socket(250, SOCK_STREAM, 0), EAFNOSUPPORT);
	expect_errno(c, "socket() of no protocol", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP),
		     EPROTONOSUPPORT);
	expect_errno(c, "getsockopt() of no option", option(taken, SOL_SOCKET, 9999), ENOPROTOOPT);
	expect_errno(c, "listen() on no socket", listen(STDERR_FILENO, 1), ENOTSOCK);
}

/* A descriptor and our identity, from one end to the other. */
static void check_passing(struct check *c, int from, int to)
{
	int fds[2] = { -1, -1 }, got = -1, one = 1;
	char room[256] = "", byte = 'p';
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io,
			    .msg_iovlen = 1,
			    .msg_control = room,
			    .msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	expect_ok(c, "pipe2()", pipe2(fds, O_CLOEXEC | O_NONBLOCK));
	expect_ok(c, "SO_PASSCRED", setsockopt(to, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)));
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fds[1], sizeof(int));
	expect_number(c, "sendmsg() of a descriptor", sendmsg(from, &m, 0), 1);
	close(fds[1]);
	m.msg_controllen = sizeof(room);
	expect_number(c, "recvmsg() of a descriptor", recvmsg(to, &m, MSG_CMSG_CLOEXEC), 1);
	for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
		struct ucred who = { 0 };

		if (h->cmsg_type == SCM_RIGHTS)
			memcpy(&got, CMSG_DATA(h), sizeof(int));
		if (h->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&who, CMSG_DATA(h), sizeof(who));
		expect_number(c, "SCM_CREDENTIALS' pid", who.pid, getpid());
	}
	expect_number(c, "write() to a passed descriptor", write(got, "q", 1), 1);
	expect_number(c, "read() of what it was", read(fds[0], &byte, 1), 1);
	expect_number(c, "what went through a passed descriptor", byte, 'q');
	close(got);
	close(fds[0]);
}

static void check_unix(struct check *c)
{
	int fds[2] = { -1, -1 };
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);
	char back[16] = "";

	expect_ok(c, "socketpair()", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
	transfer(c, "a unix stream", fds[0], fds[1], 7);
	transfer(c, "a unix stream", fds[1], fds[0], 8);
	expect_ok(c, "SO_PEERCRED", getsockopt(fds[0], SOL_SOCKET, SO_PEERCRED, &who, &len));
	expect_number(c, "SO_PEERCRED's pid", who.pid, getpid());
	expect_number(c, "SO_PEERCRED's uid", who.uid, geteuid());
	check_passing(c, fds[0], fds[1]);
	close(fds[0]);
	expect_number(c, "recv() of a closed peer", recv(fds[1], back, 1, MSG_DONTWAIT), 0);
	close(fds[1]);
	expect_ok(c, "socketpair()", socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds));
	expect_number(c, "send()", send(fds[0], "first", 5, 0), 5);
	expect_number(c, "send()", send(fds[0], "2nd", 3, 0), 3);
	expect_number(c, "recv() of a packet", recv(fds[1], back, sizeof(back), MSG_DONTWAIT), 5);
	expect_number(c, "recv() of a packet", recv(fds[1], back, sizeof(back), MSG_DONTWAIT), 3);
	expect_bytes(c, "a unix packet", back, "2ndst", 5);
	expect_number(c, "SO_DOMAIN", option(fds[0], SOL_SOCKET, SO_DOMAIN), AF_UNIX);
	close(fds[0]);
	close(fds[1]);
}

static void check_unix_named(struct check *c)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX }, from = { 0 };
	socklen_t len = sizeof(from);
	char back[8] = "";
	_cleanup_close_ int a = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int b = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(where.sun_path + 1, sizeof(where.sun_path) - 1, "exercise.%d", getpid());
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
				     strlen(where.sun_path + 1));

	expect_errno(c, "connect() to no name", connect(b, (struct sockaddr *)&where, size),
		     ECONNREFUSED);
	expect_ok(c, "bind() of a unix name", bind(a, (struct sockaddr *)&where, size));
	expect_errno(c, "bind() of the same name", bind(b, (struct sockaddr *)&where, size),
		     EADDRINUSE);
	expect_ok(c, "connect() of a unix datagram", connect(b, (struct sockaddr *)&where, size));
	expect_number(c, "send() of a unix datagram", send(b, "gram", 4, 0), 4);
	expect_number(c, "recvfrom() of a unix datagram",
		      recvfrom(a, back, 7, MSG_DONTWAIT, (struct sockaddr *)&from, &len), 4);
	expect_text(c, "a unix datagram", back, "gram");
	len = sizeof(from);
	expect_ok(c, "getpeername()", getpeername(b, (struct sockaddr *)&from, &len));
	expect_number(c, "getpeername()'s length", len, size);
	expect_bytes(c, "getpeername()", &from, &where, size);
}

/* The kernel's list of links has lo, with what ioctl says of it. */
static void check_netlink(struct check *c)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} ask = { .h = { .nlmsg_len = sizeof(ask),
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			 .nlmsg_seq = 77 } };
	union {
		struct nlmsghdr h;
		char bytes[16384];
	} got;
	struct ifreq request = { .ifr_name = "lo" };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool found = false;

	if (fd < 0 && lacks_errno(c, "netlink", errno))
		return;
	expect_number(c, "send() to netlink", send(fd, &ask, sizeof(ask), 0),
		      (long long)sizeof(ask));
	expect_ready(c, "netlink", fd, POLLIN);
	ssize_t n = recv(fd, &got, sizeof(got), MSG_DONTWAIT);
	unsigned left = n > 0 ? (unsigned)n : 0;

	expect_ok(c, "recv() of netlink", n);
	for (struct nlmsghdr *h = &got.h; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
		struct ifinfomsg *i = NLMSG_DATA(h);

		expect_number(c, "nlmsg_seq", h->nlmsg_seq, 77);
		if (h->nlmsg_type == RTM_NEWLINK && i->ifi_flags & IFF_LOOPBACK)
			found = i->ifi_index == (int)if_nametoindex("lo");
	}
	expect(c, found, "netlink's list has no lo: lo expected");
	expect_ok(c, "ioctl(SIOCGIFFLAGS)", ioctl(fd, SIOCGIFFLAGS, &request));
	expect(c, request.ifr_flags & IFF_LOOPBACK, "lo's flags are 0x%x: IFF_LOOPBACK expected",
	       (unsigned)request.ifr_flags);
}

void group_net(struct check *c)
{
	check_tcp(c, AF_INET, "TCP");
	check_tcp(c, AF_INET6, "TCP over IPv6");
	check_udp(c);
	check_refusals(c);
	check_unix(c);
	check_unix_named(c);
	check_netlink(c);
}
