/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <sys/stat.h>

#include "server/http/static_file.h"

struct world {
	char *dir;
	int fd; /* of dir/open */
};

static void put(const char *dir, const char *name, const char *text)
{
	char *path = path_join(dir, name, NULL);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, text, strlen(text), 0644, &err), &err);
	free(path);
}

static void make_folder(const char *dir, const char *name)
{
	char *path = path_join(dir, name, NULL);

	assert_int_equal(mkdir(path, 0755), 0);
	free(path);
}

static void make_link(const char *dir, const char *name, const char *to)
{
	char *path = path_join(dir, name, NULL);

	assert_int_equal(symlink(to, path), 0);
	free(path);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char *open_dir, *pipe;

	w->dir = unit_make_dir();
	make_folder(w->dir, "open");
	make_folder(w->dir, "open/sub");
	put(w->dir, "secret", "secret");
	put(w->dir, "open/timestamp.json", "{}");
	put(w->dir, "open/12.root.json", "{}");
	put(w->dir, "open/sub/file.ko", "module");
	put(w->dir,
	    "open/sub/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.m.ko", "m");
	make_link(w->dir, "open/link", "timestamp.json");
	make_link(w->dir, "open/out", "../secret");
	make_link(w->dir, "open/folder", "sub");
	make_link(w->dir, "open/up", "..");
	pipe = path_join(w->dir, "open/pipe", NULL);
	assert_int_equal(mkfifo(pipe, 0644), 0);
	free(pipe);
	open_dir = path_join(w->dir, "open", NULL);
	w->fd = open(open_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->fd >= 0);
	free(open_dir);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close(w->fd);
	unit_remove_dir(w->dir);
	free(w);
	return 0;
}

static struct http_response get(struct world *w, const char *path, const char *etag)
{
	struct http_response response = { .fd = -1 };
	struct error err = { 0 };

	assert_ok(static_file_answer(w->fd, path, etag, &response, &err), &err);
	return response;
}

static void serves(void **state)
{
	struct http_response response = get(*state, "sub/file.ko", NULL);
	char text[8] = "";

	assert_int_equal(response.size, 6);
	assert_int_equal(read(response.fd, text, sizeof(text)), 6);
	assert_string_equal(text, "module");
	assert_string_equal(response.content_type, "application/octet-stream");
	assert_string_equal(response.cache_control, "no-cache");
	close(response.fd);
	response = get(*state, "timestamp.json", NULL);
	assert_string_equal(response.content_type, HTTP_JSON);
	assert_string_equal(response.cache_control, "no-cache");
	close(response.fd);
}

static void keeps_what_never_changes(void **state)
{
	static const char *const paths[] = {
		"12.root.json",
		"sub/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.m.ko",
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct http_response response = get(*state, paths[i], NULL);

		assert_non_null(strstr(response.cache_control, "immutable"));
		close(response.fd);
	}
}

static void etags(void **state)
{
	struct world *w = *state;
	struct http_response first = get(w, "timestamp.json", NULL), again;

	close(first.fd);
	again = get(w, "timestamp.json", first.etag);
	assert_int_equal(again.status, 304);
	assert_int_equal(again.fd, -1);
	again = get(w, "timestamp.json", "\"other\"");
	assert_int_equal(again.status, 0);
	close(again.fd);
	put(w->dir, "open/timestamp.json", "[]");
	again = get(w, "timestamp.json", first.etag);
	assert_int_equal(again.status, 0);
	assert_string_not_equal(again.etag, first.etag);
	close(again.fd);
}

static void never_leaves(void **state)
{
	static const char *const paths[] = {
		"",
		".",
		"..",
		"../secret",
		"/etc/passwd",
		"sub/../../secret",
		"sub/..",
		"sub/",
		"sub",
		"sub//file.ko",
		"./timestamp.json",
		"link",
		"out",
		"folder/file.ko",
		"up/secret",
		"up/open/timestamp.json",
		"pipe",
		"none",
		"sub/none/more",
		"timestamp.json/x",
		"sub\\..\\file.ko",
		"a\nb",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct http_response response = { .fd = -1 };

		if (static_file_answer(w->fd, paths[i], NULL, &response, NULL) != ERR_NOT_FOUND)
			fail_msg("served \"%s\"", paths[i]);
		assert_int_equal(response.fd, -1);
	}
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(serves),
		CASE(keeps_what_never_changes),
		CASE(etags),
		CASE(never_leaves),
	};

	return cmocka_run_group_tests_name("static file", tests, NULL, NULL);
}
