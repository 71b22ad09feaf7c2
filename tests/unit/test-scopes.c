/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static variables and inlined calls, as the compiler tells them for a small file. */
#include "unit.h"

#include "base/process.h"
#include "build/object/scopes.h"

static const char text[] = "int outside(int);\n"
			   "static int file = 1;\n"
			   "static inline __attribute__((always_inline)) int deep(int x)\n"
			   "{ static long calls = 1; return outside(x) + (int)calls++; }\n"
			   "static inline __attribute__((always_inline)) int twice(int x)\n"
			   "{ return deep(x) * 2; }\n"
			   "int first(int x) { return twice(x) + file++; }\n"
			   "int second(int x)\n"
			   "{\n"
			   "	if (x > 1) {\n"
			   "		static int n[4] = { 1 };\n"
			   "		static int m = 2;\n"
			   "		return n[x]++ + m++;\n"
			   "	}\n"
			   "	return deep(x);\n"
			   "}\n";

static struct elf_object *compile(const char *form)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *source = path_join(dir, "x.c", NULL),
			    *out = path_join(dir, "x.o", NULL);
	struct process_options options = {
		.argv = (const char *const[]){ "gcc", form, "-O2", "-fdata-sections", "-c", "-o",
					       out, source, NULL },
		.timeout_ms = 60000,
	};
	struct elf_object *object = NULL;
	struct error err = { 0 };

	assert_true(source && out);
	assert_int_equal(file_write_atomic(source, text, strlen(text), 0644, NULL), 0);
	assert_ok(process_run(&options, NULL, &err), &err);
	assert_ok(elf_object_load(out, &object, &err), &err);
	unit_remove_dir(dir); /* frees it, too */
	return object;
}

struct notes {
	struct buf variables, inlined;
};

static void notes_free(struct notes *notes)
{
	buf_free(&notes->variables);
	buf_free(&notes->inlined);
}

static int note_variable(void *user, const struct elf_section *section, uint64_t position,
			 uint64_t line, const char *type)
{
	struct notes *notes = user;

	return buf_printf(&notes->variables, "%.8s+%u line %u %s; ", section->name,
			  (unsigned)position, (unsigned)line, type);
}

static int note_inlined(void *user, const char *function, const char *callee)
{
	struct notes *notes = user;

	return buf_printf(&notes->inlined, "%s in %s; ", callee, function);
}

static int visit(const struct elf_object *object, struct notes *notes)
{
	const struct scopes_visitor visitor = { .variable = note_variable,
						.inlined = note_inlined,
						.user = notes };

	return scopes_visit(object, &visitor);
}

#define NOTES                                    \
	{                                        \
		BUF_INIT(65536), BUF_INIT(65536) \
	}

static void all_is_told(void **state)
{
	static const char *const forms[] = { "-gdwarf-4", "-gdwarf-5" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_elf_object_ struct elf_object *object = compile(forms[i]);
		_cleanup_(notes_free) struct notes notes = NOTES;

		assert_int_equal(visit(object, &notes), 0);
		assert_non_null(strstr(buf_str(&notes.variables), ".data.n.+0 line 11 int; "));
		assert_non_null(strstr(buf_str(&notes.variables), ".data.m.+0 line 12 int; "));
		assert_non_null(strstr(buf_str(&notes.variables), ".data.ca+0 line 4 long int; "));
		assert_null(strstr(buf_str(&notes.variables), "line 2 ")); /* of the file */
		assert_non_null(strstr(buf_str(&notes.inlined), "deep in first; "));
		assert_non_null(strstr(buf_str(&notes.inlined), "twice in first; "));
		assert_non_null(strstr(buf_str(&notes.inlined), "deep in second; "));
		assert_null(strstr(buf_str(&notes.inlined), "in twice; "));
		assert_null(strstr(buf_str(&notes.inlined), "twice in second; "));
	}
}

static void without_debugging_data(void **state)
{
	_cleanup_elf_object_ struct elf_object *object = compile("-g0");
	_cleanup_(notes_free) struct notes notes = NOTES;

	(void)state;
	assert_int_equal(visit(object, &notes), ERR_NOT_FOUND);
}

static int stop(void *user, const char *function, const char *callee)
{
	(void)function;
	(void)callee;
	++*(unsigned *)user;
	return ERR_TOO_LARGE;
}

static void a_visitor_ends_it(void **state)
{
	_cleanup_elf_object_ struct elf_object *object = compile("-g");
	unsigned calls = 0;
	const struct scopes_visitor visitor = { .inlined = stop, .user = &calls };

	(void)state;
	assert_int_equal(scopes_visit(object, &visitor), ERR_TOO_LARGE);
	assert_int_equal(calls, 1);
}

/* Each byte of the data in turn becomes another; every answer is fine, but one must come. */
static void damaged(void **state)
{
	_cleanup_elf_object_ struct elf_object *object = compile("-g");
	struct elf_section *info = elf_object_section(object, ".debug_info");

	(void)state;
	for (uint64_t i = 0; i < info->size; i++) {
		_cleanup_(notes_free) struct notes notes = NOTES;
		uint8_t was = info->data[i];

		info->data[i] = (uint8_t)~was;
		(void)visit(object, &notes);
		info->data[i] = (uint8_t)(was + 1);
		(void)visit(object, &notes);
		info->data[i] = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_told),
		cmocka_unit_test(without_debugging_data),
		cmocka_unit_test(a_visitor_ends_it),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
