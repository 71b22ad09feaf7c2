/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/prepare/kernel_prepare.h"

#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "build/prepare/config_compare.h"
#include "build/unit/include_graph.h"
#include "build/prepare/kernel_match.h"
#include "build/unit/unit_list.h"
#include "package/apt.h"
#include "package/kallsyms.h"
#include "package/unpack.h"
#include "package/vmlinuz.h"

#define MARKER_MAX     (64 * 1024)
#define MARKER_FORMAT  2
#define CONFIG_MAX     (4 * 1024 * 1024)
#define SMALL_FILE_MAX (1024 * 1024)

/* Another one whenever the code is that prepares a kernel (meson.build, tools/code-id). */
extern const char preparation_code[];

static char *marker_path(const struct kernel *kernel)
{
	return path_join(kernel->folder, "prepared.json", NULL);
}

static int write_marker(const struct kbuild *kb, struct error *err)
{
	_cleanup_free_ char *path = marker_path(kb->kernel);
	_cleanup_json_ json_t *o = json_object();

	if (!path || !o || json_object_set_new(o, "format", json_integer(MARKER_FORMAT)) < 0 ||
	    json_set_str(o, "code", preparation_code) < 0 ||
	    json_set_str(o, "source", kb->source) < 0 ||
	    (kb->laid_over && json_set_str(o, "laid_over", kb->laid_over) < 0))
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return json_save_path(o, path, 0644, err);
}

static int not_prepared(const struct kernel *kernel, const char *how, struct error *err)
{
	int r = error_set(err, ERR_NOT_FOUND, "kernel %s %s", kernel->release, how);

	error_hint(err, "prepare it with: suture-build kernel add %s", kernel->release);
	return r;
}

int kernel_prepared(const struct kernel *kernel, int jobs, struct kbuild *ret, struct error *err)
{
	_cleanup_free_ char *path = marker_path(kernel);
	_cleanup_free_ char *config = path_join(kernel->build, ".config", NULL);
	_cleanup_json_ json_t *o = NULL;
	_cleanup_kbuild_ struct kbuild kb = { .kernel = kernel, .jobs = jobs };
	const char *source, *laid_over, *code;

	if (!path || !config)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (!file_exists(path))
		return not_prepared(kernel, "is not prepared for building", err);

	int r = json_load_path(path, MARKER_MAX, &o, err);

	if (r < 0)
		return r;
	code = json_string_value(json_object_get(o, "code"));
	if (!code || !streq(code, preparation_code))
		return not_prepared(kernel, "was prepared by another version of this program", err);
	r = json_get_str(o, "source", 4096, &source, err);
	if (r < 0)
		return r;
	if (!file_exists(source))
		return not_prepared(kernel, "has lost the source that it was prepared from", err);
	laid_over = json_string_value(json_object_get(o, "laid_over"));
	kb.source = strdup(source);
	kb.laid_over = laid_over ? strdup(laid_over) : NULL;
	if (!kb.source || (laid_over && !kb.laid_over))
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	r = kbuild_find_compiler(config, &kb.compiler, &kb.compiler_version, err);
	if (r < 0)
		return r;
	*ret = kb;
	kb = (struct kbuild){ 0 };
	return 0;
}

/* What is used of a headers package, or of a build folder in its place. */
static const char *const shipped_files[] = {
	".config",
	"Module.symvers",
	"include/config/auto.conf",
	"include/config/kernel.release",
	"include/generated/asm-offsets.h",
	"include/generated/autoconf.h",
	"include/generated/bounds.h",
	"include/generated/rustc_cfg",
};

static bool map_headers(void *user, const char *name, char dest[static PATH_MAX])
{
	const struct kernel *k = user;
	_cleanup_free_ char *prefix = NULL;

	if (asprintf(&prefix, "usr/src/linux-headers-%s/", k->release) < 0 ||
	    !str_has_prefix(name, prefix))
		return false;
	name += strlen(prefix);
	for (size_t i = 0; i < ARRAY_SIZE(shipped_files); i++)
		if (streq(name, shipped_files[i])) {
			snprintf(dest, PATH_MAX, "%s", name);
			return true;
		}
	return false;
}

