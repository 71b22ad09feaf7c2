/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/tuf/client.h: targets found through delegations, and downloaded. */
#include "tuf_repo.h"

static int find(struct repo *repo, const char *path)
{
	struct tuf_client *client = repo_open(repo);
	struct tuf_target target;
	int r;

	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	r = tuf_client_find(client, path, &target, &repo->err);
	if (r == 0)
		assert_string_equal(target.path, path);
	tuf_client_free(client);
	return r;
}

/* A second delegated role, signed by KEY_OTHER, that lists two targets. */
static void add_second_role(struct repo *repo, const char *pattern)
{
	const char *paths[] = { pattern };
	struct tuf_metadata *second;
	struct buf data;

	repo_delegate(repo, "second", KEY_OTHER, paths, 1, false);
	assert_ok(tuf_metadata_new(TUF_TARGETS, REPO_EXPIRES, &second, &repo->err), &repo->err);
	repo_add_target(repo, second, "stable/k1/two.ko", "by the second role");
	repo_add_target(repo, second, "other/k1/three.ko", "by the second role");
	repo_put(repo, second, KEY_OTHER, "second", true, &data);
	assert_ok(tuf_meta_put(repo->snapshot, "second.json", 1, data.data, data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	tuf_metadata_free(second);
}

with_repo(finds_through_delegations_in_order)
{
	repo_delegate(repo, "stable", KEY_STABLE, repo_stable_paths, 1, false);
	add_second_role(repo, "*/*/*");
	repo_publish(repo);
	assert_int_equal(find(repo, "stable/k1/one.ko"), 0);
	assert_int_equal(find(repo, "stable/k1/two.ko"), 0);
	assert_int_equal(find(repo, "other/k1/three.ko"), 0);
	assert_int_equal(find(repo, "stable/k1/none.ko"), ERR_NOT_LISTED);
}

with_repo(a_terminating_delegation_ends_the_search)
{
	add_second_role(repo, "*/*/*");
	repo_publish(repo);
	assert_int_equal(find(repo, "stable/k1/one.ko"), 0);
	assert_int_equal(find(repo, "stable/k1/two.ko"), ERR_NOT_LISTED);
	assert_int_equal(find(repo, "other/k1/three.ko"), 0);
}

/*
 * targets delegates all to "first" and then to "second"; "first" hands stable/ on to "stable",
 * which is terminating there: "second" is not asked, although it comes later on the level above.
 */
with_repo(a_terminating_delegation_ends_the_search_above_too)
{
	static const char *const all[] = { "*/*/*" };
	const struct tuf_key *key = repo->keys[KEY_STABLE];
	struct tuf_metadata *first;
	struct buf data;

	assert_int_equal(json_object_del(repo->targets->body, "delegations"), 0);
	repo_delegate(repo, "first", KEY_OTHER, all, 1, false);
	add_second_role(repo, all[0]);
	assert_ok(tuf_metadata_new(TUF_TARGETS, REPO_EXPIRES, &first, &repo->err), &repo->err);
	assert_ok(tuf_targets_delegate(first, "stable", &key, 1, 1, repo_stable_paths, 1, true,
				       &repo->err),
		  &repo->err);
	repo_put(repo, first, KEY_OTHER, "first", true, &data);
	assert_ok(tuf_meta_put(repo->snapshot, "first.json", 1, data.data, data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	tuf_metadata_free(first);
	repo_publish(repo);
	assert_int_equal(find(repo, "stable/k1/one.ko"), 0);
	assert_int_equal(find(repo, "stable/k1/two.ko"), ERR_NOT_LISTED);
	assert_int_equal(find(repo, "other/k1/three.ko"), 0);
}

/* A chain of roles: each delegates to the next one, none lists the target. */
with_repo(visits_no_more_roles_than_allowed)
{
	static const char *const all[] = { "*/*/*" };
	const struct tuf_key *key = repo->keys[KEY_OTHER];
	struct tuf_client_options options = {
		.fetch = repo_fetch,
		.user = repo,
		.max_roles = 3,
	};
	struct tuf_client *client;
	struct tuf_target target;
	char name[16], next[16];

	assert_int_equal(json_object_del(repo->targets->body, "delegations"), 0);
	repo_delegate(repo, "r0", KEY_OTHER, all, 1, false);
	for (int i = 0; i < 6; i++) {
		struct tuf_metadata *md;
		struct buf data;

		snprintf(name, sizeof(name), "r%d", i);
		snprintf(next, sizeof(next), "r%d", i + 1);
		assert_ok(tuf_metadata_new(TUF_TARGETS, REPO_EXPIRES, &md, &repo->err), &repo->err);
		assert_ok(tuf_targets_delegate(md, next, &key, 1, 1, all, 1, false, &repo->err),
			  &repo->err);
		repo_put(repo, md, KEY_OTHER, name, true, &data);
		snprintf(next, sizeof(next), "r%d.json", i);
		assert_ok(tuf_meta_put(repo->snapshot, next, 1, data.data, data.len, &repo->err),
			  &repo->err);
		buf_free(&data);
		tuf_metadata_free(md);
	}
	repo_publish(repo);
	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	repo->requests = 0;
	assert_int_equal(tuf_client_find(client, "a/b/c", &target, &repo->err), ERR_TOO_LARGE);
	assert_int_equal(repo->requests, 3);
	assert_non_null(strstr(repo->err.message, "no more are searched"));
	tuf_client_free(client);
}

/* A name whose file no file system could hold is refused before anything is asked for. */
with_repo(refuses_a_role_name_that_is_no_file_name)
{
	static const char *const all[] = { "*/*/*" };
	char name[101];

	memset(name, '/', 100);
	name[100] = '\0';
	repo_delegate(repo, name, KEY_OTHER, all, 1, false);
	repo_publish(repo);
	assert_int_equal(find(repo, "other/k1/none"), ERR_UNSUPPORTED);
}

with_repo(a_delegation_counts_only_for_its_paths)
{
	add_second_role(repo, "other/*");
	repo_publish(repo);
	assert_int_equal(find(repo, "other/k1/three.ko"), ERR_NOT_LISTED);
}

/* ---- Download ---- */

with_repo(downloads_a_target_with_its_hash_checked)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64), tiny = BUF_INIT(4);
	char hex[SHA256_HEX_LEN + 1], file[256];
	struct tuf_client *client = repo_open(repo);
	struct tuf_target target;

	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_ok(tuf_client_find(client, "stable/k1/one.ko", &target, &repo->err), &repo->err);
	assert_ok(tuf_client_download(client, &target, &out, &repo->err), &repo->err);
	assert_string_equal(buf_str(&out), "the first module");
	assert_int_equal(tuf_client_download(client, &target, &tiny, &repo->err), ERR_TOO_LARGE);

	assert_int_equal(hash_sha256_hex("the first module", 16, hex), 0);
	snprintf(file, sizeof(file), "targets/stable/k1/%s.one.ko", hex);
	repo_write_at(repo, file, "the first modulE", 16);
	buf_clear(&out);
	assert_int_equal(tuf_client_download(client, &target, &out, &repo->err), ERR_HASH);
	repo_write_at(repo, file, "the first modul", 15);
	assert_int_equal(tuf_client_download(client, &target, &out, &repo->err), ERR_HASH);
	repo_write_at(repo, file, "the first module and endless data", 33);
	assert_int_equal(tuf_client_download(client, &target, &out, &repo->err), ERR_TOO_LARGE);
	repo_remove(repo, file);
	assert_int_equal(tuf_client_download(client, &target, &out, &repo->err), ERR_NOT_FOUND);
	assert_int_equal(out.len, 0);
	tuf_client_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_through_delegations_in_order),
		cmocka_unit_test(a_terminating_delegation_ends_the_search),
		cmocka_unit_test(a_terminating_delegation_ends_the_search_above_too),
		cmocka_unit_test(visits_no_more_roles_than_allowed),
		cmocka_unit_test(refuses_a_role_name_that_is_no_file_name),
		cmocka_unit_test(a_delegation_counts_only_for_its_paths),
		cmocka_unit_test(downloads_a_target_with_its_hash_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
