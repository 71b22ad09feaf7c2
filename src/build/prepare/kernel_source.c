/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/prepare/kernel_source.h"

#include <sys/stat.h>

#include "base/file.h"
#include "package/apt.h"
#include "package/laid_tree.h"
#include "package/unpack.h"

#define SMALL_FILE_MAX (1024 * 1024)
#define RT_SUFFIX      "-rt-amd64"
#define SELFTESTS      "tools/testing/selftests/livepatch/"

/* Kconfig and make files are read for every architecture. */
static bool is_build_file(const char *name)
{
	const char *base = path_base(name);

	return str_has_prefix(base, "Kconfig") || str_has_prefix(base, "Makefile") ||
	       str_has_prefix(base, "Kbuild");
}

/* Everything but what an x86-64 build never opens, without the folder that the tree is packed in.
 * The livepatch selftests are for the lab. */
static bool map_source(void *user, const char *name, char dest[static PATH_MAX])
{
	static const char *const leave_out[] = { "tools/testing/", "tools/perf/",
						 "Documentation/" };
	bool keep = true;

	(void)user;
	name = strchr(name, '/');
	if (!name || !name[1])
		return false;
	name++;
	for (size_t i = 0; i < ARRAY_SIZE(leave_out); i++)
		keep = keep && !str_has_prefix(name, leave_out[i]);
	if (str_has_prefix(name, "arch/") && !str_has_prefix(name, "arch/x86/"))
		keep = false;
	if (!keep && !is_build_file(name) && !str_has_prefix(name, SELFTESTS))
		return false;
	return snprintf(dest, PATH_MAX, "%s", name) < PATH_MAX;
}

/* Finds the tar file inside the unpacked source package. */
static bool map_tarball(void *user, const char *name, char dest[static PATH_MAX])
{
	(void)user;
	if (!str_has_prefix(name, "usr/src/linux-source-") || !strstr(name, ".tar"))
		return false;
	snprintf(dest, PATH_MAX, "source.tar");
	return true;
}

/* Of a tree that was unpacked before the selftests were kept: it has their makefile only. */
static bool lacks_selftests(const char *tree)
{
	_cleanup_free_ char *makefile = path_join(tree, SELFTESTS "Makefile", NULL);
	_cleanup_free_ char *functions = path_join(tree, SELFTESTS "functions.sh", NULL);

	return makefile && functions && file_exists(makefile) && !file_exists(functions);
}

/* Another kernel may use the tree, so its other files stay as they are. */
static int take_selftests(const char *tree, const char *folder, struct error *err)
{
	_cleanup_free_ char *from = path_join(tree, SELFTESTS, NULL);
	_cleanup_free_ char *to = path_join(folder, SELFTESTS, NULL);
	int r = from && to ? file_remove_tree(to, err)
			   : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && rename(from, to) < 0 && lacks_selftests(folder))
		return error_set_errno(err, errno, "cannot rename %s", from);
	return r;
}

static int unpack_source(const char *deb, const char *tmp, const char *folder, struct error *err)
{
	_cleanup_free_ char *tar = path_join(tmp, "source.tar", NULL);
	_cleanup_free_ char *tree = path_join(tmp, "tree", NULL);
	struct unpack_options outer = { .dest = tmp, .map = map_tarball };
	struct unpack_options inner = { .dest = tree, .map = map_source };

	if (!tar || !tree)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	int r = unpack_deb(deb, &outer, err);

	if (r == 0)
		r = file_make_dirs(tree, 0755, err);
	if (r == 0)
		r = unpack_tar(tar, &inner, err);
	if (r < 0)
		return r;
	if (lacks_selftests(folder))
		return take_selftests(tree, folder, err);
	/* A kernel of another flavour may have unpacked the same source meanwhile. */
	if (rename(tree, folder) < 0 && !file_exists(folder))
		return error_set_errno(err, errno, "cannot rename %s", tree);
	return 0;
}

int preparation_check_package(const struct preparation *p, const char *what, const char *name,
			      const char *deb, struct error *err)
{
	struct deb_info info;
	int r = deb_info_read(deb, &info, err);

	return r < 0 ? r : kernel_match_package(&p->banner, what, name, &info, err);
}