/* Of the folder; a file that it lacks is left out if `optional`. */
static int copy_into_build(const struct kernel *k, const char *folder, const char *name,
			   bool optional, struct error *err)
{
	_cleanup_free_ char *from = path_join(folder, name, NULL);
	_cleanup_free_ char *to = path_join(k->build, name, NULL);

	if (!from || !to)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	return optional && !file_exists(from) ? 0 : file_copy(from, to, 0644, err);
}

static int check_release(const struct preparation *p, const char *headers, struct error *err)
{
	_cleanup_free_ char *release = path_join(headers, "include/config/kernel.release", NULL);
	_cleanup_buf_ struct buf text = BUF_INIT(SMALL_FILE_MAX);
	int r = release ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && file_exists(release))
		r = file_read(release, &text, err);
	return r == 0 && text.len ? kernel_match_release(&p->banner, headers, buf_str(&text), err)
				  : r;
}

/* Unpacks the headers package into `folder`. */
static int unpack_headers(const struct preparation *p, const char *folder, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *deb = NULL, *package = NULL;
	struct unpack_options options = { .dest = folder, .map = map_headers, .user = (void *)k };
	int r = file_make_dirs(folder, 0755, err);

	if (r == 0 && asprintf(&package, "linux-headers-%s", k->release) < 0)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	if (r < 0)
		return r;
	if (p->origin->headers) {
		r = preparation_check_package(p, "headers", package, p->origin->headers, err);
		return r < 0 ? r : unpack_deb(p->origin->headers, &options, err);
	}
	if (!k->version[0])
		return kernel_source_unknown(k, err);
	p->say("downloading the headers");
	r = apt_download(package, k->version, p->tmp, &deb, err);
	return r < 0 ? r : unpack_deb(deb, &options, err);
}

/* A folder with the files of the headers package, or a build folder. The caller frees. */
static int get_headers(const struct preparation *p, char **ret, struct error *err)
{
	_cleanup_free_ char *folder = NULL;
	struct stat st;
	int r = 0;

	if (p->origin->headers && stat(p->origin->headers, &st) == 0 && S_ISDIR(st.st_mode)) {
		folder = strdup(p->origin->headers);
		if (!folder)
			return error_set(err, ERR_NO_MEMORY, "out of memory");
		r = check_release(p, folder, err);
	} else {
		folder = path_join(p->tmp, "headers", NULL);
		r = folder ? unpack_headers(p, folder, err)
			   : error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r == 0)
		r = copy_into_build(p->kernel, folder, ".config", false, err);
	if (r == 0)
		r = copy_into_build(p->kernel, folder, "Module.symvers", false, err);
	if (r == 0)
		*ret = TAKE_PTR(folder);
	return r;
}

static int check_config(const struct preparation *p, const char *config, struct error *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_MAX), shipped = BUF_INIT(CONFIG_MAX);
	const char *release = p->kernel->release;
	int r = file_read(config, &text, err);

	if (r < 0)
		return r;
	if (!strstr(buf_str(&text), "\nCONFIG_X86_64=y\n"))
		return error_set(err, ERR_UNSUPPORTED,
				 "%s is not the configuration of an x86-64 kernel",
				 p->origin->config ? p->origin->config : config);
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

