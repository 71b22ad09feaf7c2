// SPDX-License-Identifier: GPL-2.0-or-later
/* How many guests fit, on machines made of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lab/guest/host_room.h"

static char root[64];

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_join(root, name, NULL);

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static int set_up(void **state)
{
	static const char *const folders[] = { "proc",
					       "proc/self",
					       "sys",
					       "sys/fs",
					       "sys/fs/cgroup",
					       "sys/fs/cgroup/a",
					       "sys/fs/cgroup/a/b" };
	(void)state;
	snprintf(root, sizeof(root), "/tmp/test-host_room-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = path_join(root, folders[i], NULL);

		if (!path || mkdir(path, 0700) < 0)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(root, NULL);
}

static void test_fit(void **state)
{
	(void)state;
	struct host_room room = { .cpus = 8, .memory_mb = 1024 + 10 * 768 };

	assert_int_equal(host_room_fit(&room, 1, 512), 8);
	assert_int_equal(host_room_fit(&room, 0, 512), 8);
	assert_int_equal(host_room_fit(&room, 3, 512), 2);
	assert_int_equal(host_room_fit(&room, 16, 512), 1);
	room.cpus = 64;
	assert_int_equal(host_room_fit(&room, 1, 512), 10);
	assert_int_equal(host_room_fit(&room, 1, 513), 9);
	assert_int_equal(host_room_fit(&room, 1, UINT32_MAX), 1);
	room.memory_mb = 100;
	assert_int_equal(host_room_fit(&room, 1, 512), 1);
}

/* The narrowest of the group and those that it is in counts. */
static void test_groups(void **state)
{
	(void)state;
	struct host_room room;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	host_room_read(root, &room);
	assert_int_equal(room.memory_mb, 0);
	assert_int_equal(room.cpus, CPU_COUNT(&set));
	put("proc/meminfo", "MemTotal:  9000000 kB\nMemAvailable:    8388608 kB\n");
	put("sys/fs/cgroup/memory.max", "max\n");
	host_room_read(root, &room);
	assert_int_equal(room.memory_mb, 8192);
	put("proc/self/cgroup", "1:name=x:/y\n0::/a/b\n");
	put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/a/b/memory.max", "max\n");
	put("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
	put("sys/fs/cgroup/a/memory.max", "4294967296\n");
	put("sys/fs/cgroup/a/memory.current", "1073741824\n");
	host_room_read(root, &room);
	assert_int_equal(room.cpus, 1);
	assert_int_equal(room.memory_mb, 3072);
	put("sys/fs/cgroup/memory.max", "1048576\n");
	put("sys/fs/cgroup/a/cpu.max", "10000 100000\n");
	host_room_read(root, &room);
	assert_int_equal(room.cpus, 1);
	assert_int_equal(room.memory_mb, 1);
	put("sys/fs/cgroup/a/cpu.max", "7 0\n");
	host_room_read(root, &room);
	assert_int_equal(room.cpus, CPU_COUNT(&set));
	assert_true(host_room_jobs(1, 512) >= 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit),
		cmocka_unit_test_setup_teardown(test_groups, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
