/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/crash.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hash.h"
#include "kernel/root.h"

#define DEPTH_MAX 3

DEFINE_CLEANUP(DIR *, closedir);

/* Keeps the list newest first, each crash once. */
static void add(struct kernel_crashes *list, const struct kernel_crash *crash)
{
	size_t i = 0;

	for (size_t k = 0; k < list->n; k++)
		if (streq(list->items[k].id, crash->id))
			return;
	while (i < list->n && list->items[i].time >= crash->time)
		i++;
	if (i == KERNEL_CRASHES_MAX)
		return;
	if (list->n < KERNEL_CRASHES_MAX)
		list->n++;
	memmove(&list->items[i + 1], &list->items[i], (list->n - 1 - i) * sizeof(list->items[0]));
	list->items[i] = *crash;
}

static bool set_id(struct kernel_crash *crash, const void *data, size_t len)
{
	char hash[SHA256_HEX_LEN + 1];

	if (hash_sha256_hex(data, len, hash) < 0)
		return false;
	memcpy(crash->id, hash, KERNEL_CRASH_ID_MAX - 1);
	crash->id[KERNEL_CRASH_ID_MAX - 1] = 0;
	return true;
}

static bool next_line(const char **at, const char *end, struct kernel_line *ret)
{
	const char *newline;

	if (*at >= end)
		return false;
	newline = memchr(*at, '\n', (size_t)(end - *at));
	*ret = (struct kernel_line){ *at, (size_t)((newline ? newline : end) - *at) };
	*at = newline ? newline + 1 : end;
	return true;
}

/* The headline of the worst report in a log: of an oops rather than of the panic that follows. */
static enum kernel_trouble find_headline(const char *at, const char *end,
					 char ret[static KERNEL_REPORT_HEADLINE_MAX])
{
	enum kernel_trouble worst = KERNEL_TROUBLE_NONE;
	struct kernel_line line;

	ret[0] = 0;
	while (next_line(&at, end, &line)) {
		enum kernel_trouble trouble = kernel_line_judge(line);
		struct kernel_reporter one = { 0 };

		if (trouble > worst && worst < KERNEL_TROUBLE_OOPS) {
			kernel_reporter_take(&one, line);
			memcpy(ret, one.report.headline, KERNEL_REPORT_HEADLINE_MAX);
		}
		worst = MAX(worst, trouble);
	}
	return worst;
}

static bool skip_number(struct kernel_line *line)
{
	size_t n = 0;

	while (n < line->len && line->text[n] >= '0' && line->text[n] <= '9')
		n++;
	line->text += n;
	line->len -= n;
	return n > 0;
}

/* "Panic#1 Part2": true for any such line, with what it says. */
static bool parse_header(struct kernel_line line, enum kernel_trouble *ret, bool *ret_first)
{
	static const struct {
		const char *text;
		enum kernel_trouble trouble;
	} reasons[] = {
		{ "Panic#", KERNEL_TROUBLE_PANIC },    { "Oops#", KERNEL_TROUBLE_OOPS },
		{ "Emergency#", KERNEL_TROUBLE_NONE }, { "Shutdown#", KERNEL_TROUBLE_NONE },
		{ "Restart#", KERNEL_TROUBLE_NONE },   { "Halt#", KERNEL_TROUBLE_NONE },
		{ "Poweroff#", KERNEL_TROUBLE_NONE },  { "Unknown#", KERNEL_TROUBLE_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		size_t n = strlen(reasons[i].text);
		struct kernel_line rest = line;

		if (!kernel_line_starts(&line, reasons[i].text))
			continue;
		rest.text += n;
		rest.len -= n;
		if (!skip_number(&rest) || !kernel_line_starts(&rest, " Part"))
			continue;
		rest.text += 5;
		rest.len -= 5;
		*ret_first = rest.len == 1 && rest.text[0] == '1';
		*ret = reasons[i].trouble;
		return skip_number(&rest) && rest.len == 0;
	}
	return false;
}

/* Where the next part begins: its header's line, or the end. */
static const char *next_header(const char *at, const char *end)
{
	const char *before = at;
	enum kernel_trouble trouble;
	struct kernel_line line;
	bool first;

	while (next_line(&at, end, &line)) {
		if (parse_header(line, &trouble, &first))
			return before;
		before = at;
	}
	return end;
}

void kernel_crash_parse(const void *data, size_t len, int64_t time, struct kernel_crashes *ret)
{
	const char *end = len ? (const char *)data + len : data;
	const char *part = next_header(data, end);

	while (part < end) {
		struct kernel_crash crash = { .time = time, .where = "pstore" };
		const char *text = part, *next;
		struct kernel_line header;
		bool first = false;

		next_line(&text, end, &header);
		parse_header(header, &crash.trouble, &first);
		next = next_header(text, end);
		if (first && crash.trouble != KERNEL_TROUBLE_NONE &&
		    set_id(&crash, part, (size_t)(next - part))) {
			find_headline(text, next, crash.headline);
			add(ret, &crash);
		}
		part = next;
	}
}

/* Appends the end of a file that is ours. */
static bool read_tail(int dir, const char *name, struct buf *out, int64_t *ret_time)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	off_t from;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return false;
	from = MAX((off_t)0, st.st_size - (off_t)KERNEL_CRASH_READ);
	if (from > 0 && lseek(fd, from, SEEK_SET) < 0)
		return false;
	while (out->len < KERNEL_CRASH_READ) {
		ssize_t n;

		if (buf_reserve(out, 4096) < 0)
			break;
		n = read(fd, out->data + out->len, 4096);
		if (n <= 0)
			break;
		out->len += (size_t)n;
	}
	*ret_time = st.st_mtime;
	return true;
}

