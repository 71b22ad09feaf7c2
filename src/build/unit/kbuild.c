/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/unit/kbuild.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "package/banner.h"

#define MAKE_TIMEOUT_MS (30 * 60 * 1000)
#define OUTPUT_MAX      (64 * 1024 * 1024)
#define CONFIG_MAX      (4 * 1024 * 1024)
#define ARGUMENTS_MAX   48

void kbuild_free(struct kbuild *kbuild)
{
	free(kbuild->source);
	free(kbuild->laid_over);
	free(kbuild->compiler);
	free(kbuild->compiler_version);
	*kbuild = (struct kbuild){ 0 };
}

/* What a configuration says of its compiler. */
struct configured {
	char text[BANNER_WORD_MAX]; /* "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0" */
	char name[BANNER_WORD_MAX];
	char version[BANNER_WORD_MAX];
};

static int configured_compiler(const char *config, struct configured *ret, struct error *err)
{
	static const char key[] = "CONFIG_CC_VERSION_TEXT=\"";
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_MAX);
	int r = file_read(config, &text, err);

	if (r < 0)
		return r;

	const char *at = strstr(buf_str(&text), key);
	size_t len = at ? strcspn(at + strlen(key), " \"\n") : 0;

	if (len == 0 || memchr(at + strlen(key), '/', len))
		return error_set(err, ERR_INVALID, "%s names no compiler", config);
	at += strlen(key);
	snprintf(ret->text, sizeof(ret->text), "%.*s", (int)strcspn(at, "\"\n"), at);
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, at);
	compiler_version(ret->text, ret->version);
	if (strstr(buf_str(&text), "\nCONFIG_CC_IS_CLANG=y\n"))
		return error_set(err, ERR_UNSUPPORTED,
				 "this kernel was compiled by '%s': only gcc is supported",
				 ret->text);
	return 0;
}

/* The first line of a compiler's --version; -ENOENT if there is no such program. */
static int ask_compiler(const char *name, char **ret, struct error *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64 * 1024);
	struct process_options options = {
		.argv = (const char *const[]){ name, "--version", NULL },
		.env = (const char *const[]){ "LC_ALL=C", NULL },
		.timeout_ms = 30000,
		.out = &out,
	};
	int r = process_run(&options, NULL, err);

	if (r < 0)
		return r;
	*ret = strndup(buf_str(&out), strcspn(buf_str(&out), "\n"));
	return *ret ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
}

/* Other names that the same compiler has on a machine whose own is another one. */
static int candidates(const struct configured *c, struct name_list *ret)
{
	int major = (int)strcspn(c->version, ".");
	char name[BANNER_WORD_MAX + 32];
	int r = name_list_add(ret, c->name);

	snprintf(name, sizeof(name), "x86_64-linux-gnu-gcc-%.*s", major, c->version);
	if (r == 0 && major > 0 && !streq(name, c->name))
		r = name_list_add(ret, name);
	snprintf(name, sizeof(name), "gcc-%.*s", major, c->version);
	if (r == 0 && major > 0 && !streq(name, c->name))
		r = name_list_add(ret, name);
	return r;
}

static int no_compiler(const struct configured *c, const char *found, struct error *err)
{
	if (found)
		error_set(err, ERR_UNSUPPORTED,
			  "this kernel was compiled by '%s'; here is '%s', which makes other code",
			  c->text, found);
	else
		error_set(err, ERR_UNSUPPORTED, "the compiler of this kernel, %s, is not installed",
			  c->text);
	error_hint(err, "apt-get install gcc-%.*s, of version %s", (int)strcspn(c->version, "."),
		   c->version, c->version);
	return ERR_UNSUPPORTED;
}

int kbuild_find_compiler(const char *config, char **ret_name, char **ret_version, struct error *err)
{
	_cleanup_name_list_ struct name_list names = { 0 };
	_cleanup_free_ char *other = NULL;
	struct configured c = { 0 };
	int r = configured_compiler(config, &c, err);

	if (r == 0 && candidates(&c, &names) < 0)
		r = error_set(err, ERR_NO_MEMORY, "out of memory");
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		_cleanup_free_ char *line = NULL;
		char version[BANNER_WORD_MAX];

		r = ask_compiler(names.items[i], &line, err);
		if (r == -ENOENT) {
			r = 0;
			continue;
		}
		if (r < 0)
			return r;
		compiler_version(line, version);
		if (!c.version[0] || streq(version, c.version)) {
			*ret_name = strdup(names.items[i]);
			*ret_version = TAKE_PTR(line);
			return *ret_name ? 0 : error_set(err, ERR_NO_MEMORY, "out of memory");
		}
		free(other);
		other = TAKE_PTR(line);
	}
	return r < 0 ? r : no_compiler(&c, other, err);
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

/* Makes the output repeatable; the caller's own environment was cleaned
 * (build/prepare/environment.h). */
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
	int64_t start = clock_monotonic_ms();
	int r = process_run(&options, &status, err);

	timings_add(kbuild->timings, TIMINGS_MAKE, start);
	if (r < 0 || status == 0)
		return r;

	char why[512];

	kbuild_first_error(buf_str(text), why, sizeof(why));
	if (strstr(buf_str(text), "No space left on device"))
		return error_set(err, -ENOSPC, "make: the disk is full");
	return error_set(err, ERR_CHILD, "make: %s", why[0] ? why : "failed without a word");
}
