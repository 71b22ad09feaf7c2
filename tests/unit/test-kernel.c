/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/kernel on trees of its own: root, notes, facts, livepatch, module, kallsyms, kcore, code. */
#include "fake_tree.h"

#include <elf.h>

#include "base/file.h"
#include "kernel/code.h"
#include "kernel/facts.h"
#include "kernel/kallsyms.h"
#include "kernel/kcore.h"
#include "kernel/livepatch.h"
#include "kernel/module.h"
#include "kernel/notes.h"
#include "kernel/root.h"

static const uint8_t build_id_note[] = { 4,    0,    0,    0,    8,    0,    0,    0,
					 3,    0,    0,    0,    'G',  'N',  'U',  0,
					 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

static char *make_tree(void)
{
	char *root = unit_make_dir();

	put_text(root, "proc/sys/kernel/osrelease", "6.1.0-56-amd64\n");
	put_text(root, "proc/sys/kernel/arch", "x86_64\n");
	put_text(root, "proc/sys/kernel/version", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2\n");
	put_text(root, "proc/sys/kernel/random/boot_id", "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d11\n");
	put_text(root, "proc/uptime", "4711.25 9000.00\n");
	put_text(root, "proc/sys/kernel/tainted", "45056\n");
	put_text(root, "proc/sys/kernel/modules_disabled", "0\n");
	put_text(root, "proc/sys/kernel/ftrace_enabled", "1\n");
	put_text(root, "sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	put_text(root, "sys/module/module/parameters/sig_enforce", "Y\n");
	put(root, "sys/kernel/notes", build_id_note, sizeof(build_id_note));
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/enabled", "1\n");
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/transition", "0\n");
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/vmlinux/cmdline_proc_show,1/x", "");
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/nf_tables/nft_do,2/x", "");
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/vmlinux/patched", "1\n");
	return root;
}

static void facts(void **state)
{
	char *root = make_tree();
	struct kernel_facts f;
	struct error err = { 0 };

	(void)state;
	assert_ok(kernel_facts_read(root, &f, &err), &err);
	assert_string_equal(f.release, "6.1.0-56-amd64");
	assert_string_equal(f.arch, "x86_64");
	assert_string_equal(f.build_id, "0123456789abcdef");
	assert_string_equal(f.boot_id, "0f6cbf9a-3b02-4c6a-8f4e-6d0d0a0f9d11");
	assert_int_equal(f.uptime, 4711);
	assert_int_equal(f.taints, 45056);
	assert_true(f.livepatch);
	assert_false(f.modules_disabled);
	assert_int_equal(f.lockdown, KERNEL_LOCKDOWN_INTEGRITY);
	assert_int_equal(f.signatures_enforced, KERNEL_YES);
	assert_int_equal(f.secure_boot, KERNEL_NO);
	assert_int_equal(f.ftrace_enabled, KERNEL_YES);
	assert_string_equal(f.container, "");
	assert_int_equal(kernel_facts_usable(&f, &err), 0);
	put(root, "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
	    "\6\0\0\0\1", 5);
	assert_ok(kernel_facts_read(root, &f, &err), &err);
	assert_int_equal(f.secure_boot, KERNEL_YES);
	unit_remove_dir(root);
}

/* Each thing that stands in the way is named, with its cure. */
static void unusable(void **state)
{
	char *root = make_tree();
	struct kernel_facts good, f;
	struct error err = { 0 };

	(void)state;
	assert_ok(kernel_facts_read(root, &good, &err), &err);
	unit_remove_dir(root);

	f = good;
	f.livepatch = false;
	assert_int_equal(kernel_facts_usable(&f, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "livepatch"));
	assert_non_null(strstr(err.hint, "CONFIG_LIVEPATCH"));
	f = good;
	snprintf(f.arch, sizeof(f.arch), "aarch64");
	assert_int_equal(kernel_facts_usable(&f, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "aarch64"));
	f = good;
	f.modules_disabled = true;
	assert_int_equal(kernel_facts_usable(&f, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "modules_disabled"));
	f = good;
	f.build_id[0] = 0;
	assert_int_equal(kernel_facts_usable(&f, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "build ID"));
	f = good;
	f.ftrace_enabled = KERNEL_NO;
	assert_int_equal(kernel_facts_usable(&f, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "ftrace_enabled"));
	assert_non_null(strstr(err.hint, "sysctl"));
	f.ftrace_enabled = KERNEL_UNKNOWN;
	assert_int_equal(kernel_facts_usable(&f, &err), 0);
	f = good;
	snprintf(f.container, sizeof(f.container), "docker");
	assert_int_equal(kernel_facts_usable(&f, &err), ERR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "docker"));
	for (int i = 0; i < KERNEL_REQUIREMENTS; i++)
		assert_int_equal(kernel_facts_meet(&good, (enum kernel_requirement)i, &err), 0);
}

static void notes(void **state)
{
	char id[KERNEL_BUILD_ID_MAX + 1];
	uint8_t bad[sizeof(build_id_note)];

	(void)state;
	assert_int_equal(kernel_notes_build_id(build_id_note, sizeof(build_id_note), id), 0);
	for (size_t len = 0; len < sizeof(build_id_note); len++) {
		/* On the heap, so that one byte too far is seen. */
		uint8_t *copy = malloc(len ? len : 1);

		memcpy(copy, build_id_note, len);
		assert_true(kernel_notes_build_id(copy, len, id) < 0);
		free(copy);
	}
	memcpy(bad, build_id_note, sizeof(bad));
	bad[7] = 0xff; /* a length near 4 GiB */
	assert_int_equal(kernel_notes_build_id(bad, sizeof(bad), id), ERR_INVALID);
	memcpy(bad, build_id_note, sizeof(bad));
	bad[8] = 1; /* another type */
	assert_int_equal(kernel_notes_build_id(bad, sizeof(bad), id), ERR_NOT_FOUND);
}

static void livepatches(void **state)
{
	char *root = make_tree();
	struct kernel_livepatch list[4], one;
	struct kernel_livepatch_funcs funcs;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(kernel_livepatch_list(root, list, 4, &err), 1);
	assert_string_equal(list[0].name, "suture_x_1_1");
	assert_true(list[0].enabled && !list[0].transition);
	assert_int_equal(kernel_livepatch_get(root, "nothing", &one), ERR_NOT_FOUND);
	assert_ok(kernel_livepatch_funcs(root, "suture_x_1_1", &funcs, &err), &err);
	assert_int_equal(funcs.n, 2);
	assert_string_equal(funcs.items[0].object, "nf_tables");
	assert_string_equal(funcs.items[0].name, "nft_do");
	assert_int_equal(funcs.items[0].sympos, 2);
	assert_string_equal(funcs.items[1].name, "cmdline_proc_show");
	kernel_livepatch_funcs_free(&funcs);
	unit_remove_dir(root);
}

static void waits(void **state)
{
	char *root = make_tree();
	struct error err = { 0 };

	(void)state;
	assert_int_equal(kernel_livepatch_wait(root, "suture_x_1_1", true, 1000, -1, &err), 0);
	assert_int_equal(kernel_livepatch_wait(root, "suture_x_1_1", false, 20, -1, &err),
			 ERR_STUCK);
	assert_int_equal(kernel_livepatch_wait(root, "gone", false, 20, -1, &err), 0);
	assert_int_equal(kernel_livepatch_wait(root, "gone", true, 20, -1, &err),
			 ERR_KERNEL_REFUSED);
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/transition", "1\n");
	assert_int_equal(kernel_livepatch_wait(root, "suture_x_1_1", true, 20, -1, &err),
			 ERR_STUCK);
	put_text(root, "sys/kernel/livepatch/suture_x_1_1/enabled", "0\n");
	assert_int_equal(kernel_livepatch_wait(root, "suture_x_1_1", true, 20, -1, &err),
			 ERR_KERNEL_REFUSED);
	unit_remove_dir(root);
}

/* A module in memory cannot be changed any more, and is never loaded outside the real root. */
static void modules(void **state)
{
	_cleanup_close_ int fd = -1;
	struct error err = { 0 };

	(void)state;
	assert_ok(kernel_module_seal("m", "bytes", 5, &fd, &err), &err);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_int_equal(kernel_module_load("/tmp/elsewhere", fd, "m", "", &err), ERR_UNSUPPORTED);
	assert_int_equal(kernel_module_explain(EKEYREJECTED, "m", &err), ERR_KERNEL_REFUSED);
	assert_non_null(strstr(err.message, "signature"));
	assert_non_null(strstr(err.hint, "MOK"));
	assert_non_null(strstr(err.hint, "sutured's log"));
	assert_int_equal(kernel_module_explain(ENOMEM, "m", &err), ERR_NO_MEMORY);
	assert_int_equal(kernel_module_explain(E2BIG, "m", &err), ERR_KERNEL_REFUSED);
	assert_int_equal(err.code, ERR_KERNEL_REFUSED);
	assert_int_equal(kernel_module_remove("/tmp/elsewhere", "m", 10, &err), 0);
}

static const char symbols_text[] = "ffffffff81000000 T _text\n"
				   "ffffffff81000200 t same\n"
				   "ffffffff81000100 T same\n"
				   "ffffffff81000300 T unique\n"
				   "ffffffffc0000000 t same\t[nf_tables]\n"
				   "ffffffffc0000010 t only_there\t[nf_tables]\n"
				   "garbage\n"
				   "ffffffff81000400 T\n";

static void symbols(void **state)
{
	char *root = unit_make_dir();
	struct kernel_symbol list[] = {
		{ .object = "vmlinux", .name = "unique", .sympos = 0 },
		{ .object = "vmlinux", .name = "same", .sympos = 0 },
		{ .object = "vmlinux", .name = "same", .sympos = 1 },
		{ .object = "vmlinux", .name = "same", .sympos = 2 },
		{ .object = "vmlinux", .name = "same", .sympos = 3 },
		{ .object = "nf_tables", .name = "same", .sympos = 0 },
		{ .object = "vmlinux", .name = "only_there", .sympos = 0 },
		{ .object = "vmlinux", .name = "absent", .sympos = 1 },
	};
	struct error err = { 0 };

	(void)state;
	put_text(root, "proc/kallsyms", symbols_text);
	assert_ok(kernel_symbols_find(root, list, ARRAY_SIZE(list), &err), &err);
	assert_int_equal(list[0].address, 0xffffffff81000300);
	assert_int_equal(list[1].address, 0); /* ambiguous */
	/* The position is by address, not by place in the table. */
	assert_int_equal(list[2].address, 0xffffffff81000100);
	assert_int_equal(list[3].address, 0xffffffff81000200);
	assert_int_equal(list[4].address, 0);
	assert_int_equal(list[5].address, 0xffffffffc0000000);
	assert_int_equal(list[6].address, 0);
	assert_int_equal(list[7].address, 0);
	/* Where a sandbox shows it, there is an empty file outside of the sandbox. */
	put_text(root, "run/suture/kernel/kallsyms", "");
	assert_ok(kernel_symbols_find(root, list, ARRAY_SIZE(list), &err), &err);
	put_text(root, "proc/kallsyms", "0000000000000000 T _text\n");
	assert_int_equal(kernel_symbols_find(root, list, 1, &err), ERR_UNSUPPORTED);
	unit_remove_dir(root);
}

/* What stands there counts if it is of procfs. */
static void what_a_sandbox_shows_is_read(void **state)
{
	char *root = unit_make_dir();
	_cleanup_free_ char *folder = path_join(root, "run/suture/kernel", NULL);
	_cleanup_free_ char *link = path_join(folder, "kallsyms", NULL);
	struct kernel_path path;

	(void)state;
	assert_int_equal(kernel_memory_path(&path, root, "kallsyms"), 0);
	assert_true(str_has_suffix(path.s, "/proc/kallsyms"));
	assert_int_equal(file_make_dirs(folder, 0755, NULL), 0);
	assert_int_equal(symlink("/proc/self/status", link), 0);
	assert_int_equal(kernel_memory_path(&path, root, "kallsyms"), 0);
	assert_string_equal(path.s, link);
	unit_remove_dir(root);
}

/* A core file with one segment of `len` bytes at `address`. */
static void put_core(const char *root, uint64_t address, const uint8_t *data, size_t len)
{
	_cleanup_buf_ struct buf core = BUF_INIT(65536);
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
			      .e_type = ET_CORE,
			      .e_phoff = sizeof(header),
			      .e_phentsize = sizeof(Elf64_Phdr),
			      .e_phnum = 2 };
	Elf64_Phdr segments[2] = { { .p_type = PT_NOTE },
				   { .p_type = PT_LOAD,
				     .p_offset = sizeof(header) + sizeof(segments),
				     .p_vaddr = address,
				     .p_filesz = len,
				     .p_memsz = len } };

	assert_int_equal(buf_append(&core, &header, sizeof(header)), 0);
	assert_int_equal(buf_append(&core, segments, sizeof(segments)), 0);
	assert_int_equal(buf_append(&core, data, len), 0);
	put(root, "proc/kcore", core.data, core.len);
}

static void core(void **state)
{
	_cleanup_(kcore_freep) struct kcore *core = NULL;
	char *root = unit_make_dir();
	uint8_t data[64], back[64];
	struct error err = { 0 };

	(void)state;
	assert_int_equal(kcore_open(root, &core, &err), ERR_UNSUPPORTED);
	put_text(root, "proc/kcore",
		 "not a core file, but long enough to hold a header of one .......");
	assert_int_equal(kcore_open(root, &core, &err), ERR_INVALID);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	put_core(root, 0xffffffff81000000, data, sizeof(data));
	assert_ok(kcore_open(root, &core, &err), &err);
	assert_ok(kcore_read(core, 0xffffffff81000010, back, 16, &err), &err);
	assert_memory_equal(back, data + 16, 16);
	assert_int_equal(kcore_read(core, 0xffffffff81000030, back, 17, &err), ERR_NOT_FOUND);
	assert_int_equal(kcore_read(core, 0xffffffff80ffffff, back, 1, &err), ERR_NOT_FOUND);
	assert_int_equal(kcore_read(core, UINT64_MAX, back, 64, &err), ERR_NOT_FOUND);
	unit_remove_dir(root);
}

static void code(void **state)
{
	static const struct kernel_mask mask[] = { { 0, 5 }, { 8, 4 } };
	static const struct kernel_mask outside[] = { { 10, 20 } };
	char *root = unit_make_dir();
	uint8_t data[0x340] = { 0 }, copy[16], other[SHA256_LEN];
	struct kernel_function f = {
		.object = "vmlinux", .name = "unique", .size = 16, .mask = mask, .n_mask = 2
	};
	enum kernel_code_verdict verdict;
	struct error err = { 0 };
	size_t compared;

	(void)state;
	for (size_t i = 0; i < 16; i++)
		data[0x300 + i] = (uint8_t)(i + 1);
	put_text(root, "proc/kallsyms", symbols_text);
	memcpy(copy, data + 0x300, 16);
	assert_int_equal(kernel_code_hash(copy, 16, mask, 2, f.sha256), 0);
	assert_int_equal(kernel_code_hash(copy, 16, outside, 1, other), ERR_INVALID);

	/* Unreadable is said, not guessed. */
	assert_ok(kernel_code_check(root, &f, 1, &verdict, &compared, &err), &err);
	assert_int_equal(verdict, KERNEL_CODE_UNREADABLE);

	data[0x300] ^= 0xff; /* under the mask */
	put_core(root, 0xffffffff81000000, data, sizeof(data));
	assert_ok(kernel_code_check(root, &f, 1, &verdict, &compared, &err), &err);
	assert_int_equal(verdict, KERNEL_CODE_EQUAL);
	assert_int_equal(compared, 1);

	data[0x306] ^= 1; /* beside it */
	put_core(root, 0xffffffff81000000, data, sizeof(data));
	assert_ok(kernel_code_check(root, &f, 1, &verdict, &compared, &err), &err);
	assert_int_equal(verdict, KERNEL_CODE_DIFFERENT);
	assert_non_null(strstr(err.message, "unique"));

	f.name = "absent";
	assert_ok(kernel_code_check(root, &f, 1, &verdict, &compared, &err), &err);
	assert_int_equal(verdict, KERNEL_CODE_DIFFERENT);
	f.object = "not_loaded";
	assert_ok(kernel_code_check(root, &f, 1, &verdict, &compared, &err), &err);
	assert_int_equal(verdict, KERNEL_CODE_NONE);
	unit_remove_dir(root);
}

static void paths(void **state)
{
	struct kernel_path path;
	char text[8];

	(void)state;
	assert_int_equal(kernel_path(&path, "/r", "/%s/%d", "a", 1), 0);
	assert_string_equal(path.s, "/r/a/1");
	assert_int_equal(kernel_path(&path, "", "/%01100d", 0), ERR_TOO_LARGE);
	assert_true(kernel_read_text("/nowhere", "/x", text, sizeof(text), NULL) < 0);
	assert_true(kernel_root_is_real("") && !kernel_root_is_real("/r"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),
		cmocka_unit_test(unusable),
		cmocka_unit_test(notes),
		cmocka_unit_test(livepatches),
		cmocka_unit_test(waits),
		cmocka_unit_test(modules),
		cmocka_unit_test(symbols),
		cmocka_unit_test(core),
		cmocka_unit_test(code),
		cmocka_unit_test(paths),
		cmocka_unit_test(what_a_sandbox_shows_is_read),
	};

	return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