static int read_text(const char *folder, const char *name, struct buf *out, struct error *err)
{
	_cleanup_free_ char *path = path_join(folder, name, NULL);

	return path ? file_read(path, out, err) : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* kbuild takes a configuration for the result of .config if no file of it is older and a list of
 * what else it depends on, auto.conf.cmd, names nothing. */
static int take_configuration(const struct kernel *k, const char *headers, struct error *err)
{
	_cleanup_free_ char *depends = path_join(k->build, "include/config/auto.conf.cmd", NULL);
	_cleanup_free_ char *config = path_join(k->build, "include/config", NULL);
	_cleanup_free_ char *generated = path_join(k->build, "include/generated", NULL);
	int r = depends && config && generated ? file_make_dirs(config, 0755, err)
					       : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = file_make_dirs(generated, 0755, err);
	if (r == 0)
		r = copy_into_build(k, headers, "include/config/auto.conf", false, err);
	if (r == 0)
		r = copy_into_build(k, headers, "include/generated/autoconf.h", false, err);
	if (r == 0)
		r = copy_into_build(k, headers, "include/generated/rustc_cfg", true, err);
	return r < 0 ? r : file_write_atomic(depends, "", 0, 0644, err);
}

/* Do the headers hold what their .config came to? */
static bool has_configuration(const struct kernel *k, const char *headers)
{
	_cleanup_buf_ struct buf config = BUF_INIT(CONFIG_MAX), result = BUF_INIT(CONFIG_MAX);
	_cleanup_free_ char *header = path_join(headers, "include/generated/autoconf.h", NULL);

	return header && file_exists(header) &&
	       read_text(k->build, ".config", &config, NULL) == 0 &&
	       read_text(headers, "include/config/auto.conf", &result, NULL) == 0 &&
	       config_compare(buf_str(&config), buf_str(&result), NULL) == 0;
}

/*
 * What the shipped kernel was configured to is taken as it is: the Kconfig files at hand need not
 * be those of its build, and olddefconfig drops without a word what they, or the tools of this
 * machine, do not know. Where there is only a .config, olddefconfig must leave it as it was.
 */
static int make_config(const struct kbuild *kb, const char *headers, struct error *err)
{
	return has_configuration(kb->kernel, headers)
		       ? take_configuration(kb->kernel, headers, err)
		       : kbuild_make(kb, (const char *const[]){ "olddefconfig", NULL }, NULL, err);
}

/* What kbuild makes of some headers is in the package: the sizes and places of some structures, for
 * assembler. */
static int compare_generated(const struct kernel *k, const char *headers, struct error *err)
{
	static const char *const names[] = { "include/generated/asm-offsets.h",
					     "include/generated/bounds.h" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_buf_ struct buf shipped = BUF_INIT(SMALL_FILE_MAX);
		_cleanup_buf_ struct buf made = BUF_INIT(SMALL_FILE_MAX);

		if (read_text(headers, names[i], &shipped, NULL) < 0)
			continue;

		int r = read_text(k->build, names[i], &made, err);

		if (r < 0)
			return r;
		if (!streq(buf_str(&shipped), buf_str(&made)))
			return error_set(err, ERR_MISMATCH,
					 "%s comes out otherwise than it was shipped: the source "
					 "is not the one that %s was built from",
					 names[i], k->release);
	}
	return 0;
}

/* Configures and prepares the build folder, whose .config must come out as `given`. */
static int build_tools(const struct preparation *p, const struct kbuild *kb, const char *headers,
		       const char *given, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_buf_ struct buf made = BUF_INIT(CONFIG_MAX);

	p->say("configuring");

	int r = write_extra_makefile(k, err);

	if (r == 0)
		r = make_config(kb, headers, err);
	if (r < 0)
		return r;
	p->say("preparing");
	r = kbuild_make(kb, (const char *const[]){ "modules_prepare", NULL }, NULL, err);
	if (r == 0)
		r = read_text(k->build, ".config", &made, err);
	if (r == 0)
		r = config_compare(given, buf_str(&made), err);
	return r < 0 || p->origin->config ? r : compare_generated(k, headers, err);
}

/* The configuration in the build folder, after everything that is to be checked of it. */
static int choose_config(const struct preparation *p, struct buf *ret, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *config = path_join(k->build, ".config", NULL);
	int r = config ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0 && p->origin->config)
		r = file_copy(p->origin->config, config, 0644, err);
	if (r == 0)
		r = check_config(p, config, err);
	if (r == 0 && !file_exists(k->config))
		r = file_copy(config, k->config, 0644, err);
	return r < 0 ? r : file_read(config, ret, err);
}

