// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc and /sys: in their form, and of one mind with the system calls that tell the same. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "lab/exercise/check.h"

#define TEXT_MAX 32768

/* The number after "name:" at the start of a line; -1 without it. */
static long long field(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; (p = strstr(p, name)); p += n)
		if ((p == text || p[-1] == '\n') && p[n] == ':')
			return strtoll(p + n + 1, NULL, 10);
	return -1;
}

/* Lines that all end; no control characters but blanks. */
static void expect_lines(struct check *c, const char *path, const char *text, int least)
{
	size_t len = strlen(text);
	int lines = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char b = (unsigned char)text[i];

		lines += b == '\n';
		if (b < ' ' && b != '\n' && b != '\t')
			expect(c, false, "%s has byte 0x%02x: text expected", path, b);
	}
	expect(c, lines >= least, "%s has %d lines: at least %d expected", path, lines, least);
	expect(c, len == 0 || text[len - 1] == '\n', "%s ends in \"%.20s\": a whole line expected",
	       path, len > 20 ? text + len - 20 : text);
}

static void check_version(struct check *c, char *text)
{
	char expected[600], *words = NULL;
	struct utsname name = { 0 };

	expect_ok(c, "uname()", uname(&name));
	if (!slurp(c, "/proc/version", text, TEXT_MAX))
		return;
	snprintf(expected, sizeof(expected), "Linux version %s (", name.release);
	expect_lines(c, "/proc/version", text, 1);
	expect(c, str_has_prefix(text, expected), "/proc/version is \"%.80s\": \"%.60s…\" expected",
	       text, expected);
	words = strstr(text, name.version);
	expect(c, words != NULL, "/proc/version is \"%.90s\": \"%.60s\" in it expected", text,
	       name.version);
	slurp(c, "/proc/sys/kernel/osrelease", text, TEXT_MAX);
	snprintf(expected, sizeof(expected), "%s\n", name.release);
	expect_text(c, "/proc/sys/kernel/osrelease", text, expected);
	slurp(c, "/proc/sys/kernel/hostname", text, TEXT_MAX);
	snprintf(expected, sizeof(expected), "%s\n", name.nodename);
	expect_text(c, "/proc/sys/kernel/hostname", text, expected);
	slurp(c, "/proc/cmdline", text, TEXT_MAX);
	expect_lines(c, "/proc/cmdline", text, 1);
}

static void check_stat(struct check *c, char *text)
{
	char comm[64] = "", state = 0;
	int pid = 0, parent = 0, group = 0, session = 0;

	if (!slurp(c, "/proc/self/stat", text, TEXT_MAX))
		return;
	/* NOLINTNEXTLINE(cert-err34-c): what does not convert stays 0 and is found below. */
	int n = sscanf(text, "%d (%60[^)]) %c %d %d %d", &pid, comm, &state, &parent, &group,
		       &session);
	int blanks = 0;

	for (const char *p = text; *p; p++)
		blanks += *p == ' ';
	expect_number(c, "the fields of /proc/self/stat", n, 6);
	expect_range(c, "the blanks of /proc/self/stat", blanks, 43, 80);
	expect_number(c, "the pid in /proc/self/stat", pid, getpid());
	expect_number(c, "the parent in /proc/self/stat", parent, getppid());
	expect_number(c, "the group in /proc/self/stat", group, getpgrp());
	expect_number(c, "the session in /proc/self/stat", session, getsid(0));
	expect_number(c, "the state in /proc/self/stat", state, 'R');
	slurp(c, "/proc/self/comm", text, TEXT_MAX);
	text[strcspn(text, "\n")] = 0;
	expect_text(c, "/proc/self/comm", text, comm);
	slurp(c, "/proc/self/status", text, TEXT_MAX);
	expect_lines(c, "/proc/self/status", text, 30);
	expect_number(c, "Pid in /proc/self/status", field(text, "Pid"), getpid());
	expect_number(c, "PPid in /proc/self/status", field(text, "PPid"), getppid());
	expect_number(c, "Uid in /proc/self/status", field(text, "Uid"), getuid());
	expect_number(c, "Threads in /proc/self/status", field(text, "Threads"), 1);
	expect_range(c, "VmRSS in /proc/self/status", field(text, "VmRSS"), 20,
		     field(text, "VmHWM") + 4096);
}

