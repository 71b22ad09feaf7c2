/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/apt.h"

#include <dirent.h>

#include "base/file.h"
#include "base/process.h"
#include "package/deb_version.h"

#define LISTING_MAX         (4 * 1024 * 1024)
#define QUERY_TIMEOUT_MS    (60 * 1000)
#define DOWNLOAD_TIMEOUT_MS (30 * 60 * 1000)
#define IMAGE_PREFIX        "linux-image-"

/* No translations: the output is read. */
static const char *const plain_env[] = { "LC_ALL=C", NULL };

static bool is_name(const char *s)
{
	size_t n =
		strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+~-:_");

	return n > 0 && n < APT_NAME_MAX && s[n] == '\0' && s[0] != '-' && s[0] != '.';
}

static int run(const char *const *argv, struct buf *out, struct error *err)
{
	struct process_options options = {
		.argv = argv, .env = plain_env, .timeout_ms = QUERY_TIMEOUT_MS, .out = out
	};
	int r = process_run(&options, NULL, err);

	if (r == -ENOENT)
		return error_set(err, ERR_UNSUPPORTED, "%s is not on this machine", argv[0]);
	return r;
}

static int compare_versions_down(const void *a, const void *b)
{
	return -deb_version_compare(*(char *const *)a, *(char *const *)b);
}

static void sort_down(struct name_list *list)
{
	if (list->n > 1)
		qsort(list->items, list->n, sizeof(*list->items), compare_versions_down);
}

/* One line: " package | version | where Packages". */
static int add_version(const char *line, struct name_list *list)
{
	const char *start = strchr(line, '|');

	if (!start)
		return 0;
	start += 1 + strspn(start + 1, " ");

	size_t len = strcspn(start, " |");
	const char *where = start + len + strspn(start + len, " |");

	if (len == 0 || len >= APT_NAME_MAX || !str_has_suffix(where, "Packages"))
		return 0;

	int r = name_list_add_n(list, start, len);

	if (r < 0)
		return r;
	for (size_t i = 0; i + 1 < list->n; i++)
		if (streq(list->items[i], list->items[list->n - 1])) {
			free(list->items[--list->n]);
			break;
		}
	return 0;
}

int apt_versions(const char *package, struct name_list *ret, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(LISTING_MAX);
	_cleanup_name_list_ struct name_list lines = { 0 }, versions = { 0 };

	if (!is_name(package))
		return error_set(err, ERR_INVALID, "'%s' is not a package name", package);

	int r = run((const char *const[]){ "apt-cache", "madison", "--", package, NULL }, &out,
		    err);

	if (r < 0)
		return r;
	r = name_list_add_lines(&lines, buf_str(&out));
	for (size_t i = 0; r == 0 && i < lines.n; i++)
		r = add_version(lines.items[i], &versions);
	if (r < 0)
		return error_set(err, r, "apt-cache madison %s: too much output", package);
	sort_down(&versions);
	*ret = versions;
	versions = (struct name_list){ 0 };
	return 0;
}

static int find_deb(const char *folder, const char *package, char **ret_path, struct error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	char *found = NULL;

	if (!dir)
		return error_set_errno(err, errno, "cannot read %s", folder);
	while (!found && (e = readdir(dir)) != NULL)
		if (str_has_suffix(e->d_name, ".deb") && str_has_prefix(e->d_name, package) &&
		    e->d_name[strlen(package)] == '_')
			found = path_join(folder, e->d_name, NULL);
	closedir(dir);
	if (!found)
		return error_set(err, ERR_NOT_FOUND, "apt-get download left no file of %s",
				 package);
	*ret_path = found;
	return 0;
}

/* Says what apt-get's own complaint means. */
static int download_error(const char *package, const char *said, struct error *err)
{
	static const struct {
		const char *text;
		int code;
		const char *meaning;
	} known[] = {
		{ "No space left on device", -ENOSPC, "the disk is full" },
		{ "free space", -ENOSPC, "the disk is full" },
		{ "Unable to locate package", ERR_NOT_FOUND, "apt does not know it" },
		{ "was not found", ERR_NOT_FOUND, "apt does not have this version" },
		{ "404", ERR_UNREACHABLE,
		  "the mirror no longer has it (run apt-get update to renew the lists)" },
		{ "Could not resolve", ERR_UNREACHABLE, "the mirror's name does not resolve" },
		{ "Temporary failure resolving", ERR_UNREACHABLE,
		  "the mirror's name does not resolve" },
		{ "Could not connect", ERR_UNREACHABLE, "the mirror does not answer" },
		{ "Failed to fetch", ERR_UNREACHABLE, "the mirror could not be reached" },
	};
	const char *last = strstr(said, "E: ");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstr(said, known[i].text))
			return error_set(err, known[i].code, "cannot download %s: %s", package,
					 known[i].meaning);
	last = last ? last : said;
	return error_set(err, ERR_CHILD, "cannot download %s: apt-get: %.*s", package,
			 (int)strcspn(last, "\n"), last);
}

