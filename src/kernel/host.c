/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/host.h"

#include <stdio.h>

#include "base/file.h"
#include "kernel/root.h"

#define ENVIRON_MAX    65536
#define MEMINFO_MAX    65536

/* Inode numbers of the kernel's first namespaces: PROC_*_INIT_INO of include/linux/proc_ns.h. */
#define INIT_CGROUP_NS UINT64_C(0xEFFFFFFB)
#define INIT_PID_NS    UINT64_C(0xEFFFFFFC)
#define INIT_USER_NS   UINT64_C(0xEFFFFFFD)

static bool exists(const char *root, const char *path)
{
	struct kernel_path full;

	return kernel_path(&full, root, "%s", path) == 0 && file_exists(full.s);
}

/* Names go to screens and reports. */
static void set_name(char ret[static KERNEL_CONTAINER_MAX], const char *name, size_t len)
{
	len = MIN(len, (size_t)KERNEL_CONTAINER_MAX - 1);
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c >= '0' && c <= '9') || strchr("-_.", c);

		ret[i] = good && c ? c : '?';
	}
	ret[len] = 0;
}

static bool is_wsl(const char *root)
{
	char release[65];

	return kernel_read_text(root, "/proc/sys/kernel/osrelease", release, sizeof(release),
				NULL) == 0 &&
	       (strcasestr(release, "microsoft") || strstr(release, "WSL"));
}

/* A file in which the manager has left its name. */
static bool read_manager(const char *root, const char *path, char ret[static KERNEL_CONTAINER_MAX])
{
	char text[256];

	if (kernel_read_text(root, path, text, sizeof(text), NULL) < 0 || !text[0])
		return false;
	set_name(ret, text, strcspn(text, "\n"));
	return true;
}

/* The first process's variable `container`; its environment may be read by root alone. */
static bool read_environ(const char *root, char ret[static KERNEL_CONTAINER_MAX])
{
	static const char key[] = "container=";
	_cleanup_buf_ struct buf data = BUF_INIT(ENVIRON_MAX);
	struct kernel_path path;

	if (kernel_path(&path, root, "/proc/1/environ") < 0 || file_read(path.s, &data, NULL) < 0)
		return false;
	for (size_t at = 0; at < data.len;) {
		const char *entry = (const char *)data.data + at;
		size_t len = strnlen(entry, data.len - at);

		if (len > strlen(key) && str_has_prefix(entry, key)) {
			set_name(ret, entry + strlen(key), len - strlen(key));
			return true;
		}
		at += len + 1;
	}
	return false;
}

/* Is this namespace another one than the kernel's first? False when it cannot be told. */
static bool is_other_ns(const char *root, const char *kind, uint64_t first)
{
	char link[64], expected[64];
	struct kernel_path path;
	ssize_t n;

	if (kernel_path(&path, root, "/proc/self/ns/%s", kind) < 0)
		return false;
	n = readlink(path.s, link, sizeof(link) - 1);
	if (n < 0)
		return false;
	link[n] = 0;
	snprintf(expected, sizeof(expected), "%s:[%llu]", kind, (unsigned long long)first);
	return !streq(link, expected);
}

void kernel_container(const char *root, char ret[static KERNEL_CONTAINER_MAX])
{
	bool pid = is_other_ns(root, "pid", INIT_PID_NS);
	bool user = is_other_ns(root, "user", INIT_USER_NS);
	bool apart = pid || user || is_other_ns(root, "cgroup", INIT_CGROUP_NS);
	const char *name = "";

	ret[0] = 0;
	if (!is_wsl(root) &&
	    (read_manager(root, "/run/host/container-manager", ret) ||
	     read_manager(root, "/run/systemd/container", ret) || read_environ(root, ret)))
		return;
	if (is_wsl(root))
		name = "wsl";
	else if (apart && exists(root, "/run/.containerenv"))
		name = "podman";
	else if (apart && exists(root, "/.dockerenv"))
		name = "docker";
	else if (exists(root, "/proc/vz") && !exists(root, "/proc/bc"))
		name = "openvz";
	else if (pid)
		name = "pid-namespace";
	else if (user)
		name = "user-namespace";
	set_name(ret, name, strlen(name));
}

int kernel_memory_available(const char *root, uint64_t *ret, struct error *err)
{
	static const char key[] = "\nMemAvailable:";
	_cleanup_buf_ struct buf data = BUF_INIT(MEMINFO_MAX);
	unsigned long long kilobytes;
	struct kernel_path path;
	const char *at;
	char *end;
	int r;

	r = kernel_path(&path, root, "/proc/meminfo");
	if (r == 0)
		r = file_read(path.s, &data, err);
	if (r < 0)
		return r;
	at = strstr(buf_str(&data), key);
	if (!at)
		return error_set(err, ERR_INVALID, "%s: no MemAvailable", path.s);
	errno = 0;
	kilobytes = strtoull(at + strlen(key), &end, 10);
	if (errno || !str_has_prefix(end, " kB") || kilobytes > UINT64_MAX / 1024)
		return error_set(err, ERR_INVALID, "%s: MemAvailable is no number", path.s);
	*ret = (uint64_t)kilobytes * 1024;
	return 0;
}

void kernel_cmdline_read(const char *root, char ret[static KERNEL_CMDLINE_MAX])
{
	if (kernel_read_text(root, "/proc/cmdline", ret, KERNEL_CMDLINE_MAX, NULL) < 0)
		ret[0] = 0;
}

/* The end of the word that begins at `word`; quotes hold blanks together. */
static const char *word_end(const char *word)
{
	bool quoted = false;

	for (; *word && (quoted || !strchr(" \t\n", *word)); word++)
		if (*word == '"')
			quoted = !quoted;
	return word;
}

/* Is the name at `word`, up to `len`, this one? */
static bool is_name(const char *word, size_t len, const char *name)
{
	if (len != strlen(name))
		return false;
	for (size_t i = 0; i < len; i++)
		if (word[i] != name[i] && !(strchr("-_", word[i]) && strchr("-_", name[i])))
			return false;
	return true;
}

bool kernel_cmdline_find(const char *cmdline, const char *name, char *ret, size_t size)
{
	const char *word = cmdline, *end;
	bool found = false;

	for (;; word = end) {
		size_t len;

		word += strspn(word, " \t\n");
		end = word_end(word);
		if (end == word || (end - word == 2 && str_has_prefix(word, "--")))
			return found;
		if (*word == '"')
			word++;
		len = strcspn(word, "= \t\n\"");
		if (word + len > end || !is_name(word, len, name))
			continue;
		word += len;
		word += *word == '=';
		word += *word == '"';
		len = (size_t)(end - word);
		if (len && word[len - 1] == '"')
			len--;
		snprintf(ret, size, "%.*s", (int)MIN(len, size), len ? word : "");
		found = true;
	}
}
