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

static const struct config_kind section_kinds[] = {
	{ "general", false, keys },
	{ "host", true, keys },
	{ 0 },
};

static int parse(const char *text, struct config_sections *ret, struct error *err)
{
	return config_parse_sections(text, strlen(text), section_kinds, ret, err);
}

static void sections_have_their_own_values(void **state)
{
	_cleanup_config_sections_ struct config_sections s = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_ok(parse("# first\n[general]\ncount = 2\n\n[host a-1]\nname = x\n"
			" [ host  b.2 ] \ncount = 3\n",
			&s, &err),
		  &err);
	assert_int_equal(s.n, 3);
	assert_ptr_equal(s.items[0].kind, &section_kinds[0]);
	assert_string_equal(s.items[0].name, "");
	assert_int_equal(config_int(s.items[0].values, "count"), 2);
	assert_string_equal(s.items[1].name, "a-1");
	assert_int_equal(s.items[1].line, 5);
	assert_string_equal(config_str(s.items[1].values, "name"), "x");
	assert_int_equal(config_int(s.items[1].values, "count"), 5);
	assert_string_equal(s.items[2].name, "b.2");
	assert_null(config_str(s.items[2].values, "name"));
}

static void errors_in_sections(void **state)
{
	static const struct {
		const char *text, *says, *hint;
	} cases[] = {
		{ "name = x\n", "line 1: a section must come first", "" },
		{ "[general]\n[hosts a]\n", "line 2: [hosts]: no such kind of section",
		  "[general], [host NAME]" },
		{ "[general x]\n", "line 1: [general]: takes no name", "" },
		{ "[host]\n", "a name is 1 to 32 of", "" },
		{ "[host a b]\n", "a name is 1 to 32 of", "" },
		{ "[host ../x]\n", "a name is 1 to 32 of", "" },
		{ "[host abcdefghijabcdefghijabcdefghijabc]\n", "a name is 1 to 32 of", "" },
		{ "[general]\n[general]\n", "line 2: [general]: said twice", "" },
		{ "[host a]\n[host b]\n[host a]\n", "line 3: [host a]: said twice", "" },
		{ "[host a\n", "line 1: a section's line does not end in ']'", "" },
		{ "[host a]\ncount = 1\ncount = 1\n", "line 3: count: said twice", "" },
		{ "[host a]\ncolour = red\n", "line 2: colour: no such key", "name, count" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct config_sections s = { 0 };
		struct error err = { 0 };

		assert_int_equal(parse(cases[i].text, &s, &err), ERR_INVALID);
		if (!strstr(err.message, cases[i].says) || !strstr(err.hint, cases[i].hint))
			fail_msg("'%s' (%s) does not say '%s'", err.message, err.hint,
				 cases[i].says);
		assert_null(s.items);
	}
}

static void sections_have_bounds(void **state)
{
	_cleanup_config_sections_ struct config_sections s = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(CONFIG_FILE_MAX + 1);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(config_parse_sections("[general]\0", 10, section_kinds, &s, &err),
			 ERR_INVALID);
	for (int i = 0; i <= CONFIG_SECTIONS_MAX; i++)
		assert_int_equal(buf_printf(&text, "[host h%d]\n", i), 0);
	assert_int_equal(parse(buf_str(&text), &s, &err), ERR_TOO_LARGE);
	while (buf_append_byte(&text, '\n') == 0)
		;
	assert_int_equal(parse(buf_str(&text), &s, &err), ERR_TOO_LARGE);
	assert_null(s.items);
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
		cmocka_unit_test(sections_have_their_own_values),
		cmocka_unit_test(errors_in_sections),
		cmocka_unit_test(sections_have_bounds),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
