/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What suture-build writes, byte by byte, from fixed inputs: build record, code record, report,
 * and the C source around a patch. The wanted files are in tests/golden/formats; SUTURE_UPDATE=1
 * in the environment writes them anew (then read the difference).
 */
#include "build/patch/build_record.h"

#include <sys/stat.h>

#include "build/patch/link.h"
#include "build/patch/report.h"
#include "sample_livepatch.h"

#define KERNEL_ID "00112233445566778899aabbccddeeff00112233"

struct fixture {
	char *dir;
	struct kernel kernel;
	struct kbuild kbuild;
	struct analysis analysis;
	struct analysis_unit units[2];
	struct unit patched[3];
	struct analysis_patch patches[1];
	struct source_set sources;
	struct source_file source, *source_list[1];
	struct shipped *shipped[2];
	struct runpre runpre[2];
	const char *objects[1];
	struct buf module;
};

static char *put(const struct fixture *f, const char *name, const char *text, mode_t mode)
{
	char *path = path_join(f->dir, name, NULL);
	char *folder = strndup(path, (size_t)(path_base(path) - path));
	struct error err = { 0 };

	assert_ok(file_make_dirs(folder, 0755, &err), &err);
	assert_ok(file_write_atomic(path, text, strlen(text), mode, &err), &err);
	free(folder);
	return path;
}

/* A kernel folder, its source, and the programs that are hashed. */
static void make_kernel(struct fixture *f)
{
	static const char *const programs[] = { "bin/cc1", "bin/as", "bin/x86_64-linux-gnu-ld",
						"bin/strip" };
	_cleanup_free_ char *script = NULL;

	f->kernel = (struct kernel){ .release = (char *)"6.1.0-56-cloud-amd64",
				     .build_id = (char *)KERNEL_ID };
	f->kernel.config = put(f, "config", "CONFIG_LIVEPATCH=y\n", 0644);
	free(put(f, "build/Module.symvers", "0x00000001\toutside\tvmlinux\tEXPORT_SYMBOL\t\n",
		 0644));
	f->kernel.build = path_join(f->dir, "build", NULL);
	free(put(f, "source/tools/objtool/check.c", "int objtool;\n", 0644));
	free(put(f, "source/scripts/mod/modpost.c", "int modpost;\n", 0644));
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		free(put(f, programs[i], programs[i], 0755));
	assert_true(asprintf(&script, "#!/bin/sh\necho %s/bin/cc1\n", f->dir) > 0);
	f->kbuild = (struct kbuild){ .kernel = &f->kernel,
				     .compiler_version = (char *)"gcc-12 (Test) 12.2.0" };
	f->kbuild.compiler = put(f, "bin/driver", script, 0755);
	f->kbuild.source = path_join(f->dir, "source", NULL);

	_cleanup_free_ char *bin = path_join(f->dir, "bin", NULL);

	assert_int_equal(setenv("PATH", bin, 1), 0);
}

/* A module's file with the sections that say what it is. */
static void name_module(struct elf_object *o, const char *modinfo, size_t len)
{
	uint8_t note[36] = { 4, 0, 0, 0, 20, 0, 0, 0, 3, 0, 0, 0, 'G', 'N', 'U', 0 };

	memset(note + 16, 0xab, 20);
	sample_section(o, ".modinfo", SHF_ALLOC, modinfo, len);
	sample_section(o, ".note.gnu.build-id", SHF_ALLOC, note, sizeof(note))->type = SHT_NOTE;
}

#define MODINFO(name) "name=" name "\0vermagic=6.1.0-56-cloud-amd64 SMP "

static struct shipped *ship(const struct fixture *f, const char *modinfo, size_t len)
{
	_cleanup_free_ char *path = path_join(f->dir, "shipped.ko", NULL);
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct shipped *ret = NULL;
	struct error err = { 0 };
	struct sample s;

