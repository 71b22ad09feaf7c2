/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/tuf/client.h: the folder of trusted metadata, what it is taken for when it is not as it
 * should be, and what one client carries from one update to the next. */
#include "tuf_repo.h"

/* ---- The first root ---- */

/* Whoever names a wrong folder must not lose what is in it. */
with_repo(init_leaves_a_folder_of_others_alone)
{
	char *own = path_join(repo->dir, "own", NULL), *file = path_join(own, "package.json", NULL);
	const struct buf *root = &repo->first_root;

	repo_write_at(repo, "own/package.json", "{}", 2);
	assert_int_equal(tuf_client_init(own, root->data, root->len, false, &repo->err),
			 ERR_BAD_STATE);
	assert_true(file_exists(file));
	/* What a killed first init leaves is no reason. */
	repo_remove(repo, "own/package.json");
	repo_write_at(repo, "own/.new-0123456789abcdef", "half", 4);
	assert_ok(tuf_client_init(own, root->data, root->len, false, &repo->err), &repo->err);
	free(file);
	free(own);
}

/* The root key goes by a name that is no hash. */
static void name_root_key(struct repo *repo, const char *name, struct buf *ret)
{
	json_t *keys = json_object_get(repo->root->body, "keys");
	json_t *role = json_object_get(json_object_get(repo->root->body, "roles"), "root");
	json_t *key = json_object_get(keys, tuf_key_id(repo->keys[KEY_ROOT]));

	json_object_set(keys, name, key);
	json_object_set_new(role, "keyids", json_pack("[s]", name));
	assert_ok(tuf_metadata_changed(repo->root, &repo->err), &repo->err);
	assert_ok(tuf_metadata_sign(repo->root, repo->keys[KEY_ROOT], &repo->err), &repo->err);
	json_object_set_new(json_array_get(repo->root->signatures, 0), "keyid", json_string(name));
	*ret = BUF_INIT(1 << 20);
	assert_ok(tuf_metadata_write(repo->root, ret, &repo->err), &repo->err);
}

with_repo(init_and_open_have_one_rule_for_key_ids)
{
	struct tuf_client_options options = { .fetch = repo_fetch, .user = repo };
	_cleanup_buf_ struct buf root = { 0 };
	struct tuf_client *client;

	name_root_key(repo, "by-name", &root);
	assert_int_equal(tuf_client_init(repo->client, root.data, root.len, false, &repo->err),
			 ERR_SIGNATURE);
	assert_ok(tuf_client_init(repo->client, root.data, root.len, true, &repo->err), &repo->err);
	assert_int_equal(tuf_client_open(repo->client, &options, &client, &repo->err),
			 ERR_SIGNATURE);
	options.any_key_ids = true;
	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	tuf_client_free(client);
}

/* Its temporary file is what a killed write leaves behind; other names are not ours. */
with_repo(removes_what_a_killed_write_left)
{
	char *left = path_join(repo->client, ".new-0123456789abcdef", NULL);
	char *other = path_join(repo->client, ".new-world", NULL);

	repo_write_at(repo, "client/.new-0123456789abcdef", "half", 4);
	repo_write_at(repo, "client/.new-world", "mine", 4);
	assert_int_equal(repo_refresh(repo), 0);
	assert_false(file_exists(left));
	assert_true(file_exists(other));
	free(other);
	free(left);
}

/* ---- What is trusted ---- */

/* 5.4.3.1: nothing but the version is looked at then, and what is trusted stays. */
with_repo(a_timestamp_of_the_same_version_says_nothing)
{
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	assert_ok(tuf_meta_put(repo->timestamp, "snapshot.json", 1, "x", 1, &repo->err),
		  &repo->err);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 2);
}

/* What cannot be read may say that the repository goes back: it does not count as none. A symbolic
 * link, which is not followed, stands for every such reason. */
with_repo(a_trusted_file_that_cannot_be_read_is_not_none)
{
	static const char *const files[] = { "timestamp.json", "snapshot.json" };

	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		char *path = path_join(repo->client, files[i], NULL);
		char *aside = path_join(repo->dir, files[i], NULL);

		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(symlink(aside, path), 0);
		assert_int_equal(repo_refresh(repo), -ELOOP);
		assert_int_equal(rename(aside, path), 0);
		assert_int_equal(repo_refresh(repo), 0);
		free(aside);
		free(path);
	}
}

/* The trusted timestamp, which would have said so, is lost. */
with_repo(refuses_a_snapshot_lower_than_the_trusted_one)
{
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_remove(repo, "client/timestamp.json");
	repo_set_version(repo, repo->snapshot, 1);
	repo_publish_snapshot(repo);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 2);
}