/* What the image says of itself; and that its symbols can be read, without which nothing is ever
 * built for it. */
static int read_image(const struct kernel *k, struct kernel_banner *ret, struct error *err)
{
	_cleanup_buf_ struct buf image = BUF_INIT(VMLINUX_MAX);
	_cleanup_kallsyms_ struct kallsyms *symbols = NULL;
	int r = file_read(k->vmlinux, &image, err);

	if (r == 0)
		r = kernel_banner_find(image.data, image.len, ret, err);
	if (r < 0)
		return r;
	r = kallsyms_parse(image.data, image.len, &symbols, err);
	if (r == ERR_INVALID)
		error_hint(
			err,
			"the kernel must be built with CONFIG_KALLSYMS=y, and not be stripped of it");
	return r;
}

static int make_folders(const struct preparation *p, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_free_ char *units = path_join(k->folder, "units", NULL);
	_cleanup_free_ char *marker = marker_path(k);
	/* First: what is half made is not prepared. */
	int r = units && marker ? file_remove(marker, err)
				: error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = file_remove_tree(k->build, err);
	if (r == 0)
		r = file_remove_tree(units, err);
	if (r == 0)
		r = file_make_dirs(p->tmp, 0755, err);
	return r < 0 ? r : file_make_dirs(k->build, 0755, err);
}

static int prepare(struct preparation *p, int jobs, struct error *err)
{
	const struct kernel *k = p->kernel;
	_cleanup_kbuild_ struct kbuild kb = { .kernel = k, .jobs = jobs };
	_cleanup_buf_ struct buf config = BUF_INIT(CONFIG_MAX);
	_cleanup_free_ char *headers = NULL, *path = path_join(k->build, ".config", NULL);
	int r = path ? read_image(k, &p->banner, err)
		     : error_set(err, ERR_NO_MEMORY, "out of memory");

	if (r == 0)
		r = check_modules(p, err);
	if (r == 0)
		r = make_folders(p, err);
	if (r == 0)
		r = get_headers(p, &headers, err);
	if (r == 0)
		r = choose_config(p, &config, err);
	if (r == 0)
		r = kernel_source_get(p,
				      strstr(buf_str(&config), "\nCONFIG_PREEMPT_RT=y\n") != NULL,
				      &kb.source, &kb.laid_over, err);
	if (r == 0)
		r = kbuild_find_compiler(path, &kb.compiler, &kb.compiler_version, err);
	if (r == 0)
		r = build_tools(p, &kb, headers, buf_str(&config), err);
	return r < 0 ? error_prefix(err, r, "%s", k->release) : write_marker(&kb, err);
}

static int prepare_locked(const struct kernel *kernel, const struct prepare_origin *origin,
			  int jobs, kernel_say_fn say, struct error *err)
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

/* What every patch asks for: all that is compiled, and what it includes. */
static int list_units(const struct kernel *kernel, int jobs, kernel_say_fn say, struct error *err)
{
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	_cleanup_unit_list_ struct unit_list list = { 0 };
	_cleanup_include_graph_ struct include_graph *graph = NULL;
	int r = kernel_prepared(kernel, jobs, &kb, err);

	if (r == 0 && !unit_list_is_cached(&kb))
		say("listing what it is compiled from");
	if (r == 0)
		r = unit_list_load(&kb, &list, err);
	return r < 0 ? r : include_graph_load(&kb, &list, &graph, err);
}

int kernel_prepare(const struct kernel *kernel, const struct prepare_origin *origin, int jobs,
		   kernel_say_fn say, struct error *err)
{
	_cleanup_kbuild_ struct kbuild done = { 0 };
	int r = kernel_prepared(kernel, jobs, &done, NULL);

	if (r < 0) {
		r = kernel_claim(kernel, say, err);
		if (r == 0)
			r = prepare_locked(kernel, origin, jobs, say, err);
		kernel_share(kernel);
	}
	/* This takes the kernel's lock itself. */
	return r < 0 ? r : list_units(kernel, jobs, say, err);
}