	sample_make(&s, 1, 7, "text");
	name_module(s.object, modinfo, len);
	sample_write(&s, &out);
	elf_object_free(s.object);
	assert_ok(file_write_atomic(path, out.data, out.len, 0644, &err), &err);
	assert_ok(shipped_open_file(path, &ret, &err), &err);
	return ret;
}

/* A global constant that declares something, as SUTURE_STATE() and SUTURE_CALLBACKS() make it. */
static void declare(struct elf_object *o, const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *section = NULL;

	assert_true(asprintf(&section, ".rodata.%s", name) > 0);
	sample_symbol(o, name, STT_OBJECT, STB_GLOBAL,
		      sample_section(o, section, SHF_ALLOC, data, len), len);
}

static struct elf_object *again(struct sample *s)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct elf_object *ret = NULL;
	struct error err = { 0 };

	sample_write(s, &out);
	elf_object_free(s->object);
	assert_ok(elf_object_parse(out.data, out.len, "sample", &ret, &err), &err);
	return ret;
}

/* A constant of `second` changes; the first unit gains a function, callbacks and a state as well.
 */
static void make_unit(struct fixture *f, size_t i, const char *path, const char *object)
{
	static const uint8_t code[] = { 0xe8, 0, 0, 0, 0, 0xc3 }, zeros[32];
	static const uint64_t state[2] = { 7, 2 };
	const struct diff_options options = { .name = path, .unit = i ? "unit_b" : "unit_a" };
	struct analysis_unit *u = &f->units[i];
	struct error err = { 0 };
	struct sample s;

	f->patched[i] = (struct unit){ .path = (char *)path,
				       .object_path = (char *)path,
				       .object = (char *)object,
				       .command = { .items = (char *[]){ NULL }, .n = 1 } };
	*u = (struct analysis_unit){ .unit = &f->patched[i],
				     .shipped = f->shipped[i],
				     .runpre = &f->runpre[i] };
	sample_make(&s, 1, 7, "text");
	u->original = again(&s);
	sample_make(&s, 2, 7, "text");
	if (i == 0) {
		struct elf_section *text = sample_section(
			s.object, ".text.helper", SHF_ALLOC | SHF_EXECINSTR, code, sizeof(code));

		sample_symbol(s.object, "helper", STT_FUNC, STB_GLOBAL, text, sizeof(code));
		sample_relas(s.object, text, &(struct elf_rela){ 1, s.fentry, R_X86_64_PLT32, -4 },
			     1);
		declare(s.object, "suture_state.unit_a.1", state, sizeof(state));
		declare(s.object, "suture_callbacks.unit_a.0", zeros, sizeof(zeros));
	}
	u->patched = again(&s);
	assert_ok(diff_objects(u->original, u->patched, &options, &u->diff, &err), &err);
	if (diff_result(u->diff)->verdict != DIFF_ACCEPTED)
		fail_msg("%s", diff_result(u->diff)->reasons[0].message);
	assert_int_equal(diff_result(u->diff)->changed_count, 1);
}

static void make_module(struct fixture *f)
{
	struct sample_livepatch m;
	struct error err = { 0 };

	sample_livepatch_make(&m, true, true);
	sample_relas(m.object, m.data, m.relas, m.rela_count);
	name_module(m.object, MODINFO("suture_test"), sizeof(MODINFO("suture_test")));
	f->module = BUF_INIT(1 << 20);
	assert_ok(elf_object_write(m.object, &f->module, &err), &err);
	elf_object_free(m.object);
}

static void make_inputs(struct fixture *f)
{
	_cleanup_free_ char *pair = NULL;

	f->patches[0] = (struct analysis_patch){ .path = "folder/fix.patch" };
	memset(f->patches[0].sha256, 'a', SHA256_HEX_LEN);
	f->source = (struct source_file){ .path = (char *)"fs/proc/version.c",
					  .original = BUF_INIT(64) };
	assert_int_equal(buf_append_str(&f->source.original, "int version;\n"), 0);
	f->source_list[0] = &f->source;
	f->sources = (struct source_set){ .files = f->source_list, .n = 1 };
	f->objects[0] = "before/part.o:after/part.o";
	f->patched[2] = (struct unit){ .path = (char *)"part.o",
				       .object_path = (char *)"0123abcd/part.o",
				       .object = (char *)"nf_tables",
				       .original = BUF_INIT(64),
				       .patched = BUF_INIT(64) };
	assert_int_equal(buf_append_str(&f->patched[2].original, "before"), 0);
	assert_int_equal(buf_append_str(&f->patched[2].patched, "after"), 0);
}

