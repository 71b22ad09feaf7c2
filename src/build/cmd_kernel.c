/* SPDX-License-Identifier: GPL-2.0-or-later */
/* suture-build kernel add | newest | list | show | remove */
#include <stdio.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "build/commands.h"
#include "build/unit/guard.h"
#include "build/prepare/kernel_prepare.h"
#include "build/output/output.h"
#include "package/apt.h"

const struct cli_option build_kernel_add_options[] = {
	{ "image", "DEB|VMLINUZ|VMLINUX", "take the image from this package or file", false, 0 },
	{ "modules", "DEB|DIR", "take modules from here, where the image's package has none", false,
	  0 },
	{ "headers", "DEB|DIR", "take configuration and export versions from here", false, 0 },
	{ "common", "DEB", "take the headers that real-time flavours share from here", false, 0 },
	{ "source", "DEB|DIR", "take the source from here", false, 0 },
	{ "config", "FILE", "use this kernel configuration", false, 0 },
	{ "image-only", NULL, "fetch image and modules, do not prepare for building", false, 0 },
	{ "jobs", "N", "how many compilers may run at once (default: processors)", false, 'j' },
	{ 0 }
};

const struct cli_option build_kernel_newest_options[] = {
	{ "series", "X.Y", "of this series, such as 6.1 (default: any)", false, 0 }, { 0 }
};

static int check_machine(struct error *err)
{
	struct utsname u;

	if (uname(&u) == 0 && !streq(u.machine, "x86_64"))
		return error_set(err, ERR_UNSUPPORTED,
				 "this machine is %s: kernels are built on x86-64 only", u.machine);
	return 0;
}

/* Paths from the command line are used from other folders too. */
static int absolute(const char *path, char **ret, struct error *err)
{
	if (!path)
		return 0;
	*ret = realpath(path, NULL);
	return *ret ? 0 : error_set_errno(err, errno, "cannot use %s", path);
}

/* What `kernel add` was asked for. */
struct addition {
	char release[KERNEL_SIGNATURE_MAX];
	char *image, *modules, *headers, *common, *source, *config;
	bool image_only;
	int64_t jobs;
};

static void addition_free(struct addition *a)
{
	free(a->image);
	free(a->modules);
	free(a->headers);
	free(a->common);
	free(a->source);
	free(a->config);
}

/* A release, or what /proc/version_signature of an Ubuntu machine says. */
static void read_release(const char *given, char ret[static KERNEL_SIGNATURE_MAX])
{
	struct kernel_signature signature;

	if (kernel_signature_parse(given, &signature) == 0)
		given = signature.release;
	snprintf(ret, KERNEL_SIGNATURE_MAX, "%s", given);
}

static int read_addition(struct cli *cli, struct addition *a, struct error *err)
{
	const struct {
		const char *option;
		char **path;
	} paths[] = { { "image", &a->image },     { "modules", &a->modules },
		      { "headers", &a->headers }, { "common", &a->common },
		      { "source", &a->source },   { "config", &a->config } };
	int r = cli_get_int(cli, "jobs", 1, 1024, sysconf(_SC_NPROCESSORS_ONLN), &a->jobs, err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(paths); i++)
		r = absolute(cli_get(cli, paths[i].option), paths[i].path, err);
	if (r == 0 && a->modules && !a->image)
		r = error_set(err, ERR_USAGE, "--modules needs --image");
	read_release(cli_arg(cli, 0), a->release);
	a->image_only = cli_has(cli, "image-only");
	return r;
}

/* Files at hand are not read for a kernel that is in the cache already, and say so. */
static bool is_there(const struct addition *a)
{
	_cleanup_kernel_ struct kernel *kernel = NULL;

	if (kernel_open(a->release, &kernel, NULL) < 0)
		return false;
	if (a->image)
		output_step("the image is in the cache already; to take another, remove it first");
	return true;
}

