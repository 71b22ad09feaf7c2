// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/host_room.h"

#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>

#include "base/file.h"

/* What a guest needs beside its memory, and what the host keeps for itself. */
#define GUEST_EXTRA_MB 256
#define HOST_KEEPS_MB  1024

static bool read_text(const char *root, const char *path, struct buf *out)
{
	char whole[PATH_MAX];
	int n = snprintf(whole, sizeof(whole), "%s/%s", root, path);

	buf_clear(out);
	return n < (int)sizeof(whole) && file_read(whole, out, NULL) == 0 && out->len > 0;
}

/* "max" and what is no number: no limit. */
static bool read_number(const char *root, const char *path, uint64_t *ret, struct buf *text)
{
	char *end;

	if (!read_text(root, path, text) || buf_str(text)[0] < '0' || buf_str(text)[0] > '9')
		return false;
	*ret = strtoumax(buf_str(text), &end, 10);
	return true;
}

static uint64_t available_mb(const char *root, struct buf *text)
{
	const char *line = read_text(root, "proc/meminfo", text)
				   ? strstr(buf_str(text), "MemAvailable:")
				   : NULL;

	return line ? strtoumax(line + strlen("MemAvailable:"), NULL, 10) / 1024 : 0;
}

static unsigned allowed_cpus(void)
{
	cpu_set_t set;

	/* A machine with more processors than the set holds has enough of them. */
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? CPU_SETSIZE
							   : (unsigned)CPU_COUNT(&set);
}

/* What one control group allows: "QUOTA PERIOD" in microseconds; bytes. */
static void limit_by_group(const char *root, const char *group, struct host_room *room,
			   struct buf *text)
{
	char path[PATH_MAX];
	uint64_t quota, period, most, used = 0;
	char *end;

	snprintf(path, sizeof(path), "sys/fs/cgroup%s/cpu.max", group);
	if (read_number(root, path, &quota, text)) {
		strtoumax(buf_str(text), &end, 10);
		period = strtoumax(end, NULL, 10);
		if (period > 0 && quota / period < room->cpus)
			room->cpus = (unsigned)MAX(quota / period, (uint64_t)1);
	}
	snprintf(path, sizeof(path), "sys/fs/cgroup%s/memory.max", group);
	if (!read_number(root, path, &most, text))
		return;
	snprintf(path, sizeof(path), "sys/fs/cgroup%s/memory.current", group);
	read_number(root, path, &used, text);
	room->memory_mb =
		MIN(room->memory_mb, (most > used ? most - used : (uint64_t)0) / (1024 * 1024));
}

void host_room_read(const char *root, struct host_room *ret)
{
	_cleanup_buf_ struct buf text = BUF_INIT(64 * 1024);
	char group[PATH_MAX / 2] = "";
	struct host_room room = { .cpus = allowed_cpus(), .memory_mb = available_mb(root, &text) };
	const char *line =
		read_text(root, "proc/self/cgroup", &text) ? strstr(buf_str(&text), "0::/") : NULL;

	if (line)
		snprintf(group, sizeof(group), "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
	/* The group, and all those that it is in. */
	for (char *slash = line ? group + strlen(group) : NULL; slash;
	     slash = strrchr(group, '/')) {
		*slash = 0;
		limit_by_group(root, group, &room, &text);
	}
	*ret = room;
}

unsigned host_room_fit(const struct host_room *room, unsigned threads, unsigned memory_mb)
{
	uint64_t by_cpus = room->cpus / MAX(threads, 1u);
	uint64_t by_memory =
		room->memory_mb > HOST_KEEPS_MB
			? (room->memory_mb - HOST_KEEPS_MB) / ((uint64_t)memory_mb + GUEST_EXTRA_MB)
			: 0;

	return (unsigned)MAX(MIN(by_cpus, by_memory), (uint64_t)1);
}

unsigned host_room_jobs(unsigned threads, unsigned memory_mb)
{
	struct host_room room;

	host_room_read("", &room);
	return host_room_fit(&room, threads, memory_mb);
}