static void set_up(struct fixture *f)
{
	static struct runpre_mask mask[] = { { 1, 4 }, { 7, 4 }, { 18, 4 } };
	static struct runpre_function equal[] = {
		{ .name = "second",
		  .equal = true,
		  .sympos = 2,
		  .size = 25,
		  .mask = mask,
		  .mask_count = 3 },
		{ .name = "second", .equal = true, .size = 25 },
		{ .name = "other", .size = 9 }, /* not equal: not in the record */
	};

	*f = (struct fixture){ .dir = unit_make_dir() };
	make_kernel(f);
	f->shipped[0] = ship(f, MODINFO("vmlinux"), sizeof(MODINFO("vmlinux")));
	f->shipped[1] = ship(f, MODINFO("nf_tables"), sizeof(MODINFO("nf_tables")));
	memset(equal[0].sha256, 'c', SHA256_HEX_LEN);
	memset(equal[1].sha256, 'd', SHA256_HEX_LEN);
	f->runpre[0] = (struct runpre){ .functions = equal, .function_count = 1 };
	f->runpre[1] = (struct runpre){ .functions = equal + 1, .function_count = 2 };
	make_unit(f, 1, "net/netfilter/nf_tables_api.c", "nf_tables");
	make_unit(f, 0, "fs/proc/version.c", "vmlinux");
	make_module(f);
	make_inputs(f);
	f->analysis = (struct analysis){ .kbuild = &f->kbuild,
					 .objects = f->objects,
					 .object_count = 1,
					 .patches = f->patches,
					 .patch_count = 1,
					 .sources = &f->sources,
					 .unit_set = { .units = f->patched, .n = 3 },
					 .units = f->units,
					 .unit_count = 2,
					 .shipped = f->shipped + 1, /* vmlinux is no file */
					 .shipped_count = 1,
					 .compared = 3,
					 .equal = 2 };
	memset(f->analysis.external_sha256, 'b', SHA256_HEX_LEN);
}

static void tear_down(struct fixture *f)
{
	for (size_t i = 0; i < 2; i++) {
		diff_free(f->units[i].diff);
		elf_object_free(f->units[i].original);
		elf_object_free(f->units[i].patched);
		shipped_free(f->shipped[i]);
	}
	reason_list_free(&f->analysis.reasons);
	buf_free(&f->source.original);
	buf_free(&f->patched[2].original);
	buf_free(&f->patched[2].patched);
	buf_free(&f->module);
	free(f->kernel.config);
	free(f->kernel.build);
	free(f->kbuild.compiler);
	free(f->kbuild.source);
	unit_remove_dir(f->dir);
}

static void expect(const char *name, struct buf *made)
{
	const char *golden = getenv("SUTURE_GOLDEN");
	_cleanup_free_ char *path = golden ? path_join(golden, "formats", name, NULL) : NULL;
	_cleanup_buf_ struct buf wanted = BUF_INIT(1 << 20);
	struct error err = { 0 };

	assert_non_null(path);
	if (getenv("SUTURE_UPDATE"))
		assert_ok(file_write_atomic(path, made->data, made->len, 0644, &err), &err);
	assert_ok(file_read(path, &wanted, &err), &err);
	assert_string_equal(buf_str(made), buf_str(&wanted));
	buf_free(made);
	*made = BUF_INIT(1 << 20);
}

