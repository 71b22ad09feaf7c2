/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "package/apt.h"

#include <dirent.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/process.h"
#include "package/apt_output.h"
#include "package/kernel_cache.h"

#define LISTING_MAX         (4 * 1024 * 1024)
#define QUERY_TIMEOUT_MS    (60 * 1000)
#define DOWNLOAD_TIMEOUT_MS (30 * 60 * 1000)

/* No translations: the output is read. */
static const char *const plain_env[] = { "LC_ALL=C", NULL };

/* The index that apt reads its lists through. Where the system keeps none, as in container images,
 * each call would make it anew, which takes two seconds of a processor. */
static const char system_index[] = "/var/cache/apt/pkgcache.bin";

struct index {
	char *folder; /* ours, in the cache */
	char *option; /* NULL: apt does as it is configured */
	int lock;     /* on the folder, shared by all who use it now */
};

static void index_free(struct index *index)
{
	closep(&index->lock);
	free(index->folder);
	free(index->option);
}
#define _cleanup_index_ _cleanup_(index_free)

/* Without a cache of ours, or a place for it, apt does without as well. */
static void index_find(struct index *ret)
{
	_cleanup_free_ char *cache = NULL;
	_cleanup_index_ struct index index = { .lock = -1 };

	if (file_exists(system_index) || kernel_cache_folder(&cache, NULL) < 0)
		return;
	index.folder = path_join(cache, "apt", NULL);
	if (!index.folder || file_make_dirs(index.folder, 0755, NULL) < 0)
		return;
	index.lock = open(index.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (index.lock < 0 || flock(index.lock, LOCK_SH) < 0 ||
	    asprintf(&index.option, "Dir::Cache::pkgcache=%s/pkgcache.bin", index.folder) < 0)
		return;
	*ret = index;
	index = (struct index){ .lock = -1 };
}

/* A full disk leaves a part of the index, under a name that nobody looks for. */
static void index_drop(const struct index *index)
{
	if (index->option && flock(index->lock, LOCK_EX | LOCK_NB) == 0)
		(void)file_remove_tree(index->folder, NULL);
}

/* "apt-cache" or "apt-get" with its arguments. */
static int run_apt(const char *program, const char *const *arguments,
		   const struct process_options *options, int *ret_status, struct error *err)
{
	_cleanup_index_ struct index index = { .lock = -1 };
	_cleanup_free_ const char **argv = NULL;
	struct process_options o = *options;
	size_t n = 0, k = 0;
	int status = 0;

	while (arguments[n])
		n++;
	argv = calloc(n + 6, sizeof(*argv));
	if (!argv)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	index_find(&index);
	argv[k++] = program;
	if (index.option) {
		argv[k++] = "-o";
		argv[k++] = index.option;
		argv[k++] = "-o";
		argv[k++] = "Dir::Cache::srcpkgcache=";
	}
	memcpy(argv + k, arguments, n * sizeof(*argv));
	o.argv = argv;
	o.env = plain_env;

	int r = process_run(&o, ret_status ? &status : NULL, err);

	if (r < 0 || status != 0)
		index_drop(&index);
	if (ret_status)
		*ret_status = status;
	return r == -ENOENT ? error_set(err, ERR_UNSUPPORTED, "%s is not on this machine", program)
			    : r;
}

/* A question to apt-cache; errout NULL: an error is the last line of it. */
static int ask(const char *const *arguments, struct buf *out, struct buf *errout, struct error *err)
{
	return run_apt("apt-cache", arguments,
		       &(struct process_options){
			       .timeout_ms = QUERY_TIMEOUT_MS, .out = out, .errout = errout },
		       NULL, err);
}

int apt_versions(const char *package, struct name_list *ret, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(LISTING_MAX);

	if (!apt_is_name(package))
		return error_set(err, ERR_INVALID, "'%s' is not a package name", package);

	int r = ask((const char *const[]){ "madison", "--", package, NULL }, &out, NULL, err);

	if (r < 0)
		return r;
	r = apt_output_versions(buf_str(&out), package, ret);
	return r < 0 ? error_set(err, r, "apt-cache madison %s: too much output", package) : 0;
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

int apt_download(const char *package, const char *version, const char *folder, char **ret_path,
		 struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(LISTING_MAX);
	char what[2 * APT_NAME_MAX];
	int status;

	if (!apt_is_name(package) || !apt_is_name(version))
		return error_set(err, ERR_INVALID, "'%s=%s' is not a package", package, version);
	snprintf(what, sizeof(what), "%s=%s", package, version);

	struct process_options options = {
		.cwd = folder,
		.timeout_ms = DOWNLOAD_TIMEOUT_MS,
		.out = &out,
		.errout = &out,
	};
	int r = run_apt("apt-get", (const char *const[]){ "-q", "download", "--", what, NULL },
			&options, &status, err);

	if (r < 0)
		return error_prefix(err, r, "cannot download %s", what);
	if (status != 0)
		return apt_output_failure(what, buf_str(&out), err);
	return find_deb(folder, package, ret_path, err);
}

int apt_kernel_releases(const char *series, const char *flavour, struct name_list *ret,
			struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(LISTING_MAX);
	int r = ask((const char *const[]){ "pkgnames", APT_IMAGE_PREFIX, NULL }, &out, NULL, err);

	if (r < 0)
		return r;
	r = apt_output_releases(buf_str(&out), series, flavour, ret);
	return r < 0 ? error_set(err, r, "apt-cache pkgnames: too much output") : 0;
}

/* Names up to three releases that share the longest beginning with the unknown one. */
static void hint_near(const char *release, struct error *err)
{
	_cleanup_name_list_ struct name_list all = { 0 };
	char near[ERROR_HINT_MAX] = "";
	size_t best = 0, used = 0, shown = 0;

	if (apt_kernel_releases(NULL, NULL, &all, NULL) < 0)
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
	if (!apt_is_name(release) || !kernel_release_is_valid(release))
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

static void name_packages(const char *release, const struct kernel_release *parts,
			  struct apt_kernel *ret)
{
	*ret = (struct apt_kernel){ 0 };
	snprintf(ret->release, sizeof(ret->release), "%s", release);
	snprintf(ret->image, sizeof(ret->image), APT_IMAGE_PREFIX "%s", release);
	snprintf(ret->headers, sizeof(ret->headers), "linux-headers-%s", release);
	apt_source_package(parts, ret->source);
}

/* An image and headers of one version, the newest that has both; `images` is not empty. The version
 * from which the image was built is that of the source package with the same number. */
static void choose_version(struct apt_kernel *k, const struct name_list *images,
			   const struct name_list *headers, const struct name_list *sources)
{
	snprintf(k->version, sizeof(k->version), "%s", images->items[0]);
	for (size_t i = images->n; i-- > 0;)
		if (name_list_has(headers, images->items[i]))
			snprintf(k->version, sizeof(k->version), "%s", images->items[i]);
	if (!name_list_has(headers, k->version))
		k->headers[0] = '\0';
	if (name_list_has(sources, k->version))
		memcpy(k->source_version, k->version, sizeof(k->source_version));
}

int apt_find_kernel(const char *release, struct apt_kernel *ret, struct error *err)
{
	_cleanup_name_list_ struct name_list images = { 0 }, headers = { 0 }, sources = { 0 };
	struct kernel_release parts;
	struct apt_kernel k;
	int r = check_release(release, err);

	if (r < 0)
		return r;
	if (kernel_release_parse(release, &parts) < 0)
		return error_set(err, ERR_INVALID, "'%s' is not a kernel release", release);
	name_packages(release, &parts, &k);
	r = apt_versions(k.image, &images, err);
	if (r < 0)
		return r;
	r = apt_versions(k.headers, &headers, err);
	if (r < 0)
		return r;
	if (images.n == 0 || !apt_is_release(release))
		return unknown_kernel(release, err);
	r = apt_versions(k.source, &sources, err);
	if (r < 0)
		return r;
	choose_version(&k, &images, &headers, &sources);
	*ret = k;
	return 0;
}

/* What apt has of all packages of all these kernels, as one text. */
static int list_packages(const struct apt_kernel *kernels, size_t n, struct buf *out,
			 struct error *err)
{
	_cleanup_free_ const char **argv = calloc(3 * n + 4, sizeof(*argv));
	_cleanup_buf_ struct buf unknown = BUF_INIT(LISTING_MAX);
	size_t k = 0;

	if (!argv)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	argv[k++] = "madison";
	argv[k++] = "--";
	for (size_t i = 0; i < n; i++) {
		argv[k++] = kernels[i].image;
		argv[k++] = kernels[i].headers;
		if (i == 0 || !streq(kernels[i].source, kernels[i - 1].source))
			argv[k++] = kernels[i].source;
	}
	/* Standard error names the packages that apt does not have. */
	return ask(argv, out, &unknown, err);
}

/* False if one of the three packages is not there in the same version. */
static int look_up(const char *text, struct apt_kernel *k, bool *ret_whole)
{
	_cleanup_name_list_ struct name_list images = { 0 }, headers = { 0 }, sources = { 0 };
	int r = apt_output_versions(text, k->image, &images);

	if (r == 0)
		r = apt_output_versions(text, k->headers, &headers);
	if (r == 0)
		r = apt_output_versions(text, k->source, &sources);
	if (r < 0)
		return r;
	*ret_whole = false;
	if (images.n == 0)
		return 0;
	choose_version(k, &images, &headers, &sources);
	*ret_whole = k->headers[0] && k->source_version[0];
	return 0;
}

int apt_offered_kernels(struct apt_kernel **ret, size_t *ret_n, struct error *err)
{
	_cleanup_name_list_ struct name_list releases = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(LISTING_MAX);
	_cleanup_free_ struct apt_kernel *kernels = NULL;
	size_t n = 0, kept = 0;
	int r = apt_kernel_releases(NULL, NULL, &releases, err);

	if (r < 0)
		return r;
	kernels = calloc(APT_OFFERED_MAX, sizeof(*kernels));
	if (!kernels)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < releases.n && n < APT_OFFERED_MAX; i++) {
		struct kernel_release parts;

		if (kernel_release_parse(releases.items[i], &parts) == 0)
			name_packages(releases.items[i], &parts, &kernels[n++]);
	}
	r = n > 0 ? list_packages(kernels, n, &text, err) : 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool whole = false;

		r = look_up(buf_str(&text), &kernels[i], &whole);
		if (r < 0)
			error_set(err, r, "apt-cache madison: too much output");
		if (whole)
			kernels[kept++] = kernels[i];
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(kernels);
	*ret_n = kept;
	return 0;
}

int apt_newest_kernel(const char *series, const char *flavour, struct apt_kernel *ret,
		      struct error *err)
{
	_cleanup_name_list_ struct name_list releases = { 0 };
	char dashed[APT_NAME_MAX];
	int r;

	snprintf(dashed, sizeof(dashed), "-%s", flavour);
	r = check_architecture(dashed, flavour, err);
	if (r == 0)
		r = apt_kernel_releases(series, flavour, &releases, err);
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
	r = error_set(err, ERR_NOT_FOUND, "apt has no %s kernel%s%s with headers and source",
		      flavour, series ? " of " : "", series ? series : "");
	error_hint(err, releases.n ? "run apt-get update to renew apt's lists"
				   : "Debian's flavours are cloud-amd64, amd64 and rt-amd64");
	return r;
}
