/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Types of small compiled files against types of a kernel, made up with libbpf. */
#include "unit.h"

#include <bpf/btf.h>

#include "base/process.h"
#include "build/proof/shipped_types.h"

#define SOURCE                                                                    \
	"enum mode { SLOW = 1, FAST = 2 } mode;\n"                                \
	"struct queue { int length; unsigned first : 3, second : 29; long time; " \
	"union { int a; long b; }; char name[4]; } queue;\n"

static struct elf_object *compile(const char *text)
{
	char *dir = unit_make_dir();
	_cleanup_free_ char *source = path_join(dir, "x.c", NULL);
	_cleanup_free_ char *out = path_join(dir, "x.o", NULL);
	struct process_options options = {
		.argv = (const char *const[]){ "gcc", "-gdwarf-5", "-gz=none", "-c", "-o", out,
					       source, NULL },
		.timeout_ms = 60000,
	};
	struct elf_object *object = NULL;
	struct error err = { 0 };

	assert_true(source && out);
	assert_int_equal(file_write_atomic(source, text, strlen(text), 0644, NULL), 0);
	assert_ok(process_run(&options, NULL, &err), &err);
	assert_ok(elf_object_load(out, &object, &err), &err);
	unit_remove_dir(dir);
	return object;
}

/* What struct queue is in the kernel. */
struct queue {
	uint32_t size, time, length_bits, fast;
	uint32_t second_bit, second_width;
	const char *last;
	uint32_t length_width; /* of the field, if it says so */
	bool long_length, more, other_inside, structured_time;
};

static const struct queue as_compiled = { 32, 64, 0, 2, 35, 29, "name" };

/* The union without a name inside it comes first. */
static void add_queue(struct btf *btf, const struct queue *q)
{
	int number = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int unsigned_number = btf__add_int(btf, "unsigned int", 4, 0);
	int time = btf__add_int(btf, "long", 8, BTF_INT_SIGNED);
	int letter = btf__add_int(btf, "char", 1, BTF_INT_CHAR);
	int letters = btf__add_array(btf, unsigned_number, letter, 4);
	int inner = btf__add_union(btf, NULL, 8), timed = time;

	assert_int_equal(btf__add_field(btf, "a", number, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, q->other_inside ? "c" : "b", time, 0, 0), 0);
	if (q->structured_time) {
		timed = btf__add_struct(btf, "seconds", 8);
		assert_int_equal(btf__add_field(btf, "s", time, 0, 0), 0);
	}
	assert_true(btf__add_struct(btf, "queue", q->size) > 0);
	assert_int_equal(btf__add_field(btf, "length", q->long_length ? time : number,
					q->length_bits, q->length_width),
			 0);
	assert_int_equal(btf__add_field(btf, "first", unsigned_number, 32, 3), 0);
	assert_int_equal(
		btf__add_field(btf, "second", unsigned_number, q->second_bit, q->second_width), 0);
	assert_int_equal(btf__add_field(btf, "time", timed, q->time, 0), 0);
	assert_int_equal(btf__add_field(btf, NULL, inner, 128, 0), 0);
	assert_int_equal(btf__add_field(btf, q->last, letters, 192, 0), 0);
	if (q->more)
		assert_int_equal(btf__add_field(btf, "more", number, 224, 0), 0);
	assert_true(btf__add_enum(btf, "mode", 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "SLOW", 1), 0);
	assert_int_equal(btf__add_enum_value(btf, "FAST", q->fast), 0);
}

static void compare_sections(struct btf *base, struct btf *split, struct reason_list *found,
			     size_t *count)
{
	struct shipped_types_section a, b;
	struct elf_object *object = compile(SOURCE);
	struct error err = { 0 };
	uint32_t len;

	a.data = btf__raw_data(base, &len);
	a.len = len;
	if (split) {
		b.data = btf__raw_data(split, &len);
		b.len = len;
	}
	assert_ok(shipped_types_compare(&a, split ? &b : NULL, object, "x.c", found, count, &err),
		  &err);
	elf_object_free(object);
}

/* One reason that has these words, or none. */
static void expect(const struct queue *q, const char *words)
{
	_cleanup_reason_list_ struct reason_list found = { 0 };
	struct btf *btf = btf__new_empty();
	size_t count = 0;

	add_queue(btf, q);
	compare_sections(btf, NULL, &found, &count);
	assert_int_equal(found.n, words ? 1 : 0);
	assert_int_equal(count, 3);
	if (words) {
		assert_int_equal(found.items[0].code, REASON_MISMATCH);
		assert_non_null(strstr(found.items[0].message, words));
	}
	btf__free(btf);
}

