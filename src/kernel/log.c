/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/log.h"

#include <stdio.h>

#include "base/file.h"
#include "kernel/root.h"

/* Records that kernel_log_rewind() looks at, at most: the largest log has not many more. */
#define REWIND_MAX 200000

struct kernel_log {
	int fd;
	uint64_t from; /* records below it are not looked at */
	uint64_t next; /* after the last one that was read */
	unsigned int gaps;
	bool rewinding; /* the end of a file is not the end of it all */
	struct kernel_reporter reporter;
	int64_t opened_ms; /* when the open report began */
	/* What was read and not yet looked at. */
	char data[KERNEL_RECORD_MAX];
	size_t len, used;
};

/* Reads digits up to `end`; fails without any, or with too many. */
static bool read_number(struct kernel_line *line, char end, uint64_t *ret)
{
	uint64_t value = 0;
	size_t n = 0;

	while (n < line->len && n < 19 && line->text[n] >= '0' && line->text[n] <= '9')
		value = value * 10 + (uint64_t)(line->text[n++] - '0');
	if (n == 0 || n == line->len || line->text[n] != end)
		return false;
	line->text += n + 1;
	line->len -= n + 1;
	*ret = value;
	return true;
}

int kernel_record_parse(const char *line, size_t len, struct kernel_record *ret)
{
	struct kernel_line rest = { line, len };
	struct kernel_record record = { 0 };
	uint64_t prefix;
	const char *semicolon;

	if (len > 0 && line[0] == ' ')
		return ERR_NOT_FOUND;
	if (!read_number(&rest, ',', &prefix) || !read_number(&rest, ',', &record.sequence) ||
	    !read_number(&rest, ',', &record.us))
		return ERR_INVALID;
	/* Flags, and fields that may come some day. */
	semicolon = memchr(rest.text, ';', rest.len);
	if (!semicolon)
		return ERR_INVALID;
	record.of_kernel = prefix >> 3 == 0;
	record.text.text = semicolon + 1;
	record.text.len = rest.len - (size_t)(semicolon + 1 - rest.text);
	*ret = record;
	return 0;
}

int kernel_log_open(const char *root, struct kernel_log **ret, struct error *err)
{
	_cleanup_(kernel_log_freep) struct kernel_log *log = calloc(1, sizeof(*log));
	struct kernel_path path;
	int r;

	if (!log)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	log->fd = -1;
	r = kernel_path(&path, root, "/dev/kmsg");
	if (r < 0)
		return error_set(err, r, "path too long");
	log->fd = open(path.s, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (log->fd < 0)
		return error_set_errno(err, errno, "%s", path.s);
	kernel_log_skip(log);
	*ret = TAKE_PTR(log);
	return 0;
}

void kernel_log_free(struct kernel_log *log)
{
	if (!log)
		return;
	closep(&log->fd);
	free(log);
}

static void seek(struct kernel_log *log, int whence)
{
	log->reporter.open = false;
	log->len = log->used = 0;
	/* Fails on a pipe, which has nowhere to go to. */
	if (log->fd >= 0)
		lseek(log->fd, 0, whence);
}

void kernel_log_skip(struct kernel_log *log)
{
	seek(log, SEEK_END);
	log->from = 0;
}

int kernel_log_fd(const struct kernel_log *log)
{
	return log->fd;
}

uint64_t kernel_log_next(const struct kernel_log *log)
{
	return log->next;
}

unsigned int kernel_log_gaps(const struct kernel_log *log)
{
	return log->gaps;
}

int kernel_log_timeout_ms(const struct kernel_log *log, int64_t now_ms)
{
	if (!log->reporter.open)
		return -1;
	return (int)MAX(INT64_C(0), log->opened_ms + KERNEL_REPORT_MS - now_ms);
}

/* More bytes. 1: there are some; 0: none for now; -EPIPE: a gap. */
static int fill(struct kernel_log *log)
{
	ssize_t n;

	memmove(log->data, log->data + log->used, log->len - log->used);
	log->len -= log->used;
	log->used = 0;
	/* A line of this length is none of the kernel's. */
	if (log->len == sizeof(log->data))
		log->len = 0;
	if (log->fd < 0)
		return 0;
	do
		n = read(log->fd, log->data + log->len, sizeof(log->data) - log->len);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		log->len += (size_t)n;
		return 1;
	}
	if (n < 0 && errno == EPIPE)
		return -EPIPE;
	if ((n == 0 && !log->rewinding) || (n < 0 && errno != EAGAIN)) {
		close(log->fd);
		log->fd = -1;
	}
	return 0;
}

/* The next whole line, without its end; it is valid until the next call. As fill(). */
static int next_line(struct kernel_log *log, struct kernel_line *ret)
{
	for (;;) {
		char *start = log->data + log->used;
		char *end = memchr(start, '\n', log->len - log->used);
		int r;

		if (end) {
			*ret = (struct kernel_line){ start, (size_t)(end - start) };
			log->used += ret->len + 1;
			return 1;
		}
		r = fill(log);
		if (r <= 0)
			return r;
	}
}

/* The next record of the kernel's own. As fill(). Counts down `max`. */
static int next_record(struct kernel_log *log, unsigned int *max, struct kernel_record *ret)
{
	struct kernel_line line;
	int r;

	for (; *max > 0; (*max)--) {
		r = next_line(log, &line);
		if (r <= 0)
			return r;
		if (kernel_record_parse(line.text, line.len, ret) < 0)
			continue;
		log->next = ret->sequence + 1;
		if (ret->of_kernel && ret->sequence >= log->from)
			return 1;
	}
	return -EAGAIN;
}

int kernel_log_read(struct kernel_log *log, unsigned int max, int64_t now_ms,
		    struct kernel_report *ret)
{
	struct kernel_reporter *reporter = &log->reporter;
	struct kernel_record record;
	bool done = false;
	int r = 1;

	while (!done && r == 1) {
		bool was_open = reporter->open;

		r = next_record(log, &max, &record);
		if (r == 1) {
			max--;
			done = kernel_reporter_take(reporter, record.text);
		}
		if (reporter->open && !was_open)
			log->opened_ms = now_ms;
		if (r == -EPIPE) {
			log->gaps++;
			done = kernel_reporter_flush(reporter);
			r = 1;
		}
	}
	if (!done && kernel_log_timeout_ms(log, now_ms) == 0)
		done = kernel_reporter_flush(reporter);
	if (done)
		*ret = reporter->report;
	return done ? 1 : r;
}

void kernel_log_rewind(struct kernel_log *log, uint64_t sequence, const char *module)
{
	unsigned int max = REWIND_MAX;
	char wanted[128];
	struct kernel_record record;
	int r;

	snprintf(wanted, sizeof(wanted), "livepatch: enabling patch '%s'", module);
	log->from = 0;
	log->rewinding = true;
	seek(log, SEEK_SET);
	while ((r = next_record(log, &max, &record)) == 1 || r == -EPIPE) {
		if (r == 1 && kernel_line_starts(&record.text, wanted))
			sequence = MAX(sequence, record.sequence + 1);
		if (max == 0 || (r == 1 && --max == 0))
			break;
	}
	log->rewinding = false;
	seek(log, SEEK_SET);
	log->from = sequence;
}