/* A snapshot of at least so many bytes, and the timestamp that says how many. */
static void publish_large_snapshot(struct repo *repo, size_t size)
{
	repo_fill(repo->snapshot, size);
	repo_set_version(repo, repo->snapshot, repo->snapshot->version + 1);
	repo_set_version(repo, repo->timestamp, repo->timestamp->version + 1);
	repo_publish_snapshot(repo);
}

/* It may be over the default cap, not over the hard one. */
with_repo(a_signed_length_counts_instead_of_the_cap)
{
	publish_large_snapshot(repo, TUF_MAX_SNAPSHOT);
	assert_int_equal(repo_refresh(repo), 0);
	publish_large_snapshot(repo, TUF_MAX_LISTED);
	assert_int_equal(repo_refresh(repo), ERR_TOO_LARGE);
	/* What is trusted is read again, large as it is, and still guards. */
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 3);
	repo_remove(repo, "client/timestamp.json");
	repo_set_version(repo, repo->snapshot, 0);
	publish_large_snapshot(repo, 0);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
}

/* The callback gets the name as it is; in the folder it is encoded. */
with_repo(names_of_roles_are_encoded_by_who_needs_it)
{
	static const char *const all[] = { "*" };
	struct tuf_client *client;
	struct tuf_target target;
	struct buf data;

	repo_delegate(repo, "a b%", KEY_STABLE, all, 1, false);
	repo_publish(repo);
	repo_put(repo, repo->stable, KEY_STABLE, "a b%", true, &data);
	assert_ok(tuf_meta_put(repo->snapshot, "a b%.json", 1, data.data, data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	repo_publish_snapshot(repo);
	client = repo_open(repo);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_int_equal(tuf_client_find(client, "none", &target, &repo->err), ERR_NOT_LISTED);
	tuf_client_free(client);
	assert_string_equal(repo->last, "metadata/1.a b%.json");
	assert_int_equal(repo_trusted_version(repo, "a%20b%25.json"), 1);
}

/* ---- One client, several updates ---- */

/* Bytes of a poll that came to nothing are not taken for the next one's. */
with_repo(a_poll_forgets_what_the_last_one_got)
{
	struct tuf_client_options options = { .fetch = repo_fetch, .user = repo, .poll = true };
	struct tuf_client *client;

	assert_int_equal(repo_refresh(repo), 0);
	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	repo_publish_next(repo);
	repo->requests = 0;
	repo->fail_at = 2; /* the root, after the timestamp of version 2 */
	assert_int_equal(tuf_client_refresh(client, REPO_NOW, &repo->err), ERR_UNREACHABLE);
	repo->fail_at = 0;
	repo_remove(repo, "client/timestamp.json");
	repo_publish_next(repo);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 3);
	tuf_client_free(client);
}

/* Dates are seen against the time of each. */
with_repo(each_refresh_has_its_own_time)
{
	struct tuf_client *client = repo_open(repo);

	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_int_equal(tuf_client_refresh(client, REPO_EXPIRES, &repo->err), ERR_EXPIRED);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	tuf_client_free(client);
}

with_repo(an_empty_target_is_not_fetched)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64);
	struct tuf_client *client = repo_open(repo);
	struct tuf_target target;

	repo_add_target(repo, repo->stable, "stable/k1/empty", "");
	repo_publish(repo);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_ok(tuf_client_find(client, "stable/k1/empty", &target, &repo->err), &repo->err);
	repo->requests = 0;
	assert_ok(tuf_client_download(client, &target, &out, &repo->err), &repo->err);
	assert_int_equal(repo->requests + out.len, 0);
	tuf_client_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_leaves_a_folder_of_others_alone),
		cmocka_unit_test(init_and_open_have_one_rule_for_key_ids),
		cmocka_unit_test(removes_what_a_killed_write_left),
		cmocka_unit_test(a_timestamp_of_the_same_version_says_nothing),
		cmocka_unit_test(a_trusted_file_that_cannot_be_read_is_not_none),
		cmocka_unit_test(refuses_a_snapshot_lower_than_the_trusted_one),
		cmocka_unit_test(a_signed_length_counts_instead_of_the_cap),
		cmocka_unit_test(names_of_roles_are_encoded_by_who_needs_it),
		cmocka_unit_test(a_poll_forgets_what_the_last_one_got),
		cmocka_unit_test(each_refresh_has_its_own_time),
		cmocka_unit_test(an_empty_target_is_not_fetched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