/* Each line "Name: N kB" or "Name: N". */
static void check_meminfo(struct check *c, char *text)
{
	struct sysinfo info = { 0 };
	char *rest = NULL;

	expect_ok(c, "sysinfo()", sysinfo(&info));
	if (!slurp(c, "/proc/meminfo", text, TEXT_MAX))
		return;
	expect_lines(c, "/proc/meminfo", text, 30);
	long long total = field(text, "MemTotal"), free_kb = field(text, "MemFree");

	expect_number(c, "MemTotal", total, (long long)(info.totalram * info.mem_unit / 1024));
	expect_range(c, "MemFree", free_kb, 1, total);
	expect_range(c, "MemAvailable", field(text, "MemAvailable"), 0, total);
	expect_range(c, "sysinfo()'s freeram", (long long)(info.freeram * info.mem_unit / 1024),
		     free_kb - total / 4, free_kb + total / 4);
	expect_number(c, "SwapTotal", field(text, "SwapTotal"),
		      (long long)(info.totalswap * info.mem_unit / 1024));
	expect_range(c, "Slab", field(text, "Slab"),
		     field(text, "SReclaimable") + field(text, "SUnreclaim") - 1024,
		     field(text, "SReclaimable") + field(text, "SUnreclaim") + 1024);
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *colon = strchr(line, ':'), *end = line;
		bool ok = colon != NULL;

		if (ok)
			strtoull(colon + 1, &end, 10);
		ok = ok && end > colon + 1 && (streq(end, " kB") || *end == 0);
		expect(c, ok, "/proc/meminfo has the line \"%.60s\": \"Name: N kB\" expected",
		       line);
	}
}

static void check_times(struct check *c, char *text)
{
	struct timespec now = { 0 };
	double up = -1, idle = -1, load[3] = { -1, -1, -1 };
	int running = -1, all = -1, last = -1;

	slurp(c, "/proc/uptime", text, TEXT_MAX);
	clock_gettime(CLOCK_BOOTTIME, &now);
	/* NOLINTBEGIN(cert-err34-c): what does not convert keeps its first value. */
	expect_number(c, "the fields of /proc/uptime", sscanf(text, "%lf %lf\n", &up, &idle), 2);
	expect_range(c, "/proc/uptime", (long long)up, now.tv_sec - 60, now.tv_sec + 1);
	slurp(c, "/proc/loadavg", text, TEXT_MAX);
	expect_number(c, "the fields of /proc/loadavg",
		      sscanf(text, "%lf %lf %lf %d/%d %d\n", &load[0], &load[1], &load[2], &running,
			     &all, &last),
		      6);
	/* NOLINTEND(cert-err34-c) */
	expect(c, load[0] >= 0 && load[0] < 100000 && load[2] >= 0,
	       "/proc/loadavg is \"%.40s\": loads of 0 and more expected", text);
	expect_range(c, "the running ones in /proc/loadavg", running, 1, all);
	expect_range(c, "the last pid in /proc/loadavg", last, 1, 1 << 22);
	slurp(c, "/proc/stat", text, TEXT_MAX);
	expect(c, str_has_prefix(text, "cpu  "), "/proc/stat starts with \"%.10s\": cpu expected",
	       text);
	const char *boot = strstr(text, "\nbtime ");
	long long booted = boot ? strtoll(boot + 7, NULL, 10) : -1;

	expect_range(c, "btime in /proc/stat", booted, time(NULL) - now.tv_sec - 60,
		     time(NULL) - now.tv_sec + 60);
}