static void same_types(void **state)
{
	(void)state;
	expect(&as_compiled, NULL);
}

static void moved_members(void **state)
{
	struct queue q = as_compiled;

	(void)state;
	q.length_bits = 8;
	expect(&q, "member length is at bit 0 instead of bit 8");
	q = as_compiled;
	q.second_bit = 36;
	q.second_width = 28;
	expect(&q, "member second is at bit 35");
	q = as_compiled;
	q.second_width = 28;
	expect(&q, "member second has 29 bits instead of 28");
	q = as_compiled;
	q.size = 48;
	expect(&q, "it has 32 bytes instead of 48");
	q = as_compiled;
	q.last = "label";
	expect(&q, "member name is in the place of member label");
	q = as_compiled;
	q.time = 32;
	expect(&q, "member time is at bit 64 instead of bit 32");
	q = as_compiled;
	q.long_length = true;
	expect(&q, "member length has 4 bytes instead of 8");
	q = as_compiled;
	q.length_width = 32; /* says what is so anyway */
	expect(&q, NULL);
	q = as_compiled;
	q.more = true;
	expect(&q, "it has 6 members instead of 7");
	q = as_compiled;
	q.structured_time = true;
	expect(&q, "a member is of another kind");
	q = as_compiled;
	q.other_inside = true;
	expect(&q, "member b is in the place of member c");
}

static void other_values(void **state)
{
	struct queue q = as_compiled;

	(void)state;
	q.fast = 3;
	expect(&q, "its value is 2 instead of 3");
}

/* Of a module, values may depend on MODULE being defined, whether or not it has types of its own;
 * its structures count. */
static void of_a_module(void **state)
{
	_cleanup_reason_list_ struct reason_list found = { 0 };
	struct btf *base = btf__new_empty();
	struct queue q = as_compiled;
	const struct shipped_types_section none = { NULL, 0 };
	struct shipped_types_section section;
	struct elf_object *object = compile(SOURCE);
	struct error err = { 0 };
	uint32_t len;
	size_t count;

	(void)state;
	q.fast = 3;
	add_queue(base, &q);

	struct btf *split = btf__new_empty_split(base);

	compare_sections(base, split, &found, &count);
	assert_int_equal(found.n, 0);
	assert_int_equal(count, 1);
	section.data = btf__raw_data(base, &len);
	section.len = len;
	assert_ok(shipped_types_compare(&section, &none, object, "x.c", &found, &count, &err),
		  &err);
	assert_int_equal(found.n, 0);
	assert_int_equal(count, 1);
	assert_ok(shipped_types_compare(&section, NULL, object, "x.c", &found, &count, &err), &err);
	assert_int_equal(found.n, 1);
	elf_object_free(object);
	btf__free(split);
	btf__free(base);
}

/* A union is not the structure of its name. */
static void by_kind_and_name(void **state)
{
	_cleanup_reason_list_ struct reason_list found = { 0 };
	struct btf *btf = btf__new_empty();
	size_t count;

	(void)state;
	assert_true(btf__add_union(btf, "queue", 8) > 0);
	compare_sections(btf, NULL, &found, &count);
	assert_int_equal(found.n, 0);
	assert_int_equal(count, 0);
	btf__free(btf);
}

/* Of several structures with that name, in the kernel or the module, one must be equal. */
static void several_of_one_name(void **state)
{
	_cleanup_reason_list_ struct reason_list found = { 0 };
	struct queue q = as_compiled;
	struct btf *base = btf__new_empty(), *split;

	(void)state;
	q.length_bits = 8;
	add_queue(base, &q);
	split = btf__new_empty_split(base);
	add_queue(split, &as_compiled);
	compare_sections(base, NULL, &found, NULL);
	assert_int_equal(found.n, 1);
	reason_list_free(&found);
	found = (struct reason_list){ 0 };
	compare_sections(base, split, &found, NULL);
	assert_int_equal(found.n, 0);
	btf__free(split);
	btf__free(base);
}

static void damaged_types(void **state)
{
	_cleanup_reason_list_ struct reason_list found = { 0 };
	struct elf_object *object = compile(SOURCE);
	const struct shipped_types_section no_types = { "no types", 8 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(shipped_types_compare(&no_types, NULL, object, "x.c", &found, NULL, &err),
			 ERR_INVALID);
	elf_object_free(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_types),       cmocka_unit_test(moved_members),
		cmocka_unit_test(other_values),     cmocka_unit_test(several_of_one_name),
		cmocka_unit_test(damaged_types),    cmocka_unit_test(of_a_module),
		cmocka_unit_test(by_kind_and_name),
	};

	return cmocka_run_group_tests_name("shipped_types", tests, NULL, NULL);
}
