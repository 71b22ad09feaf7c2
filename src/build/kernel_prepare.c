/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/kernel_prepare.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "build/config_compare.h"
#include "build/kernel_match.h"
#include "package/apt.h"
#include "package/unpack.h"
#include "package/vmlinuz.h"

#define MARKER_MAX      (64 * 1024)
#define PREPARED_FORMAT 2
#define CONFIG_MAX      (4 * 1024 * 1024)
#define SMALL_FILE_MAX  (1024 * 1024)

static char *marker_path(const struct kernel *kernel)
{
	return path_join(kernel->folder, "prepared.json", NULL);
}

static int write_marker(const struct kbuild *kb, struct error *err)
{
	_cleanup_free_ char *path = marker_path(kb->kernel);
	_cleanup_json_ json_t *o = json_object();

	if (!path || !o || json_object_set_new(o, "format", json_integer(PREPARED_FORMAT)) < 0 ||
	    json_set_str(o, "source", kb->source) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return json_save_path(o, path, 0644, err);
}

static int not_prepared(const struct kernel *kernel, struct error *err)
{
	int r = error_set(err, ERR_NOT_FOUND, "kernel %s is not prepared for building",
			  kernel->release);

	error_hint(err, "prepare it with: suture-build kernel add %s", kernel->release);
	return r;
}

int kernel_prepared(const struct kernel *kernel, int jobs, struct kbuild *ret, struct error *err)
{
	_cleanup_free_ char *path = marker_path(kernel);
	_cleanup_free_ char *config = path_join(kernel->build, ".config", NULL);
	_cleanup_json_ json_t *o = NULL;
	_cleanup_kbuild_ struct kbuild kb = { .kernel = kernel, .jobs = jobs };
	const char *source;
	int64_t format;

	if (!path || !config)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(path))
		return not_prepared(kernel, err);

	int r = json_load_path(path, MARKER_MAX, &o, err);

	if (r == 0)
		r = json_get_int(o, "format", 1, INT64_MAX, &format, err);
	if (r == 0)
		r = json_get_str(o, "source", 4096, &source, err);
	if (r < 0)
		return r;
	if (format != PREPARED_FORMAT || !file_exists(source))
		return not_prepared(kernel, err);
	kb.source = strdup(source);
	if (!kb.source)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = kbuild_find_compiler(config, &kb.compiler, &kb.compiler_version, err);
	if (r < 0)
		return r;
	*ret = kb;
	kb = (struct kbuild){ 0 };
	return 0;
}

/* Of the headers package only the configuration and the export versions are used. */
static bool map_headers(void *user, const char *name, char dest[static PATH_MAX])
{
	const struct kernel *k = user;
	_cleanup_free_ char *prefix = NULL;

	if (asprintf(&prefix, "usr/src/linux-headers-%s/", k->release) < 0)
		return false;
	if (!str_has_prefix(name, prefix))
		return false;
	name += strlen(prefix);
	if (!streq(name, ".config") && !streq(name, "Module.symvers"))
		return false;
	snprintf(dest, PATH_MAX, "%s", name);
	return true;
}

/* Kconfig and make files are read for every architecture. */
static bool is_build_file(const char *name)
{
	const char *base = path_base(name);

	return str_has_prefix(base, "Kconfig") || str_has_prefix(base, "Makefile") ||
	       str_has_prefix(base, "Kbuild");
}

/* Everything but what an x86-64 build never opens, without the folder that the tree is packed in.
 */
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
	if (!keep && !is_build_file(name))
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
	/* A kernel of another flavour may have unpacked the same source meanwhile. */
	if (rename(tree, folder) < 0 && !file_exists(folder))
		return error_set_errno(err, errno, "cannot rename %s", tree);
	return 0;
}

/* The parts of one preparation. */
struct preparation {
	const struct kernel *kernel;
	const struct prepare_origin *origin;
	struct kernel_banner banner; /* of the image */
	const char *tmp;             /* a folder beside the source trees */
	kernel_say_fn say;
};

