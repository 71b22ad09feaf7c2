// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel itself holds, so that two calls differ by what leaked in between:
 *
 *	MemTotal - MemFree - free pages in per-processor lists   all that is in use
 *	- AnonPages - Cached - Buffers - SwapCached - Hugetlb     what belongs to processes and
 *files
 *	- Slab + each cache's objects in use × their size         objects, not the pages they are on
 *
 * which leaves modules, vmalloc, page tables, kernel stacks, per-processor memory, and pages that
 *no counter names. Before it is read, caches are dropped and shrunk (that empties the slabs' free
 * objects and the batches of kfree_rcu()), grace periods are waited for, and the counters'
 * per-processor parts are folded in. The program runs itself once without address randomisation,
 * since its page tables count too. Of several readings the least is taken: what is on its way to be
 * freed only ever adds.
 */
#include <ctype.h>
#include <dirent.h>
#include <linux/membarrier.h>
#include <sys/personality.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lab/exercise/exercise.h"

#define READINGS  4
#define TEXT_SIZE (256 * 1024)
#define PAUSE_MS  20

struct parts {
	long long total_kb;   /* the figure */
	long long slab_kb;    /* objects in use */
	long long rest_kb;    /* total - slab */
	long long vmalloc_kb; /* the others are part of the rest, as /proc/meminfo names them */
	long long percpu_kb;
	long long stack_kb;
	long long table_kb;
};

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* A kernel without the file has less to tidy up. */
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		return;
}

/* The rest of a file into `text`; false if it cannot be read or does not fit. */
static bool read_whole(const char *path, char *text, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 1;

	while (fd >= 0 && len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = 0;
	return fd >= 0 && n == 0;
}

/* Every cache once: aliases are links. */
static void shrink_slabs(void)
{
	DIR *dir = opendir("/sys/kernel/slab");

	for (struct dirent *d; dir && (d = readdir(dir));) {
		char path[300];

		if (d->d_name[0] == '.' || d->d_type == DT_LNK)
			continue;
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", d->d_name);
		write_file(path, "1");
	}
	if (dir)
		closedir(dir);
}

static void settle(void)
{
	for (int i = 0; i < 2; i++) {
		write_file("/proc/sys/vm/drop_caches", "3");
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
		pause_ms(PAUSE_MS);
	}
	shrink_slabs();
	write_file("/proc/sys/vm/stat_refresh", "1");
}

static long long meminfo_kb(const char *meminfo, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = meminfo; (p = strstr(p, name)); p += n)
		if ((p == meminfo || p[-1] == '\n') && p[n] == ':')
			return strtoll(p + n + 1, NULL, 10);
	return 0;
}

/* Of /proc/zoneinfo: "              count:    123" below each "    cpu: N". */
static long long pages_in_lists(const char *zoneinfo)
{
	long long pages = 0;

	for (const char *p = zoneinfo; (p = strstr(p, " count:")); p += 7)
		pages += strtoll(p + 7, NULL, 10);
	return pages;
}

/* Of /proc/slabinfo: "name active total size …" after two lines of headings. */
static long long slab_bytes(const char *slabinfo)
{
	long long bytes = 0;

	for (const char *p = strchr(slabinfo, '\n'); p && p[1]; p = strchr(p + 1, '\n')) {
		const char *line = p + 1;
		size_t name = strcspn(line, " \n");
		char *end;

		if (line[0] == '#' || line[name] != ' ')
			continue;
		long long active = strtoll(line + name, &end, 10);

		strtoll(end, &end, 10);
		bytes += active * strtoll(end, &end, 10);
	}
	return bytes;
}

/* `text`: three buffers of TEXT_SIZE. The order counts: what reading needs itself comes last. */
static bool take_reading(char *text, struct parts *ret)
{
	char *slabinfo = text, *meminfo = text + TEXT_SIZE, *zoneinfo = text + 2 * TEXT_SIZE;
	long page_kb = sysconf(_SC_PAGESIZE) / 1024;

	if (!read_whole("/proc/slabinfo", slabinfo, TEXT_SIZE) ||
	    !read_whole("/proc/meminfo", meminfo, TEXT_SIZE) ||
	    !read_whole("/proc/zoneinfo", zoneinfo, TEXT_SIZE))
		return false;
	long long users = meminfo_kb(meminfo, "AnonPages") + meminfo_kb(meminfo, "Cached") +
			  meminfo_kb(meminfo, "Buffers") + meminfo_kb(meminfo, "SwapCached") +
			  meminfo_kb(meminfo, "Hugetlb");

	*ret = (struct parts){
		.slab_kb = slab_bytes(slabinfo) / 1024,
		.rest_kb = meminfo_kb(meminfo, "MemTotal") - meminfo_kb(meminfo, "MemFree") -
			   pages_in_lists(zoneinfo) * page_kb - users - meminfo_kb(meminfo, "Slab"),
		.vmalloc_kb = meminfo_kb(meminfo, "VmallocUsed"),
		.percpu_kb = meminfo_kb(meminfo, "Percpu"),
		.stack_kb = meminfo_kb(meminfo, "KernelStack"),
		.table_kb = meminfo_kb(meminfo, "PageTables"),
	};
	ret->total_kb = ret->slab_kb + ret->rest_kb;
	return true;
}

/* Becomes this program again at fixed addresses; returns where that is not possible. */
static void fix_addresses(bool with_parts)
{
	int now = personality(0xffffffff);

	if (now < 0 || now & ADDR_NO_RANDOMIZE ||
	    personality((unsigned long)now | ADDR_NO_RANDOMIZE) < 0)
		return;
	execl("/proc/self/exe", "exercise", "memory", with_parts ? "parts" : NULL, NULL);
}

int exercise_memory(bool with_parts)
{
	struct parts least = { 0 };

	fix_addresses(with_parts);
	/* From now on the kernel does not log it when caches are dropped. */
	write_file("/proc/sys/vm/drop_caches", "4");
	_cleanup_free_ char *text = calloc(3, TEXT_SIZE);

	if (!text)
		return complain("memory: %s", strerror(ENOMEM));
	memset(text, 1, (size_t)3 * TEXT_SIZE);
	for (int i = 0; i < READINGS; i++) {
		struct parts now;

		settle();
		if (!take_reading(text, &now))
			return complain("memory: slabinfo, meminfo, zoneinfo: %s",
					errno ? strerror(errno) : "too long");
		if (i == 0 || now.total_kb < least.total_kb)
			least = now;
	}
	printf("%lld\n", least.total_kb);
	if (with_parts)
		printf("slab %lld\nrest %lld\nvmalloc %lld\npercpu %lld\nstacks %lld\ntables %lld\n",
		       least.slab_kb, least.rest_kb, least.vmalloc_kb, least.percpu_kb,
		       least.stack_kb, least.table_kb);
	return 0;
}