static void records(void **state)
{
	struct build_options options = { .release = "6.1.0-56-cloud-amd64",
					 .version_text = "1.2",
					 .module = "suture_6_1_0_56_cloud_amd64_1_2",
					 .severity = "high",
					 .cves = { "CVE-2026-0001", "CVE-2026-0002" },
					 .cve_count = 2 };
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	_cleanup_record_ struct record *rec = NULL, *made = calloc(1, sizeof(*made));
	char code[SHA256_HEX_LEN + 1];
	struct error err = { 0 };
	struct fixture f;

	(void)state;
	set_up(&f);
	assert_non_null(made);
	assert_ok(build_record_add_units(&f.analysis, made, &err), &err);
	assert_ok(build_record_describe(&f.analysis, &options, made, f.module.data, f.module.len,
					code, &err),
		  &err);
	assert_ok(build_record_finish(&f.analysis, &options, made, f.module.data, f.module.len,
				      &out, &err),
		  &err);
	assert_ok(record_parse(out.data, out.len, &rec, &err), &err);
	assert_ok(record_check_code(rec, code, &err), &err);
	/* The version of the program is not fixed. */
	char *tool = strstr(buf_str(&out), "suture-build " SUTURE_VERSION);

	assert_non_null(tool);
	memcpy(tool + strlen("suture-build "), "9.9.9", strlen(SUTURE_VERSION));
	assert_int_equal(strlen(SUTURE_VERSION), 5);
	expect("build-record.json", &out);
	assert_ok(record_write_code(rec, &out, &err), &err);
	assert_int_equal(buf_append_byte(&out, '\n'), 0);
	expect("code-record.json", &out);
	tear_down(&f);
}

static void report(struct fixture *f, int verdict, const char *name)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct error err = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	assert_non_null(file);
	assert_ok(report_json(&f->analysis, verdict, file, &err), &err);
	fclose(file);
	assert_int_equal(buf_append(&out, text, len), 0);
	free(text);
	expect(name, &out);
}

static void reports(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	report(&f, 0, "report-accepted.json");
	assert_int_equal(reason_add(&f.analysis.reasons, REASON_NEVER_ENDS, "kernel/fork.c",
				    "kthread", "kthread may never end"),
			 0);
	assert_int_equal(reason_add(&f.analysis.reasons, REASON_MISMATCH, "fs/proc/version.c",
				    "second", "second: \"quoted\" \xc3\xa4 differs"),
			 0);
	report(&f, ERR_MISMATCH, "report-mismatch.json");
	assert_int_equal(reason_add(&f.analysis.reasons, REASON_CHANGED_DATA, "a.c", "v", "x"), 0);
	assert_int_equal(reason_add(&f.analysis.reasons, REASON_CHANGED_DATA, "a.c", "w", "y"), 0);
	assert_int_equal(reason_add(&f.analysis.reasons, REASON_EXPORT_LIST, NULL, NULL, "z"), 0);
	report(&f, ERR_NOT_PATCHABLE, "report-refused.json");
	reason_list_free(&f.analysis.reasons);
	f.analysis.unit_count = 0;
	report(&f, ERR_NO_CHANGE, "report-no-change.json");
	tear_down(&f);
}

static void wrapper(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);
	struct resolution resolution = { 0 };
	struct error err = { 0 };
	struct analysis_unit unit;
	struct fixture f;

	(void)state;
	set_up(&f);
	/* A module that only lends a symbol has an empty list; one that is patched has its own. */
	assert_int_equal(name_list_add(&resolution.objects, "libcrc32c"), 0);
	assert_int_equal(name_list_add(&resolution.objects, "nf_tables"), 0);
	/* vmlinux comes first, whatever the order of the units. */
	unit = f.units[0];
	f.units[0] = f.units[1];
	f.units[1] = unit;
	assert_ok(link_wrapper(&f.analysis, &resolution, "1.2", &out, &err), &err);
	expect("wrapper.c.txt", &out);
	name_list_free(&resolution.objects);
	tear_down(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(records), cmocka_unit_test(reports),
					    cmocka_unit_test(wrapper) };

	return cmocka_run_group_tests_name("build_record", tests, NULL, NULL);
}