/* A given package must be of the kernel's own version. */
static int check_package(const struct preparation *p, const char *what, const char *name,
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

static int no_source(const struct kernel *k, struct error *err)
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
		r = deb ? check_package(p, "source", k->source_package, deb, err) : ERR_NO_MEMORY;
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
static int get_source(const struct preparation *p, char **ret, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *folder = NULL;
	struct stat st;
	int r;

	if (p->origin->source && stat(p->origin->source, &st) == 0 && S_ISDIR(st.st_mode))
		return use_tree(p, ret, err);
	if (!k->source_package[0])
		return no_source(k, err);
	r = kernel_source_folder(k->source_package, k->version, &folder, err);
	if (r < 0)
		return r;
	if (!file_exists(folder))
		r = fetch_source(p, folder, err);
	if (r == 0)
		r = check_source(p, folder, err);
	if (r == 0)
		*ret = TAKE_PTR(folder);
	return r;
}

static int copy_into_build(const struct kernel *k, const char *from, const char *name,
			   struct error *err)
{
	_cleanup_free_ char *to = path_join(k->build, name, NULL);

	return to ? file_copy(from, to, 0644, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* A build folder, or an unpacked headers package. */
static int headers_from_folder(const struct preparation *p, struct error *err)
{
	const char *from = p->origin->headers;
	_cleanup_free_ char *config = path_join(from, ".config", NULL);
	_cleanup_free_ char *symvers = path_join(from, "Module.symvers", NULL);
	_cleanup_free_ char *release = path_join(from, "include/config/kernel.release", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(SMALL_FILE_MAX);
	int r = 0;

	if (!config || !symvers || !release)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (file_exists(release))
		r = file_read(release, &text, err);
	if (r == 0 && text.len)
		r = kernel_match_release(&p->banner, from, buf_str(&text), err);
	if (r == 0)
		r = copy_into_build(p->kernel, config, ".config", err);
	return r < 0 ? r : copy_into_build(p->kernel, symvers, "Module.symvers", err);
}

static int get_headers(const struct preparation *p, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *deb = NULL, *package = NULL;
	struct unpack_options options = { .dest = k->build, .map = map_headers, .user = (void *)k };
	struct stat st;
	int r;

	if (p->origin->headers && stat(p->origin->headers, &st) == 0 && S_ISDIR(st.st_mode))
		return headers_from_folder(p, err);
	if (asprintf(&package, "linux-headers-%s", k->release) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (p->origin->headers) {
		r = check_package(p, "headers", package, p->origin->headers, err);
		return r < 0 ? r : unpack_deb(p->origin->headers, &options, err);
	}
	if (!k->version[0])
		return no_source(k, err);
	p->say("downloading the headers");
	r = apt_download(package, k->version, p->tmp, &deb, err);
	return r < 0 ? r : unpack_deb(deb, &options, err);
}

static int check_config(const struct preparation *p, const char *config, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_MAX), shipped = BUF_INIT(CONFIG_MAX);
	const char *release = p->kernel->release;
	int r = file_read(config, &text, err);

	if (r < 0)
		return r;
	if (!strstr(buf_str(&text), "\nCONFIG_X86_64=y\n"))
		return error_set(err, ERR_UNSUPPORTED, "%s is not an x86-64 kernel", release);
	if (!strstr(buf_str(&text), "\nCONFIG_LIVEPATCH=y\n"))
		return error_set(err, ERR_UNSUPPORTED,
				 "%s is built without livepatch support (CONFIG_LIVEPATCH)",
				 release);
	r = kernel_match_config(&p->banner, buf_str(&text), err);
	if (r < 0 || !file_exists(p->kernel->config))
		return r;
	r = file_read(p->kernel->config, &shipped, err);
	if (r == 0)
		r = config_compare(buf_str(&shipped), buf_str(&text), err);
	return r < 0 ? error_prefix(err, r, "the configuration is not that of the image") : 0;
}

/* One of the kernel's own modules says for which release it was made. */
static int check_modules(const struct preparation *p, struct error *err)
{
	static const char key[] = "vermagic=";
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *order = path_join(k->modules, "modules.order", NULL), *line = NULL;
	_cleanup_buf_ struct buf module = BUF_INIT(KERNEL_MODULE_MAX);
	int r;

	if (!order)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(order) || file_read_line(order, &line, NULL) < 0 || !line[0])
		return 0;

	char *name = (char *)path_base(line);

	name[strcspn(name, ".")] = '\0';
	r = kernel_read_module(k, name, &module, NULL, err);
	if (r < 0)
		return r;

	const char *at = memmem(module.data, module.len, key, strlen(key));

	if (!at || !memchr(at, '\0', module.len - (size_t)(at - (const char *)module.data)))
		return error_set(err, ERR_INVALID, "module %s has no vermagic", name);
	return kernel_match_release(&p->banner, name, at + strlen(key), err);
}

/*
 * `make modules_prepare` spends half of its time on resolve_btfids, with a whole library, which
 * only links kernels; and every later make would look at all of its files. An explicit rule comes
 * before kbuild's pattern "tools/%".
 */
static const char extra_makefile[] = "tools/bpf/resolve_btfids: ;\n";

static int write_extra_makefile(const struct kernel *k, struct error *err)
{
	_cleanup_free_ char *path = kbuild_extra_makefile(k);

	return path ? file_write_atomic(path, extra_makefile, strlen(extra_makefile), 0644, err)
		    : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Debian builds its rt flavours with patches that its linux-source packages do not hold. */
static void explain_rt(const char *config, struct error *err)
{
	if (strstr(config, "\nCONFIG_PREEMPT_RT=y\n"))
		error_hint(err, "a real-time kernel: give --source the tree with the real-time "
				"patches in it (debian/patches-rt of the source package 'linux')");
}

/* olddefconfig drops without a word what the source or the tools of this machine do not know. */
static int make_config(struct kbuild *kb, const char *config, struct error *err)
{
	_cleanup_buf_ struct buf given = BUF_INIT(CONFIG_MAX), made = BUF_INIT(CONFIG_MAX);
	int r = file_read(config, &given, err);

	if (r == 0)
		r = kbuild_make(kb, (const char *const[]){ "olddefconfig", NULL }, NULL, err);
	if (r == 0)
		r = file_read(config, &made, err);
	if (r < 0)
		return error_prefix(err, r, "%s", kb->kernel->release);
	r = config_compare(buf_str(&given), buf_str(&made), err);
	if (r == 0)
		return 0;
	explain_rt(buf_str(&given), err);
	return error_prefix(err, r, "%s", kb->kernel->release);
}

static int configure(const struct preparation *p, struct kbuild *kb, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *config = path_join(k->build, ".config", NULL);
	_cleanup_free_ char *symvers = path_join(k->build, "Module.symvers", NULL);
	int r = config && symvers ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && p->origin->config)
		r = copy_into_build(k, p->origin->config, ".config", err);
	if (r < 0)
		return r;
	if (!file_exists(config) || !file_exists(symvers))
		return error_set(err, ERR_INVALID,
				 "the headers of %s lack .config or Module.symvers", k->release);
	r = check_config(p, config, err);
	if (r == 0 && !file_exists(k->config))
		r = file_copy(config, k->config, 0644, err);
	if (r == 0)
		r = kbuild_find_compiler(config, &kb->compiler, &kb->compiler_version, err);
	if (r < 0)
		return r;
	p->say("configuring");
	r = write_extra_makefile(k, err);
	if (r == 0)
		r = make_config(kb, config, err);
	if (r < 0)
		return r;
	p->say("preparing");
	return kbuild_make(kb, (const char *const[]){ "modules_prepare", NULL }, NULL, err);
}

static int read_banner(const struct kernel *k, struct kernel_banner *ret, struct error *err)
{
	_cleanup_buf_ struct buf image = BUF_INIT(VMLINUX_MAX);
	int r = file_read(k->vmlinux, &image, err);

	return r < 0 ? r : kernel_banner_find(image.data, image.len, ret, err);
}

static int prepare(struct preparation *p, int jobs, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_kbuild_ struct kbuild kb = { .kernel = k, .jobs = jobs };
	_cleanup_free_ char *units = path_join(k->folder, "units", NULL);
	int r = units ? read_banner(k, &p->banner, err)
		      : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = check_modules(p, err);
	if (r == 0)
		r = file_remove_tree(k->build, err);
	if (r == 0)
		r = file_remove_tree(units, err);
	if (r == 0)
		r = file_make_dirs(p->tmp, 0755, err);
	if (r == 0)
		r = file_make_dirs(k->build, 0755, err);
	if (r == 0)
		r = get_headers(p, err);
	if (r == 0)
		r = get_source(p, &kb.source, err);
	if (r == 0)
		r = configure(p, &kb, err);
	return r < 0 ? r : write_marker(&kb, err);
}

int kernel_prepare(const struct kernel *kernel, const struct prepare_origin *origin, int jobs,
		   kernel_say_fn say, struct error *err)
{
	static const struct prepare_origin none = { 0 };
	_cleanup_close_ int lock = -1;
	_cleanup_free_ char *tmp = NULL;
	_cleanup_kbuild_ struct kbuild done = { 0 };
	int r = kernel_lock(kernel->release, say, &lock, err);

	if (r < 0)
		return r;
	if (kernel_prepared(kernel, jobs, &done, NULL) == 0)
		return 0;
	/* Beside the source trees, so that a rename puts the new tree in its place. */
	if (asprintf(&tmp, "%s.prepare.tmp", kernel->folder) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = file_remove_tree(tmp, err);
	if (r == 0)
		r = prepare(&(struct preparation){ .kernel = kernel,
						   .origin = origin ? origin : &none,
						   .tmp = tmp,
						   .say = say },
			    jobs, err);

	if (r < 0)
		(void)file_remove_tree(kernel->build, NULL);

	int gone = file_remove_tree(tmp, r < 0 ? NULL : err);

	return r < 0 ? r : gone;
}