int apt_download(const char *package, const char *version, const char *folder, char **ret_path,
		 struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(LISTING_MAX);
	char what[2 * APT_NAME_MAX];
	int status;

	if (!is_name(package) || !is_name(version))
		return error_set(err, ERR_INVALID, "'%s=%s' is not a package", package, version);
	snprintf(what, sizeof(what), "%s=%s", package, version);

	struct process_options options = {
		.argv = (const char *const[]){ "apt-get", "-q", "download", "--", what, NULL },
		.env = plain_env,
		.cwd = folder,
		.timeout_ms = DOWNLOAD_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};
	int r = process_run(&options, &status, err);

	if (r == -ENOENT)
		return error_set(err, ERR_UNSUPPORTED, "apt-get is not on this machine");
	if (r < 0)
		return error_prefix(err, r, "cannot download %s", what);
	if (status != 0)
		return download_error(what, buf_str(&out), err);
	return find_deb(folder, package, ret_path, err);
}

/* "6.12.117+deb12-cloud-amd64" is a release, "6.12-cloud-amd64" a package that depends on one. */
static bool is_release(const char *s)
{
	for (int i = 0; i < 3; i++) {
		size_t digits = strspn(s, "0123456789");

		if (digits == 0 || digits > 6)
			return false;
		s += digits;
		if (i < 2 && *s++ != '.')
			return false;
	}
	return *s == '-' || *s == '+';
}

/* True if what follows the ABI number is exactly `flavour` (or, with NULL, any for x86-64). */
static bool has_flavour(const char *release, const char *flavour)
{
	const char *dash = strchr(release, '-');

	while (dash && strspn(dash + 1, "0123456789") > 0)
		dash = strchr(dash + 1, '-');
	if (!dash)
		return false;
	return flavour ? streq(dash + 1, flavour)
		       : streq(dash + 1, "amd64") || str_has_suffix(dash, "-amd64");
}

int apt_kernel_releases(const char *flavour, struct name_list *ret, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(LISTING_MAX);
	_cleanup_name_list_ struct name_list lines = { 0 }, releases = { 0 };
	int r = run((const char *const[]){ "apt-cache", "pkgnames", IMAGE_PREFIX, NULL }, &out,
		    err);

	if (r < 0)
		return r;
	r = name_list_add_lines(&lines, buf_str(&out));
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		const char *release = lines.items[i];

		if (!str_has_prefix(release, IMAGE_PREFIX))
			continue;
		release += strlen(IMAGE_PREFIX);
		if (is_release(release) && has_flavour(release, flavour))
			r = name_list_add(&releases, release);
	}
	if (r < 0)
		return error_set(err, r, "apt-cache pkgnames: too much output");
	sort_down(&releases);
	*ret = releases;
	releases = (struct name_list){ 0 };
	return 0;
}

/* Names up to three releases that share the longest beginning with the unknown one. */
static void hint_near(const char *release, struct error *err)
{
	_cleanup_name_list_ struct name_list all = { 0 };
	char near[ERROR_HINT_MAX] = "";
	size_t best = 0, used = 0, shown = 0;

	if (apt_kernel_releases(NULL, &all, NULL) < 0)
		return;
	if (all.n == 0) {
		error_hint(err, "apt has no kernel at all: run apt-get update");
		return;
	}
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < all.n && shown < 3; i++) {
			size_t same = 0;

			while (release[same] && release[same] == all.items[i][same])
				same++;
			if (pass == 0) {
				best = MAX(best, same);
			} else if (same == best &&
				   used + strlen(all.items[i]) + 3 < sizeof(near) - 16) {
				used += (size_t)snprintf(near + used, sizeof(near) - used, "%s%s",
							 shown ? ", " : "", all.items[i]);
				shown++;
			}
		}
	error_hint(err, "apt has, among others: %s", near);
}

/* `name` is a release, or a flavour with a dash in front. */
static int check_architecture(const char *name, const char *shown, struct error *err)
{
	static const char *const foreign[] = { "-arm64",   "-armmp",    "-armhf",       "-686",
					       "-i386",    "-ppc64el",  "-powerpc64le", "-s390x",
					       "-riscv64", "-mips64el", "-loongson-3",  "-octeon",
					       "-marvell", "-rpi",      "-lpae",        "-pae",
					       "-raspi",   "-64k" };

	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strstr(name, foreign[i]))
			return error_set(err, ERR_UNSUPPORTED,
					 "%s is not an x86-64 kernel: only x86-64 is supported",
					 shown);
	return 0;
}

