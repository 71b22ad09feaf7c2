// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of guests and the folders behind them; the guests themselves are for the kernel tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lab/guest/named.h"
#include "lab/guest/qemu.h"
#include "lab/guest/work_folder.h"

static char dir[64];

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test-named-XXXXXX");
	return mkdtemp(dir) && setenv("XDG_RUNTIME_DIR", dir, 1) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(dir, NULL);
}

static int folder_status(const char *name)
{
	_cleanup_free_ char *path = NULL;

	return named_folder(name, &path, NULL);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(folder_status("a"), 0);
	assert_int_equal(folder_status("demo-2"), 0);
	assert_int_equal(folder_status("abcdefghijklmnopqrstuvwxyz012345"), 0);
	assert_int_equal(folder_status("abcdefghijklmnopqrstuvwxyz0123456"), ERR_USAGE);
	assert_int_equal(folder_status(""), ERR_USAGE);
	assert_int_equal(folder_status(".."), ERR_USAGE);
	assert_int_equal(folder_status("a/b"), ERR_USAGE);
	assert_int_equal(folder_status("A"), ERR_USAGE);
	assert_int_equal(folder_status("a,b"), ERR_USAGE);
}

/* Sockets and logs go nowhere that others can reach. */
static void test_foreign_folder(void **state)
{
	(void)state;
	_cleanup_free_ char *base = path_join(dir, "suture-lab", NULL);

	assert_int_equal(folder_status("a"), 0);
	assert_int_equal(chmod(base, 0750), 0);
	assert_int_equal(folder_status("a"), ERR_DENIED);
	assert_int_equal(rmdir(base), 0);
	assert_int_equal(symlink("/tmp", base), 0);
	assert_int_equal(folder_status("a"), ERR_DENIED);
	assert_int_equal(unlink(base), 0);
	assert_int_equal(folder_status("a"), 0);
}

static void test_no_guest(void **state)
{
	(void)state;
	_cleanup_paths_ struct path_list names = { 0 };
	_cleanup_buf_ struct buf log = BUF_INIT(100);
	struct guest *guest = NULL;

	_cleanup_free_ char *modules = NULL;

	assert_int_equal(named_attach("none", &guest, NULL), ERR_NOT_FOUND);
	assert_int_equal(named_modules("none", &modules, NULL), ERR_NOT_FOUND);
	assert_int_equal(named_stop("none", NULL), ERR_NOT_FOUND);
	assert_int_equal(named_log("none", &log, NULL), ERR_NOT_FOUND);
	assert_int_equal(named_list(&names, NULL), 0);
	assert_int_equal(names.n, 0);
}

static void write_pid(const char *folder, const char *text)
{
	_cleanup_free_ char *path = path_join(folder, QEMU_PID_FILE, NULL);

	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

/* A process number that is another's by now must never be taken for the guest's. */
static void test_stale_pid(void **state)
{
	(void)state;
	_cleanup_free_ char *folder = NULL;
	_cleanup_paths_ struct path_list names = { 0 };
	struct guest *guest = NULL;
	char self[32];

	assert_int_equal(named_folder("old", &folder, NULL), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(named_list(&names, NULL), 0);
	assert_int_equal(names.n, 1);
	snprintf(self, sizeof(self), "%d\n", (int)getpid());
	const char *const texts[] = {
		self, "1\n", "0\n", "-1\n", "99999999999999999999\n", "x", ""
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_pid(folder, texts[i]);
		assert_false(guest_is_alive(folder));
		assert_int_equal(named_attach("old", &guest, NULL), ERR_BAD_STATE);
		assert_int_equal(guest_kill(folder, NULL), 0); /* and here we still are */
	}
	assert_int_equal(named_stop("old", NULL), 0);
	assert_false(file_exists(folder));
}

/* Where a guest's modules are is known as soon as it is to start, also the second time. */
static void test_modules(void **state)
{
	(void)state;
	const char *const given[] = { dir, "/", NULL };
	struct guest *guest = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
		_cleanup_free_ char *modules = NULL;
		struct guest_options o = { .image = "/nonexistent", .modules = given[i] };

		assert_int_equal(named_start("mods", &o, &guest, NULL), -ENOENT);
		assert_int_equal(named_modules("mods", &modules, NULL),
				 given[i] ? 0 : ERR_NOT_FOUND);
		if (given[i])
			assert_string_equal(modules, given[i]);
	}
	assert_int_equal(named_start("mods",
				     &(struct guest_options){ .image = "/nonexistent",
							      .modules = "/nonexistent" },
				     &guest, NULL),
			 -ENOENT);
}

static void test_refused_start(void **state)
{
	(void)state;
	_cleanup_(work_folder_removep) char *folder = NULL;
	struct guest *guest = NULL;
	struct error err = { 0 };

	assert_int_equal(named_start("new", &(struct guest_options){ .image = "/nonexistent" },
				     &guest, &err),
			 -ENOENT);
	assert_int_equal(work_folder_make(&folder, &err), 0);
	assert_int_equal(
		guest_start(&(struct guest_options){ .image = "/dev/null", .dir = "relative" },
			    &guest, &err),
		ERR_INVALID);
	assert_int_equal(guest_start(&(struct guest_options){ .image = "/dev/null", .dir = "/a,b" },
				     &guest, &err),
			 ERR_INVALID);
	/* Our init stands beside suture-lab, not beside this test. */
	assert_int_equal(setenv("SUTURE_LIBEXEC", folder, 1), 0);
	assert_int_equal(guest_start(&(struct guest_options){ .image = "/dev/null", .dir = folder },
				     &guest, &err),
			 ERR_NOT_FOUND);
	assert_non_null(strstr(err.message, "suture-lab-init"));
	assert_null(guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),    cmocka_unit_test(test_foreign_folder),
		cmocka_unit_test(test_no_guest), cmocka_unit_test(test_stale_pid),
		cmocka_unit_test(test_modules),  cmocka_unit_test(test_refused_start),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
