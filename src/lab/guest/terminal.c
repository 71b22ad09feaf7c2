// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/terminal.h"

#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>

#include "base/file.h"

static int open_line(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
	    (int)sizeof(address.sun_path))
		return error_set(err, ERR_INVALID, "%s: too long for the path of a socket", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set_errno(err, errno, "%s", path);
	return TAKE_FD(fd);
}

/* Input to the line. It is over when `*from` is -1, or the escape was typed. */
static int pass_in(int *from, int line, bool *ret_escape, struct error *err)
{
	char block[1024];
	ssize_t n = read(*from, block, sizeof(block));

	if (n < 0 && errno == EINTR)
		return 0;
	if (n <= 0) {
		*from = -1;
		return 0;
	}
	const char *escape = memchr(block, TERMINAL_ESCAPE, (size_t)n);

	*ret_escape = escape != NULL;
	return file_write_fd(line, block, escape ? (size_t)(escape - block) : (size_t)n, err);
}

static int relay(int line, struct error *err)
{
	int from = STDIN_FILENO, r = 0;
	bool escape = false;

	while (r == 0 && !escape) {
		struct pollfd p[] = { { .fd = line, .events = POLLIN },
				      { .fd = from, .events = POLLIN } };
		char block[4096];

		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return error_set_errno(err, errno, "terminal");
		if (p[0].revents) {
			ssize_t n = read(line, block, sizeof(block));

			if (n <= 0)
				return 0;
			r = file_write_fd(STDOUT_FILENO, block, (size_t)n, err);
		}
		if (r == 0 && p[1].revents)
			r = pass_in(&from, line, &escape, err);
	}
	/* The guest went off while we wrote to it. */
	return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

int terminal_join(const char *socket_path, struct error *err)
{
	struct termios before, raw;
	bool is_terminal = tcgetattr(STDIN_FILENO, &before) == 0;
	_cleanup_close_ int line = open_line(socket_path, err);

	if (line < 0)
		return line;
	if (is_terminal) {
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	int r = relay(line, err);

	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
	return r;
}

void terminal_size(unsigned *ret_rows, unsigned *ret_columns)
{
	struct winsize size;
	bool known = ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0;

	*ret_rows = known ? size.ws_row : 24;
	*ret_columns = known ? size.ws_col : 80;
}
