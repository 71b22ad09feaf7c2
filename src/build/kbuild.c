/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/kbuild.h"

#include "base/file.h"
#include "base/process.h"

#define MAKE_TIMEOUT_MS (30 * 60 * 1000)
#define OUTPUT_MAX      (64 * 1024 * 1024)
#define CONFIG_MAX      (4 * 1024 * 1024)
#define ARGUMENTS_MAX   48

void kbuild_free(struct kbuild *kbuild)
{
	free(kbuild->source);
	free(kbuild->compiler);
	free(kbuild->compiler_version);
	*kbuild = (struct kbuild){ 0 };
}

/* The compiler's name is the first word of CONFIG_CC_VERSION_TEXT; kbuild reconfigures the tree if
 * it is called with another one. */
static int configured_compiler(const char *config, char **ret, struct error *err)
{
	static const char key[] = "CONFIG_CC_VERSION_TEXT=\"";
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_MAX);
	int r = file_read(config, &text, err);

	if (r < 0)
		return r;

	const char *at = strstr(buf_str(&text), key);
	size_t len = at ? strcspn(at + strlen(key), " \"\n") : 0;

	if (len == 0 || len > 128 || memchr(at + strlen(key), '/', len))
		return error_set(err, ERR_INVALID, "%s names no compiler", config);
	*ret = strndup(at + strlen(key), len);
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

int kbuild_find_compiler(const char *config, char **ret_name, char **ret_version, struct error *err)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(64 * 1024);
	int r = configured_compiler(config, &name, err);

	if (r < 0)
		return r;

	struct process_options options = {
		.argv = (const char *const[]){ name, "--version", NULL },
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.timeout_ms = 30000,
		.out = &out,
	};

	r = process_run(&options, NULL, err);
	if (r == -ENOENT) {
		const char *gcc = strstr(name, "gcc");

		r = error_set(err, ERR_UNSUPPORTED,
			      "the compiler of this kernel, %s, is not installed", name);
		error_hint(err, "apt-get install %s", gcc ? gcc : name);
		return r;
	}
	if (r < 0)
		return r;
	*ret_version = strndup(buf_str(&out), strcspn(buf_str(&out), "\n"));
	if (!*ret_version)
		return error_set(err, ERR_NO_MEMORY, "out of memory");
	*ret_name = TAKE_PTR(name);
	return 0;
}

bool kbuild_writes_types(const char *compiler)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64 * 1024);
	struct process_options options = {
		.argv = (const char *const[]){ compiler, "-gbtf", "-E", "-x", "c", "/dev/null",
					       NULL },
		.timeout_ms = 30000,
		.out = &out,
		.errout = &out,
	};
	int status;

	return process_run(&options, &status, NULL) == 0 && status == 0;
}

static bool says_error(const char *line, size_t len)
{
	static const char *const words[] = { "error:",
					     "can't open",
					     "ERROR:",
					     "Error ",
					     "*** ",
					     "fatal:",
					     "No rule to make target",
					     "No space" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (memmem(line, len, words[i], strlen(words[i])))
			return true;
	return false;
}

void kbuild_first_error(const char *output, char *ret, size_t size)
{
	const char *last = "";
	size_t last_len = 0;

	for (const char *p = output; *p;) {
		size_t len = strcspn(p, "\n");

		if (len > 0) {
			last = p;
			last_len = len;
		}
		if (says_error(p, len))
			break;
		p += len + (p[len] == '\n');
	}
	snprintf(ret, size, "%.*s", (int)MIN(last_len, (size_t)400), last);
}

/* Makes the output repeatable; the caller's own environment was cleaned (build/environment.h). */
static const char *const fixed_env[] = {
	"LC_ALL=C",
	"TZ=UTC",
	"SOURCE_DATE_EPOCH=0",
	"KBUILD_BUILD_USER=suture",
	"KBUILD_BUILD_HOST=suture",
	"KBUILD_BUILD_VERSION=1",
	"KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
	"KBUILD_VERBOSE=0",
};

char *kbuild_extra_makefile(const struct kernel *kernel)
{
	return path_join(kernel->build, "suture.mk", NULL);
}

int kbuild_make(const struct kbuild *kbuild, const char *const *arguments, struct buf *output,
		struct error *err)
{
	_cleanup_free_ char *cc = NULL, *release = NULL, *jobs = NULL, *out_dir = NULL;
	_cleanup_free_ char *extra = kbuild_extra_makefile(kbuild->kernel), *makefiles = NULL;
	_cleanup_buf_ struct buf own = BUF_INIT(OUTPUT_MAX);
	struct buf *text = output ? output : &own;
	const char *argv[ARGUMENTS_MAX], *env[ARRAY_SIZE(fixed_env) + 2] = { NULL };
	size_t n = 0;
	int status;

	if (!extra || asprintf(&cc, "CC=%s", kbuild->compiler) < 0 ||
	    asprintf(&release, "KERNELRELEASE=%s", kbuild->kernel->release) < 0 ||
	    asprintf(&out_dir, "O=%s", kbuild->kernel->build) < 0 ||
	    asprintf(&makefiles, "MAKEFILES=%s", extra) < 0 ||
	    asprintf(&jobs, "-j%d", kbuild->jobs > 0 ? kbuild->jobs : 1) < 0)
		return error_set(err, ERR_NO_MEMORY, "out of memory");

	const char *fixed[] = { "make",
				"--no-print-directory",
				"-s",
				jobs,
				"-C",
				kbuild->source,
				out_dir,
				"ARCH=x86",
				"CROSS_COMPILE=x86_64-linux-gnu-",
				cc,
				release,
				"KCFLAGS=-g0" };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		argv[n++] = fixed[i];
	for (; *arguments && n < ARGUMENTS_MAX - 1; arguments++)
		argv[n++] = *arguments;
	argv[n] = NULL;
	memcpy(env, fixed_env, sizeof(fixed_env));
	env[ARRAY_SIZE(fixed_env)] = makefiles;

	struct process_options options = {
		.argv = argv,
		.env = env,
		.timeout_ms = MAKE_TIMEOUT_MS,
		.out = text,
		.errout = text,
	};
	int r = process_run(&options, &status, err);

	if (r < 0 || status == 0)
		return r;

	char why[512];

	kbuild_first_error(buf_str(text), why, sizeof(why));
	if (strstr(buf_str(text), "No space left on device"))
		return error_set(err, -ENOSPC, "make: the disk is full");
	return error_set(err, ERR_CHILD, "make: %s", why[0] ? why : "failed without a word");
}