/* One search: what was found, and how much more may be looked at. */
struct search {
	struct kernel_crashes *list;
	unsigned int left;
};

static bool is_ours(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_uid == geteuid();
}

/* A folder that is ours; NULL for anything else. */
static DIR *open_folder(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	DIR *dir = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid())
		dir = fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static void look_at_pstore(struct search *search, DIR *dir, int depth)
{
	struct dirent *entry;

	while (search->left > 0 && (entry = readdir(dir))) {
		_cleanup_buf_ struct buf data = BUF_INIT(KERNEL_CRASH_READ + 4096);
		const char *name = entry->d_name;
		int64_t time;

		if (name[0] == '.')
			continue;
		search->left--;
		if (str_has_prefix(name, "dmesg")) {
			if (read_tail(dirfd(dir), name, &data, &time))
				kernel_crash_parse(data.data, data.len, time, search->list);
		} else if (depth > 1) {
			_cleanup_(closedirp) DIR *inner = open_folder(dirfd(dir), name);

			if (inner)
				look_at_pstore(search, inner, depth - 1);
		}
	}
}

/* One file of a folder that kdump has made. */
static void look_at_dump_file(int dir, const char *name, struct kernel_crash *crash)
{
	_cleanup_buf_ struct buf data = BUF_INIT(KERNEL_CRASH_READ + 4096);
	char headline[KERNEL_REPORT_HEADLINE_MAX];
	struct stat st;

	if (str_has_prefix(name, "dmesg") || str_has_prefix(name, "vmcore-dmesg")) {
		if (!read_tail(dir, name, &data, &crash->time) ||
		    find_headline(buf_str(&data), buf_str(&data) + data.len, headline) <
			    KERNEL_TROUBLE_OOPS)
			return;
		memcpy(crash->headline, headline, sizeof(headline));
		crash->trouble = KERNEL_TROUBLE_PANIC;
	} else if (str_has_prefix(name, "dump") || str_has_prefix(name, "vmcore")) {
		/* It is there because a crash kernel was started. */
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
		    st.st_uid != geteuid() || st.st_size == 0)
			return;
		crash->time = MAX(crash->time, (int64_t)st.st_mtime);
		crash->trouble = KERNEL_TROUBLE_PANIC;
	}
}

static void look_at_dumps(struct search *search, DIR *dir)
{
	struct dirent *entry, *file;

	while (search->left > 0 && (entry = readdir(dir))) {
		struct kernel_crash crash = { .where = "crash dump" };
		_cleanup_(closedirp) DIR *inner = NULL;

		/* Anybody may write here: what others have put there must not use the search up. */
		if (entry->d_name[0] == '.' || !is_ours(dirfd(dir), entry->d_name))
			continue;
		search->left--;
		inner = open_folder(dirfd(dir), entry->d_name);
		while (inner && search->left > 0 && (file = readdir(inner))) {
			search->left--;
			look_at_dump_file(dirfd(inner), file->d_name, &crash);
		}
		if (crash.trouble != KERNEL_TROUBLE_NONE &&
		    set_id(&crash, entry->d_name, strlen(entry->d_name)))
			add(search->list, &crash);
	}
}

static DIR *open_below(const char *root, const char *path)
{
	struct kernel_path full;

	return kernel_path(&full, root, "%s", path) < 0 ? NULL : opendir(full.s);
}

void kernel_crash_find(const char *root, struct kernel_crashes *ret)
{
	/* What is moved from the first to the second meanwhile is found in one of them. */
	static const char *const pstore[] = { "/sys/fs/pstore", "/var/lib/systemd/pstore" };
	struct search search = { .list = ret };

	ret->n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pstore); i++) {
		_cleanup_(closedirp) DIR *dir = open_below(root, pstore[i]);

		search.left = KERNEL_CRASH_ENTRIES;
		if (dir)
			look_at_pstore(&search, dir, DEPTH_MAX);
	}
	_cleanup_(closedirp) DIR *dumps = open_below(root, "/var/crash");
	search.left = KERNEL_CRASH_ENTRIES;
	if (dumps)
		look_at_dumps(&search, dumps);
}