/* The line of our own stack and of our own code in /proc/self/maps. */
static void check_maps(struct check *c, char *text)
{
	unsigned long here = (unsigned long)text, code = (unsigned long)&check_maps;
	char *rest = NULL;
	bool found_here = false, found_code = false;
	unsigned long last = 0;
	_cleanup_free_ char *maps = malloc(TEXT_MAX);

	if (!maps || !slurp(c, "/proc/self/maps", maps, TEXT_MAX))
		return;
	expect_lines(c, "/proc/self/maps", maps, 5);
	for (char *line = strtok_r(maps, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *end = line;
		unsigned long from = strtoul(line, &end, 16),
			      to = strtoul(end + (*end == '-'), &end, 16);

		expect(c, from >= last && to > from && end[0] == ' ',
		       "/proc/self/maps has \"%.60s\": rising addresses expected", line);
		last = to;
		found_here |= here >= from && here < to && str_has_prefix(end, " rw-p ");
		found_code |= code >= from && code < to && str_has_prefix(end, " r-xp ");
	}
	expect(c, found_here && found_code, "/proc/self/maps has memory %d, code %d: both expected",
	       found_here, found_code);
}

static void check_self(struct check *c, char *text)
{
	struct rlimit limit = { 0 };
	char link[512] = "", *line;
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat a = { 0 }, b = { 0 };

	snprintf(text, TEXT_MAX, "/proc/self/fd/%d", fd);
	expect_ok(c, "stat() in /proc/self/fd", stat(text, &a) | fstat(fd, &b));
	expect_number(c, "st_ino in /proc/self/fd", (long long)a.st_ino, (long long)b.st_ino);
	expect_range(c, "readlink() of /proc/self/exe", readlink("/proc/self/exe", link, 511), 2,
		     511);
	expect_number(c, "the first byte of /proc/self/exe", link[0], '/');
	getrlimit(RLIMIT_NOFILE, &limit);
	slurp(c, "/proc/self/limits", text, TEXT_MAX);
	line = strstr(text, "\nMax open files");
	expect_number(c, "open files in /proc/self/limits",
		      line ? strtoll(line + 15, NULL, 10) : -2, (long long)limit.rlim_cur);
	slurp(c, "/proc/self/statm", text, TEXT_MAX);
	expect_range(c, "/proc/self/statm", strtoll(text, NULL, 10), 20, 1 << 22);
	slurp(c, "/proc/self/mountinfo", text, TEXT_MAX);
	expect(c, strstr(text, " /proc ") != NULL,
	       "/proc/self/mountinfo has no /proc: it expected");
	slurp(c, "/proc/net/dev", text, TEXT_MAX);
	expect(c, strstr(text, " lo:") != NULL, "/proc/net/dev has no lo: it expected");
	slurp(c, "/proc/filesystems", text, TEXT_MAX);
	expect(c, strstr(text, "\tproc\n") != NULL, "/proc/filesystems has no proc: it expected");
	_cleanup_close_ int comm = open("/proc/self/comm", O_RDWR | O_CLOEXEC);

	expect_number(c, "write() to /proc/self/comm", write(comm, "renamed", 7), 7);
	expect_number(c, "read() of /proc/self/comm", pread(comm, text, 100, 0), 8);
	expect_bytes(c, "/proc/self/comm", text, "renamed\n", 8);
}

static void check_processors(struct check *c, char *text)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	long long count = 0;
	char *end;

	if (!slurp(c, "/sys/devices/system/cpu/online", text, TEXT_MAX))
		return;
	for (char *p = text; *p && *p != '\n'; p = end + (*end == ',')) {
		long long from = strtoll(p, &end, 10), to = from;

		if (*end == '-')
			to = strtoll(end + 1, &end, 10);
		if (end == p)
			break;
		count += to - from + 1;
	}
	expect_number(c, "the processors in /sys/devices/system/cpu/online", count, online);
	_cleanup_free_ char *info = calloc(1, 1 << 20);
	long long seen = 0;

	if (!info || !slurp(c, "/proc/cpuinfo", info, 1 << 20))
		return;
	for (char *p = info; (p = strstr(p, "processor\t:")); p++)
		seen++;
	expect_number(c, "the processors in /proc/cpuinfo", seen, online);
}

static void check_other(struct check *c, char *text)
{
	static const struct {
		const char *path;
		int least;
	} files[] = {
		{ "/proc/devices", 5 },     { "/proc/interrupts", 5 }, { "/proc/iomem", 1 },
		{ "/proc/ioports", 1 },     { "/proc/partitions", 0 }, { "/proc/swaps", 1 },
		{ "/proc/vmstat", 50 },     { "/proc/zoneinfo", 10 },  { "/proc/buddyinfo", 1 },
		{ "/proc/crypto", 5 },      { "/proc/modules", 0 },    { "/proc/mounts", 1 },
		{ "/proc/softirqs", 5 },    { "/proc/locks", 0 },      { "/proc/self/io", 5 },
		{ "/proc/self/wchan", 0 },  { "/proc/net/tcp", 1 },    { "/proc/net/unix", 1 },
		{ "/proc/consoles", 0 },    { "/proc/misc", 0 },       { "/proc/self/sched", 5 },
		{ "/proc/self/cgroup", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (access(files[i].path, R_OK) < 0)
			continue;
		slurp(c, files[i].path, text, TEXT_MAX);
		/* What did not fit has no end. */
		if (strlen(text) < TEXT_MAX - 1 && files[i].least > 0)
			expect_lines(c, files[i].path, text, files[i].least);
	}
}

void group_procfs(struct check *c)
{
	char text[TEXT_MAX];

	check_version(c, text);
	check_stat(c, text);
	check_meminfo(c, text);
	check_times(c, text);
	check_maps(c, text);
	check_processors(c, text);
	check_other(c, text);
	check_self(c, text);
}
