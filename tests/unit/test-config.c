/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "base/config.h"

static const struct config_key keys[] = {
	{ "name", CONFIG_STRING, NULL, 0, 0, NULL, "" },
	{ "count", CONFIG_INT, "5", 1, 10, NULL, "" },
	{ "on", CONFIG_BOOL, "no", 0, 0, NULL, "" },
	{ "mode", CONFIG_ENUM, "always", 0, 0, "always|ask|never", "" },
	{ 0 },
};

struct fixture {
	char *dir, *path;
};

static void put(struct fixture *f, const char *text)
{
	struct error err = { 0 };

	assert_ok(file_write_atomic(f->path, text, strlen(text), 0600, &err), &err);
}

static void fallbacks_and_values(void **state)
{
	struct fixture *f = *state;
	_cleanup_(config_freep) struct config *none = NULL, *c = NULL;
	struct error err = { 0 };

	assert_ok(config_load(f->path, keys, &none, &err), &err);
	assert_null(config_str(none, "name"));
	assert_int_equal(config_int(none, "count"), 5);
	put(f, "# comment\n\n name = two words \ncount=7\non = yes\nmode = never");
	assert_ok(config_load(f->path, keys, &c, &err), &err);
	assert_string_equal(config_str(c, "name"), "two words");
	assert_int_equal(config_int(c, "count"), 7);
	assert_true(config_bool(c, "on"));
	assert_string_equal(config_str(c, "mode"), "never");
}

static void errors_name_line_and_values(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "name = x\ncount = 11\n",
		  "line 2: count: '11' is not a whole number from 1 to 10" },
		{ "count = 0\n", "line 1: count: '0' is not a whole number from 1 to 10" },
		{ "count = 5x\n", "line 1: count" },
		{ "colour = red\n", "line 1: colour: no such key" },
		{ "\n\nmode = sometimes\n",
		  "line 3: mode: 'sometimes' is not one of always|ask|never" },
		{ "on = maybe\n", "not yes or no" },
		{ "name\n", "not 'key = value'" },
		{ "name = a\nname = b\n", "line 2: name: said twice" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config *c = NULL;
		struct error err = { 0 };

		put(f, cases[i].text);
		assert_int_equal(config_load(f->path, keys, &c, &err), ERR_INVALID);
		if (!strstr(err.message, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.message, cases[i].says);
		assert_null(c);
	}
}

static void saving_keeps_the_rest(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct buf b = BUF_INIT(1000), after = BUF_INIT(1000);
	struct error err = { 0 };

	put(f, "# mine\ncount = 2\nname = x\n");
	assert_ok(config_save_key(f->path, keys, "count", "3", &err), &err);
	assert_ok(config_save_key(f->path, keys, "on", "yes", &err), &err);
	assert_ok(config_save_key(f->path, keys, "name", NULL, &err), &err);
	assert_ok(file_read(f->path, &b, &err), &err);
	assert_string_equal(buf_str(&b), "# mine\ncount = 3\non = yes\n");
	assert_int_equal(config_save_key(f->path, keys, "count", "300", &err), ERR_INVALID);
	assert_int_equal(config_save_key(f->path, keys, "nothing", "3", &err), ERR_INVALID);
	assert_int_equal(config_save_key(f->path, keys, "name", "a\nb", &err), ERR_INVALID);
	assert_ok(file_read(f->path, &after, &err), &err);
	assert_string_equal(buf_str(&after), buf_str(&b));
}

static int setup(void **state)
{
	static struct fixture f;

	f.dir = unit_make_dir();
	f.path = path_join(f.dir, "test.conf", NULL);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unit_remove_dir(f->dir);
	free(f->path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fallbacks_and_values, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_name_line_and_values, setup, teardown),
		cmocka_unit_test_setup_teardown(saving_keeps_the_rest, setup, teardown),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
