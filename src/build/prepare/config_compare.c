/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/prepare/config_compare.h"

#include <uthash.h>

#include "base/buf.h"

#define NAMED_MAX 400 /* bytes of differing options in the message */

/* One option; name and value point into a copy of the text. */
struct option {
	const char *name;
	const char *value;
	UT_hash_handle hh;
};

struct config_set {
	char *text;
	struct option *options;
};

static void config_set_free(struct config_set *set)
{
	struct option *o, *next;

	HASH_ITER (hh, set->options, o, next) {
		HASH_DEL(set->options, o);
		free(o);
	}
	free(set->text);
}

/* .config has "text" in quotes, auto.conf has not. */
static char *without_quotes(char *value)
{
	size_t len = strlen(value);

	if (len < 2 || value[0] != '"' || value[len - 1] != '"')
		return value;
	value[len - 1] = '\0';
	return value + 1;
}

/* An option that is not set has no line of its own in some configurations, so it is left out. */
static int read_options(const char *text, struct config_set *set)
{
	set->text = strdup(text);
	if (!set->text)
		return ERR_NO_MEMORY;
	for (char *rest = set->text, *line; (line = strsep(&rest, "\n"));) {
		char *equals = strchr(line, '=');

		if (!str_has_prefix(line, "CONFIG_") || !equals)
			continue;
		struct option *o = calloc(1, sizeof(*o));
		if (!o)
			return ERR_NO_MEMORY;
		*equals = '\0';
		o->name = line;
		o->value = without_quotes(equals + 1);
		HASH_ADD_KEYPTR(hh, set->options, o->name, strlen(o->name), o);
	}
	return 0;
}

static bool may_differ(const char *name)
{
	static const char *const prefixes[] = {
		"CONFIG_AS_VERSION",      "CONFIG_BINDGEN_VERSION",   "CONFIG_BUILD_SALT",
		"CONFIG_CC_VERSION_TEXT", "CONFIG_GCC_VERSION",       "CONFIG_LD_VERSION",
		"CONFIG_MODULE_SIG_ALL",  "CONFIG_MODULE_SIG_KEY",    "CONFIG_PAHOLE_",
		"CONFIG_RUSTC_",          "CONFIG_RUST_IS_AVAILABLE", "CONFIG_SYSTEM_TRUSTED_KEYS",
	};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_has_prefix(name, prefixes[i]))
			return true;
	return false;
}

/* Names what `a` has and `b` has not, or has otherwise. */
static int name_differences(const struct config_set *a, const struct config_set *b, bool values,
			    struct buf *names, size_t *count)
{
	struct option *o, *next, *other;

	HASH_ITER (hh, a->options, o, next) {
		HASH_FIND_STR(b->options, o->name, other);
		if (may_differ(o->name) || (other && (!values || streq(o->value, other->value))))
			continue;
		++*count;
		/* The first few are enough to see what is wrong. */
		if (names->len + strlen(o->name) + 2 < names->max &&
		    buf_printf(names, "%s%s", names->len ? ", " : "", o->name) < 0)
			return ERR_NO_MEMORY;
	}
	return 0;
}

int config_compare(const char *shipped, const char *prepared, struct error *err)
{
	_cleanup_(config_set_free) struct config_set a = { 0 }, b = { 0 };
	_cleanup_buf_ struct buf names = BUF_INIT(NAMED_MAX);
	size_t count = 0;
	int r = read_options(shipped, &a);

	if (r == 0)
		r = read_options(prepared, &b);
	if (r == 0)
		r = name_differences(&a, &b, true, &names, &count);
	if (r == 0)
		r = name_differences(&b, &a, false, &names, &count);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (count == 0)
		return 0;
	error_set(err, ERR_MISMATCH,
		  "the kernel cannot be configured as it was shipped: %zu option%s differ%s: %s",
		  count, count == 1 ? "" : "s", count == 1 ? "s" : "", buf_str(&names));
	error_hint(err,
		   "a tool that the kernel's own build had may be missing, such as pahole for BTF");
	return ERR_MISMATCH;
}