static int check_release(const char *release, struct error *err)
{
	if (!is_name(release) || !kernel_release_is_valid(release))
		return error_set(err, ERR_INVALID, "'%s' is not a kernel release", release);
	return check_architecture(release, release, err);
}

/* Ubuntu's kernels are in Ubuntu's archive, and their image and modules in two packages. */
static int unknown_kernel(const char *release, struct error *err)
{
	struct kernel_release parts;
	char source[APT_NAME_MAX];
	int r = error_set(err, ERR_NOT_FOUND, "apt does not know a kernel %s", release);

	if (kernel_release_parse(release, &parts) < 0 || parts.vendor != KERNEL_UBUNTU) {
		hint_near(release, err);
		return r;
	}
	apt_source_package(&parts, source);
	error_hint(
		err,
		"give Ubuntu's packages: --image linux-image-*.deb --modules linux-modules-*.deb "
		"--headers linux-headers-*.deb --source %s*.deb",
		source);
	return r;
}

void apt_source_package(const struct kernel_release *release, char ret[static APT_NAME_MAX])
{
	if (release->vendor == KERNEL_UBUNTU)
		snprintf(ret, APT_NAME_MAX, "linux-source-%u.%u.%u", release->major, release->minor,
			 release->patch);
	else
		snprintf(ret, APT_NAME_MAX, "linux-source-%u.%u", release->major, release->minor);
}

/* The version from which the image was built is that of the source package with the same number. */
static int find_source(struct apt_kernel *k, struct error *err)
{
	_cleanup_name_list_ struct name_list versions = { 0 };
	struct kernel_release release;

	if (kernel_release_parse(k->release, &release) < 0)
		return error_set(err, ERR_INVALID, "'%s' is not a kernel release", k->release);
	apt_source_package(&release, k->source);

	int r = apt_versions(k->source, &versions, err);

	if (r < 0)
		return r;
	if (name_list_has(&versions, k->version))
		memcpy(k->source_version, k->version, sizeof(k->source_version));
	return 0;
}

int apt_find_kernel(const char *release, struct apt_kernel *ret, struct error *err)
{
	_cleanup_name_list_ struct name_list images = { 0 }, headers = { 0 };
	struct apt_kernel k = { 0 };
	int r = check_release(release, err);

	if (r < 0)
		return r;
	snprintf(k.release, sizeof(k.release), "%s", release);
	snprintf(k.image, sizeof(k.image), IMAGE_PREFIX "%s", release);
	snprintf(k.headers, sizeof(k.headers), "linux-headers-%s", release);
	r = apt_versions(k.image, &images, err);
	if (r < 0)
		return r;
	r = apt_versions(k.headers, &headers, err);
	if (r < 0)
		return r;
	if (images.n == 0 || !is_release(release))
		return unknown_kernel(release, err);
	/* An image and headers of one version, the newest that has both. */
	snprintf(k.version, sizeof(k.version), "%s", images.items[0]);
	for (size_t i = images.n; i-- > 0;)
		if (name_list_has(&headers, images.items[i]))
			snprintf(k.version, sizeof(k.version), "%s", images.items[i]);
	if (!name_list_has(&headers, k.version))
		k.headers[0] = '\0';
	r = find_source(&k, err);
	if (r < 0)
		return r;
	*ret = k;
	return 0;
}

int apt_newest_kernel(const char *flavour, struct apt_kernel *ret, struct error *err)
{
	_cleanup_name_list_ struct name_list releases = { 0 };
	char dashed[APT_NAME_MAX];
	int r;

	snprintf(dashed, sizeof(dashed), "-%s", flavour);
	r = check_architecture(dashed, flavour, err);
	if (r == 0)
		r = apt_kernel_releases(flavour, &releases, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < releases.n; i++) {
		struct apt_kernel k;

		r = apt_find_kernel(releases.items[i], &k, err);
		if (r < 0 && r != ERR_NOT_FOUND)
			return r;
		if (r == 0 && k.headers[0] && k.source_version[0]) {
			*ret = k;
			return 0;
		}
	}
	r = error_set(err, ERR_NOT_FOUND, "apt has no %s kernel with headers and source", flavour);
	error_hint(err, releases.n ? "run apt-get update to renew apt's lists"
				   : "Debian's flavours are cloud-amd64, amd64 and rt-amd64");
	return r;
}