static int add_kernel(void *user, struct error *err)
{
	const struct addition *a = user;
	const struct kernel_origin image = { .image = a->image, .modules = a->modules };
	const struct prepare_origin rest = {
		.headers = a->headers, .common = a->common, .source = a->source, .config = a->config
	};
	_cleanup_kernel_ struct kernel *kernel = NULL;
	int64_t start = clock_monotonic_ms();
	bool was_there = is_there(a);
	int r = kernel_fetch(a->release, &image, output_step, &kernel, err);

	if (r < 0)
		return r;
	if (!a->image_only)
		r = kernel_prepare(kernel, &rest, (int)a->jobs, output_step, err);
	/* An image of apt's is right, and need not be fetched again; files may be the wrong ones.
	 */
	if (r < 0 && a->image && !was_there) {
		kernel_free(TAKE_PTR(kernel));
		(void)kernel_remove(a->release, output_step, NULL);
	}
	if (r == 0)
		printf("kernel %s: ready in %.1f s, build ID %s\n", kernel->release,
		       (double)(clock_monotonic_ms() - start) / 1000, kernel->build_id);
	return r;
}

static int sweep(void *user, struct error *err)
{
	(void)user;
	return kernel_sweep(err);
}

int build_cmd_kernel_add(struct cli *cli, struct error *err)
{
	_cleanup_(addition_free) struct addition a = { 0 };
	int r = check_machine(err);

	if (r == 0)
		r = read_addition(cli, &a, err);
	if (r == 0)
		r = kernel_sweep(err);
	if (r == 0)
		r = guard_run(add_kernel, sweep, &a, err);
	return r < 0 ? r : EXIT_OK;
}

static json_t *describe(const struct kernel *k)
{
	_cleanup_kbuild_ struct kbuild kb = { 0 };
	bool prepared = kernel_prepared(k, 1, &kb, NULL) == 0;
	_cleanup_json_ json_t *o = json_object();

	if (!o || json_set_str(o, "release", k->release) < 0 ||
	    json_set_str(o, "version", k->version) < 0 ||
	    json_set_str(o, "build_id", k->build_id) < 0 ||
	    json_object_set_new(o, "prepared", json_boolean(prepared)) < 0 ||
	    json_set_str(o, "compiler", kb.compiler_version) < 0 ||
	    json_set_str(o, "source", kb.source) < 0 || json_set_str(o, "folder", k->folder) < 0)
		return NULL;
	return TAKE_PTR(o);
}

int build_cmd_kernel_newest(struct cli *cli, struct error *err)
{
	struct apt_kernel newest;
	int r = apt_newest_kernel(cli_get(cli, "series"),
				  cli_argc(cli) ? cli_arg(cli, 0) : "cloud-amd64", &newest, err);

	if (r < 0)
		return r;
	printf("%s\n", newest.release);
	return EXIT_OK;
}

int build_cmd_kernel_list(struct cli *cli, struct error *err)
{
	_cleanup_name_list_ struct name_list all = { 0 };
	_cleanup_json_ json_t *list = json_array();
	enum cli_format format;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = kernel_sweep(err);
	if (r == 0)
		r = kernel_list(&all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		_cleanup_kernel_ struct kernel *k = NULL;

		if (kernel_open(all.items[i], &k, NULL) < 0)
			continue;
		if (json_array_append_new(list, describe(k)) < 0)
			r = error_set(err, ERR_NO_MEMORY, "out of memory");
	}
	if (r < 0)
		return r;
	if (format == CLI_JSON)
		return json_print(list, err);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		printf("%-40s %-28s %s\n", json_string_value(json_object_get(o, "release")),
		       json_string_value(json_object_get(o, "version")),
		       json_is_true(json_object_get(o, "prepared")) ? "prepared" : "not prepared");
	}
	return EXIT_OK;
}

int build_cmd_kernel_show(struct cli *cli, struct error *err)
{
	_cleanup_kernel_ struct kernel *k = NULL;
	_cleanup_json_ json_t *o = NULL;
	enum cli_format format;
	const char *key;
	json_t *value;
	int r = cli_get_format(cli, false, &format, err);

	if (r == 0)
		r = kernel_open(cli_arg(cli, 0), &k, err);
	if (r < 0)
		return r;
	o = describe(k);
	if (!o)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	if (format == CLI_JSON)
		return json_print(o, err);
	json_object_foreach (o, key, value)
		printf("%-10s %s\n", key,
		       json_is_string(value) ? json_string_value(value)
		       : json_is_true(value) ? "yes"
					     : "no");
	return EXIT_OK;
}

int build_cmd_kernel_remove(struct cli *cli, struct error *err)
{
	int r = kernel_sweep(err);

	if (r == 0)
		r = kernel_remove(cli_arg(cli, 0), output_step, err);
	if (r < 0)
		return r;
	printf("kernel %s: removed from the cache\n", cli_arg(cli, 0));
	return EXIT_OK;
}