static int check_source(const struct preparation *p, const char *tree, struct error *err)
{
	_cleanup_free_ char *makefile = path_join(tree, "Makefile", NULL);
	_cleanup_free_ char *built = path_join(tree, "include/generated/autoconf.h", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(SMALL_FILE_MAX);
	int r = makefile && built ? file_read(makefile, &text, err) : ERR_NO_MEMORY;

	if (r == 0)
		r = kernel_match_makefile(&p->banner, buf_str(&text), err);
	if (r < 0)
		return error_prefix(err, r, "%s", tree);
	if (file_exists(built)) {
		error_set(err, ERR_UNSUPPORTED, "%s: a kernel was built in this tree", tree);
		error_hint(err, "give a clean copy of it, or run make mrproper in it");
		return ERR_UNSUPPORTED;
	}
	return 0;
}

/* A tree at hand is used in place. */
static int use_tree(const struct preparation *p, char **ret, struct error *err)
{
	_cleanup_free_ char *tree = realpath(p->origin->source, NULL);
	int r = tree ? check_source(p, tree, err)
		     : error_set_errno(err, errno, "cannot use %s", p->origin->source);

	if (r == 0)
		*ret = TAKE_PTR(tree);
	return r;
}

int kernel_source_unknown(const struct kernel *k, struct error *err)
{
	error_set(err, ERR_UNSUPPORTED, "which source %s was built from is not known", k->release);
	error_hint(err, "give its source tree with --source, and --headers or --config");
	return ERR_UNSUPPORTED;
}

static int fetch_source(const struct preparation *p, const char *folder, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *deb = NULL;
	int r = 0;

	if (p->origin->source) {
		deb = strdup(p->origin->source);
		r = deb ? preparation_check_package(p, "source", k->source_package, deb, err)
			: ERR_NO_MEMORY;
	} else {
		p->say("downloading the source");
		r = apt_download(k->source_package, k->version, p->tmp, &deb, err);
	}
	if (r < 0)
		return r;
	p->say("unpacking the source");
	return unpack_source(deb, p->tmp, folder, err);
}

/* The source tree of the image's own version, unpacked once for all kernels built from it. */
static int get_plain(const struct preparation *p, char **ret, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *folder = NULL;
	bool exists;
	int r;

	if (!k->source_package[0])
		return kernel_source_unknown(k, err);
	r = kernel_source_folder(k->source_package, k->version, &folder, &exists, err);
	if (r < 0)
		return r;
	if (!exists || lacks_selftests(folder))
		r = fetch_source(p, folder, err);
	if (r == 0)
		r = check_source(p, folder, err);
	if (r == 0)
		*ret = TAKE_PTR(folder);
	return r;
}

/* Of the headers that the rt flavours share: what a compiler reads on x86-64. */
static bool map_common(void *user, const char *name, char dest[static PATH_MAX])
{
	const char *package = user;

	if (!str_has_prefix(name, "usr/src/"))
		return false;
	name += strlen("usr/src/");
	if (!str_has_prefix(name, package) || name[strlen(package)] != '/')
		return false;
	name += strlen(package) + 1;
	if (!str_has_prefix(name, "include/") && !str_has_prefix(name, "arch/x86/"))
		return false;
	return snprintf(dest, PATH_MAX, "%s", name) < PATH_MAX;
}

static int get_common(const struct preparation *p, const char *package, const char *folder,
		      struct error *err)
{
	struct unpack_options options = { .dest = folder,
					  .map = map_common,
					  .user = (void *)package };
	_cleanup_free_ char *deb = NULL;
	int r = file_make_dirs(folder, 0755, err);

	if (r < 0)
		return r;
	if (p->origin->common) {
		deb = strdup(p->origin->common);
		r = deb ? preparation_check_package(p, "common headers", package, deb, err)
			: error_set(err, ERR_NO_MEMORY, "out of memory");
	} else {
		p->say("downloading the headers of the real-time flavours");
		r = apt_download(package, p->kernel->version, p->tmp, &deb, err);
	}
	if (r < 0)
		error_hint(err,
			   "Debian's source package lacks the real-time patches: give --common "
			   "%s_*.deb, or --source a tree with the patches in it",
			   package);
	return r < 0 ? r : unpack_deb(deb, &options, err);
}

/*
 * Debian builds its rt flavours with patches that its source package does not hold. The headers
 * that these flavours share have them, and most other files are not touched by them. Which are,
 * nobody says here: each function is compared with the shipped code.
 */
static int lay_headers(const struct preparation *p, const char *package, const char *plain,
		       char **ret, struct error *err)
{
	_cleanup_free_ char *over = path_join(p->tmp, "common", NULL);
	_cleanup_free_ char *tmp = path_join(p->tmp, "laid", NULL);
	_cleanup_free_ char *folder = path_join(p->kernel->folder, "source", NULL);
	size_t laid;

	if (!over || !tmp || !folder)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	int r = get_common(p, package, over, err);

	if (r == 0)
		p->say("laying the real-time headers over the source");
	if (r == 0)
		r = laid_tree_make(plain, over, tmp, &laid, err);
	if (r == 0)
		r = file_remove_tree(folder, err);
	if (r == 0 && rename(tmp, folder) < 0)
		r = error_set_errno(err, errno, "cannot rename %s", tmp);
	if (r == 0)
		*ret = TAKE_PTR(folder);
	return r;
}

/* "6.1.0-56-rt-amd64" shares linux-headers-6.1.0-56-common-rt. */
static char *common_package(const char *release)
{
	size_t len = strlen(release) - strlen(RT_SUFFIX);
	char *name;

	return asprintf(&name, "linux-headers-%.*s-common-rt", (int)len, release) < 0 ? NULL : name;
}

int kernel_source_get(const struct preparation *p, bool realtime, char **ret, char **ret_laid,
		      struct error *err)
{
	const char *release = p->kernel->release;
	_cleanup_free_ char *package = NULL, *plain = NULL, *path = NULL;
	struct stat st;

	if (p->origin->source && stat(p->origin->source, &st) == 0 && S_ISDIR(st.st_mode))
		return use_tree(p, ret, err);

	int r = get_plain(p, &plain, err);

	if (r < 0)
		return r;
	if (!realtime || !str_has_suffix(release, RT_SUFFIX)) {
		*ret = TAKE_PTR(plain);
		return 0;
	}
	package = common_package(release);
	r = package ? lay_headers(p, package, plain, &path, err)
		    : error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	*ret_laid = TAKE_PTR(package);
	return 0;
}
