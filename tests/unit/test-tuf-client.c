/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/tuf/client.h: every check of TUF 1.0.34 section 5, seen to refuse. */
#include "tuf_repo.h"

#include <sys/sysmacros.h>

with_repo(refreshes_and_stores_unversioned_files)
{
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 1);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 1);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 1);
	assert_int_equal(repo_trusted_version(repo, "targets.json"), 1);
	assert_int_equal(repo_trusted_version(repo, "stable.json"), 0);
}

with_repo(asks_for_root_and_timestamp_only_when_nothing_changed)
{
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo->requests, 4);
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo->requests, 2);
	assert_string_equal(repo->last, "metadata/timestamp.json");
}

static int poll_repo(struct repo *repo, int64_t now)
{
	struct tuf_client_options options = {
		.fetch = repo_fetch,
		.user = repo,
		.poll = true,
	};
	const struct tuf_role *role;
	struct tuf_client *client;
	int r;

	repo->requests = 0;
	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	r = tuf_client_refresh(client, now, &repo->err);
	/* A poll that ended early has loaded what a refresh loads. */
	if (r == 0)
		r = tuf_client_load_role(client, "stable", &role, &repo->err);
	tuf_client_free(client);
	return r;
}

/* Section 3.1.2: one file while nothing changed, and none twice when something did. */
with_repo(a_poll_asks_for_the_timestamp_alone)
{
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	assert_int_equal(repo->requests, 5);
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	assert_int_equal(repo->requests, 1);
	repo_publish_next(repo);
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	assert_int_equal(repo->requests, 5);
	assert_int_equal(repo_trusted_version(repo, "stable.json"), 2);
}

/* The bytes of a poll were signed by a key that the new root does not know. */
with_repo(a_poll_does_not_keep_a_timestamp_of_before_a_new_root)
{
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "timestamp", KEY_OTHER);
	repo_publish_root(repo);
	/* Unchanged timestamp: nothing new is seen yet. */
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 1);
	repo_set_version(repo, repo->timestamp, 2);
	repo_publish_timestamp(repo);
	assert_int_equal(poll_repo(repo, REPO_NOW), ERR_SIGNATURE);
	/* Timestamp, root, no other root, and the timestamp again. */
	assert_int_equal(repo->requests, 4);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 2);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 0);
	assert_ok(tuf_metadata_changed(repo->timestamp, &repo->err), &repo->err);
	repo_put(repo, repo->timestamp, KEY_OTHER, "timestamp", false, NULL);
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
}

/* Whatever else is trusted: nothing else is looked at before it has come. */
with_repo(a_poll_asks_for_the_timestamp_first)
{
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	repo_write_at(repo, "client/targets.json", "{}", 2);
	repo->fail_at = 2;
	assert_int_equal(poll_repo(repo, REPO_NOW), ERR_UNREACHABLE);
	assert_string_equal(repo->last, "metadata/timestamp.json");
	repo->fail_at = 0;
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	assert_int_equal(repo->requests, 3);
	assert_int_equal(repo_trusted_version(repo, "targets.json"), 1);
}

with_repo(a_poll_refuses_what_a_refresh_refuses)
{
	assert_int_equal(poll_repo(repo, REPO_NOW), 0);
	assert_int_equal(poll_repo(repo, REPO_EXPIRES), ERR_EXPIRED);
	repo->fail_at = 1;
	assert_int_equal(poll_repo(repo, REPO_NOW), ERR_UNREACHABLE);
	assert_int_equal(repo->requests, 1);
	repo->fail_at = 0;
	repo_write_at(repo, "metadata/timestamp.json", "{}", 2);
	assert_int_equal(poll_repo(repo, REPO_NOW), ERR_INVALID);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 1);
}

with_repo(follows_new_versions)
{
	assert_int_equal(repo_refresh(repo), 0);
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 2);
	assert_int_equal(repo_trusted_version(repo, "targets.json"), 2);
}

/* ---- Root ---- */

with_repo(init_refuses_a_root_that_did_not_sign_itself)
{
	struct buf data = BUF_INIT(1 << 20);

	assert_ok(tuf_metadata_changed(repo->root, &repo->err), &repo->err);
	assert_ok(tuf_metadata_sign(repo->root, repo->keys[KEY_OTHER], &repo->err), &repo->err);
	assert_ok(tuf_metadata_write(repo->root, &data, &repo->err), &repo->err);
	assert_int_equal(tuf_client_init(repo->client, data.data, data.len, false, &repo->err),
			 ERR_SIGNATURE);
	/* What was trusted before is still there. */
	assert_int_equal(repo_trusted_version(repo, "root.json"), 1);
	buf_free(&data);
}

with_repo(init_forgets_the_metadata_of_another_root)
{
	assert_int_equal(repo_refresh(repo), 0);
	assert_ok(tuf_client_init(repo->client, repo->first_root.data, repo->first_root.len, false,
				  &repo->err),
		  &repo->err);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 0);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 1);
}

with_repo(stores_each_intermediate_root)
{
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "root", KEY_OTHER);
	assert_ok(tuf_metadata_sign(repo->root, repo->keys[KEY_OTHER], &repo->err), &repo->err);
	repo_publish_root(repo);
	/* Version 3 is not signed by the keys of version 2. */
	repo_set_version(repo, repo->root, 3);
	repo_set_root_role(repo, "root", KEY_ROOT);
	repo_publish_root(repo);
	assert_int_equal(repo_refresh(repo), ERR_SIGNATURE);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 2);

	assert_ok(tuf_metadata_sign(repo->root, repo->keys[KEY_OTHER], &repo->err), &repo->err);
	repo_publish_root(repo);
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 3);
}

with_repo(new_root_needs_its_own_threshold_too)
{
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "root", KEY_OTHER);
	repo_publish_root(repo); /* signed by the old key alone */
	assert_int_equal(repo_refresh(repo), ERR_SIGNATURE);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 1);
}

with_repo(root_version_must_be_the_next)
{
	struct buf data;

	repo_set_version(repo, repo->root, 3);
	repo_put(repo, repo->root, KEY_ROOT, "root", true, &data);
	repo_write_at(repo, "metadata/2.root.json", data.data, data.len);
	buf_free(&data);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 1);
}

with_repo(expired_root_is_refused_and_an_expired_intermediate_one_is_not)
{
	repo_set_version(repo, repo->root, 2);
	assert_ok(tuf_metadata_set_expires(repo->root, REPO_NOW, &repo->err), &repo->err);
	repo_publish_root(repo);
	assert_int_equal(repo_refresh(repo), ERR_EXPIRED);
	repo_set_version(repo, repo->root, 3);
	assert_ok(tuf_metadata_set_expires(repo->root, REPO_EXPIRES, &repo->err), &repo->err);
	repo_publish_root(repo);
	assert_int_equal(repo_refresh(repo), 0);
}

with_repo(follows_no_more_rotations_than_allowed)
{
	struct tuf_client_options options = {
		.fetch = repo_fetch,
		.user = repo,
		.max_rotations = 2,
	};
	struct tuf_client *client;

	for (int64_t v = 2; v <= 5; v++) {
		repo_set_version(repo, repo->root, v);
		repo_publish_root(repo);
	}
	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 3);
	tuf_client_free(client);
}

with_repo(recovers_from_fast_forward_when_keys_rotate)
{
	repo_set_version(repo, repo->timestamp, 1000);
	repo_set_version(repo, repo->snapshot, 1000);
	repo_publish(repo);
	assert_int_equal(repo_refresh(repo), 0);

	repo_set_version(repo, repo->timestamp, 2);
	repo_set_version(repo, repo->snapshot, 2);
	repo_publish(repo);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);

	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "timestamp", KEY_OTHER);
	repo_publish_root(repo);
	repo_put(repo, repo->timestamp, KEY_OTHER, "timestamp", false, NULL);
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 2);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 2);
}

/* Only the snapshot's key is replaced, so the old timestamp still has a good signature: it is
 * forgotten all the same. */
with_repo(recovers_from_fast_forward_when_one_key_rotates)
{
	struct buf data;

	repo_set_version(repo, repo->timestamp, 1000);
	repo_publish(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_set_version(repo, repo->root, 2);
	repo_set_root_role(repo, "snapshot", KEY_OTHER);
	repo_publish_root(repo);
	repo_set_version(repo, repo->snapshot, 2);
	repo_put(repo, repo->snapshot, KEY_OTHER, "snapshot", true, &data);
	repo_set_version(repo, repo->timestamp, 2);
	assert_ok(
		tuf_meta_put(repo->timestamp, "snapshot.json", 2, data.data, data.len, &repo->err),
		&repo->err);
	buf_free(&data);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 2);
}

/* Where key IDs need not be hashes, another key can go by the same key ID: it was rotated. */
with_repo(another_key_of_the_same_key_id_counts_as_rotated)
{
	struct tuf_client_options options = {
		.fetch = repo_fetch,
		.user = repo,
		.any_key_ids = true,
	};
	const char *id = tuf_key_id(repo->keys[KEY_SNAPSHOT]);
	struct tuf_client *client;
	json_t *keys;

	repo_set_version(repo, repo->timestamp, 1000);
	repo_publish(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_set_version(repo, repo->root, 2);
	keys = json_object_get(repo->root->body, "keys");
	json_object_set_new(keys, id, tuf_key_to_json(repo->keys[KEY_OTHER]));
	repo_publish_root(repo);
	repo_remove(repo, "metadata/timestamp.json");
	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	assert_int_equal(tuf_client_refresh(client, REPO_NOW, &repo->err), ERR_NOT_FOUND);
	assert_int_equal(repo_trusted_version(repo, "root.json"), 2);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 0);
	tuf_client_free(client);
}

/* ---- Timestamp ---- */

with_repo(refuses_a_timestamp_with_a_bad_signature)
{
	assert_ok(tuf_metadata_changed(repo->timestamp, &repo->err), &repo->err);
	repo_put(repo, repo->timestamp, KEY_OTHER, "timestamp", false, NULL);
	assert_int_equal(repo_refresh(repo), ERR_SIGNATURE);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 0);
}

with_repo(refuses_a_lower_timestamp)
{
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_set_version(repo, repo->timestamp, 1);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 2);
}

with_repo(refuses_a_timestamp_that_names_a_lower_snapshot)
{
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_set_version(repo, repo->snapshot, 1);
	repo_set_version(repo, repo->timestamp, 3);
	repo_publish_snapshot(repo);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 2);
}

with_repo(refuses_an_expired_timestamp)
{
	assert_ok(tuf_metadata_set_expires(repo->timestamp, REPO_NOW, &repo->err), &repo->err);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), ERR_EXPIRED);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 0);
}

with_repo(an_expired_trusted_timestamp_still_guards_against_rollback)
{
	struct tuf_client *later;

	repo_set_version(repo, repo->timestamp, 5);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_set_version(repo, repo->timestamp, 4);
	assert_ok(tuf_metadata_set_expires(repo->timestamp, REPO_EXPIRES + 5000, &repo->err),
		  &repo->err);
	assert_ok(tuf_metadata_set_expires(repo->root, REPO_EXPIRES + 5000, &repo->err),
		  &repo->err);
	repo_set_version(repo, repo->root, 2);
	repo_publish_root(repo);
	repo_publish_timestamp(repo);
	later = repo_open(repo);
	assert_int_equal(tuf_client_refresh(later, REPO_EXPIRES + 1, &repo->err), ERR_ROLLBACK);
	tuf_client_free(later);
}

with_repo(refuses_a_timestamp_over_its_cap)
{
	assert_int_equal(json_object_set_new(repo->timestamp->body, "x-filler", json_string("")),
			 0);
	char *filler = malloc(20000);

	memset(filler, 'x', 19999);
	filler[19999] = '\0';
	assert_int_equal(
		json_object_set_new(repo->timestamp->body, "x-filler", json_string(filler)), 0);
	free(filler);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), ERR_TOO_LARGE);
}

with_repo(keeps_and_verifies_unknown_fields)
{
	assert_int_equal(json_object_set_new(repo->timestamp->body, "x-more", json_string("é\"\\")),
			 0);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), 0);
}

with_repo(refuses_metadata_of_another_type)
{
	struct buf data = BUF_INIT(1 << 20);

	/* Correctly signed by the timestamp key, but it is a snapshot. */
	assert_ok(tuf_metadata_changed(repo->snapshot, &repo->err), &repo->err);
	assert_ok(tuf_metadata_sign(repo->snapshot, repo->keys[KEY_TIMESTAMP], &repo->err),
		  &repo->err);
	assert_ok(tuf_metadata_write(repo->snapshot, &data, &repo->err), &repo->err);
	repo_write_at(repo, "metadata/timestamp.json", data.data, data.len);
	buf_free(&data);
	assert_int_equal(repo_refresh(repo), ERR_INVALID);
}

with_repo(a_missing_timestamp_is_reported)
{
	repo_remove(repo, "metadata/timestamp.json");
	assert_int_equal(repo_refresh(repo), ERR_NOT_FOUND);
}

/* ---- Snapshot ---- */

with_repo(refuses_a_snapshot_that_is_not_the_named_one)
{
	assert_ok(tuf_metadata_set_expires(repo->snapshot, REPO_EXPIRES + 60, &repo->err),
		  &repo->err);
	repo_put(repo, repo->snapshot, KEY_SNAPSHOT, "snapshot", true, NULL);
	assert_int_equal(repo_refresh(repo), ERR_HASH);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 0);
}

with_repo(refuses_a_snapshot_with_a_bad_signature)
{
	struct buf data;

	assert_ok(tuf_metadata_changed(repo->snapshot, &repo->err), &repo->err);
	repo_put(repo, repo->snapshot, KEY_OTHER, "snapshot", true, &data);
	assert_ok(
		tuf_meta_put(repo->timestamp, "snapshot.json", 1, data.data, data.len, &repo->err),
		&repo->err);
	buf_free(&data);
	repo_publish_timestamp(repo);
	assert_int_equal(repo_refresh(repo), ERR_SIGNATURE);
}

/* The timestamp says only a version, which TUF allows; the snapshot holds another. */
with_repo(refuses_a_snapshot_of_another_version)
{
	struct buf data;

	assert_int_equal(json_object_set_new(json_object_get(repo->timestamp->body, "meta"),
					     "snapshot.json", json_pack("{s:i}", "version", 2)),
			 0);
	assert_ok(tuf_metadata_changed(repo->timestamp, &repo->err), &repo->err);
	repo_publish_timestamp(repo);
	repo_put(repo, repo->snapshot, KEY_SNAPSHOT, "snapshot", true, &data);
	repo_write_at(repo, "metadata/2.snapshot.json", data.data, data.len);
	buf_free(&data);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
}

with_repo(refuses_a_snapshot_that_lowers_a_role)
{
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
	repo_set_version(repo, repo->stable, 1);
	repo_set_version(repo, repo->snapshot, 3);
	repo_set_version(repo, repo->timestamp, 3);
	repo_publish(repo);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 2);
	/* The next good one is taken: nothing is stuck. */
	repo_set_version(repo, repo->stable, 2);
	repo_publish_next(repo);
	assert_int_equal(repo_refresh(repo), 0);
}

with_repo(refuses_a_snapshot_that_drops_a_role)
{
	assert_int_equal(repo_refresh(repo), 0);
	assert_int_equal(
		json_object_del(json_object_get(repo->snapshot->body, "meta"), "stable.json"), 0);
	repo_set_version(repo, repo->snapshot, 2);
	repo_set_version(repo, repo->timestamp, 2);
	repo_publish_snapshot(repo);
	assert_int_equal(repo_refresh(repo), ERR_ROLLBACK);
}

with_repo(refuses_an_expired_snapshot)
{
	assert_ok(tuf_metadata_set_expires(repo->snapshot, REPO_NOW - 1, &repo->err), &repo->err);
	repo_publish_snapshot(repo);
	assert_int_equal(repo_refresh(repo), ERR_EXPIRED);
	assert_int_equal(repo_trusted_version(repo, "snapshot.json"), 0);
}

/* ---- Targets ---- */

with_repo(refuses_targets_that_mix_and_match)
{
	/* An older, once valid targets.json under the new name. */
	struct buf old = BUF_INIT(1 << 20);

	assert_ok(tuf_metadata_sign(repo->targets, repo->keys[KEY_TARGETS], &repo->err),
		  &repo->err);
	assert_ok(tuf_metadata_write(repo->targets, &old, &repo->err), &repo->err);
	assert_int_equal(repo_refresh(repo), 0);
	repo_publish_next(repo);
	repo_write_at(repo, "metadata/2.targets.json", old.data, old.len);
	buf_free(&old);
	assert_int_equal(repo_refresh(repo), ERR_HASH);
	assert_int_equal(repo_trusted_version(repo, "targets.json"), 1);
}

with_repo(refuses_targets_with_a_bad_signature)
{
	struct buf data;

	assert_ok(tuf_metadata_changed(repo->targets, &repo->err), &repo->err);
	repo_put(repo, repo->targets, KEY_OTHER, "targets", true, &data);
	assert_ok(tuf_meta_put(repo->snapshot, "targets.json", 1, data.data, data.len, &repo->err),
		  &repo->err);
	buf_free(&data);
	repo_publish_snapshot(repo);
	assert_int_equal(repo_refresh(repo), ERR_SIGNATURE);
}

with_repo(refuses_expired_targets)
{
	assert_ok(tuf_metadata_set_expires(repo->targets, REPO_NOW, &repo->err), &repo->err);
	repo_publish(repo);
	assert_int_equal(repo_refresh(repo), ERR_EXPIRED);
	assert_int_equal(repo_trusted_version(repo, "targets.json"), 0);
}

/* ---- Delegated roles ---- */

static int load_stable(struct repo *repo, struct tuf_client **ret_client,
		       const struct tuf_role **ret)
{
	struct tuf_client *client = repo_open(repo);
	int r = tuf_client_refresh(client, REPO_NOW, &repo->err);

	if (r == 0)
		r = tuf_client_load_role(client, "stable", ret, &repo->err);
	if (r < 0)
		tuf_client_free(client);
	else
		*ret_client = client;
	return r;
}

with_repo(loads_a_role_and_lists_its_targets)
{
	const struct tuf_role *role;
	struct tuf_client *client;
	struct tuf_target *list, target;
	size_t n;

	repo_add_target(repo, repo->stable, "stable/k0/zero.ko", "another");
	repo_add_target(repo, repo->stable, "edge/k1/not-mine.ko", "outside its paths");
	repo_add_target(repo, repo->stable, "stable/k1/deep/er.ko", "outside its paths");
	repo_publish(repo);
	assert_int_equal(load_stable(repo, &client, &role), 0);
	assert_int_equal(tuf_role_version(role), 1);
	assert_int_equal(tuf_role_expires(role), REPO_EXPIRES);
	assert_ok(tuf_role_list(role, "", &list, &n, &repo->err), &repo->err);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].path, "stable/k0/zero.ko");
	assert_string_equal(list[1].path, "stable/k1/one.ko");
	assert_int_equal(list[1].length, strlen("the first module"));
	free(list);
	assert_ok(tuf_role_list(role, "stable/k1/", &list, &n, &repo->err), &repo->err);
	assert_int_equal(n, 1);
	free(list);
	assert_ok(tuf_role_list(role, "nothing", &list, &n, &repo->err), &repo->err);
	assert_int_equal(n, 0);
	assert_null(list);
	assert_int_equal(tuf_role_find(role, "edge/k1/not-mine.ko", &target, &repo->err),
			 ERR_NOT_LISTED);
	assert_ok(tuf_role_find(role, "stable/k1/one.ko", &target, &repo->err), &repo->err);
	assert_int_equal(repo_trusted_version(repo, "stable.json"), 1);
	tuf_client_free(client);
	/* The second time the folder's copy serves. */
	repo->requests = 0;
	assert_int_equal(load_stable(repo, &client, &role), 0);
	assert_int_equal(repo->requests, 2);
	tuf_client_free(client);
}

with_repo(a_role_must_be_signed_by_the_keys_of_its_delegator)
{
	const struct tuf_role *role;
	struct tuf_client *client;

	assert_int_equal(load_stable(repo, &client, &role), 0);
	tuf_client_free(client);
	/* The delegator changes the key; the folder's copy of the role is no longer good. */
	repo_delegate(repo, "stable", KEY_OTHER, repo_stable_paths, 1, true);
	repo_set_version(repo, repo->targets, 2);
	repo_set_version(repo, repo->snapshot, 2);
	repo_set_version(repo, repo->timestamp, 2);
	repo_publish(repo);
	assert_int_equal(load_stable(repo, &client, &role), ERR_SIGNATURE);
}

with_repo(an_unknown_or_unlisted_role_is_refused)
{
	const struct tuf_role *role;
	struct tuf_client *client = repo_open(repo);

	assert_int_equal(tuf_client_load_role(client, "stable", &role, &repo->err), ERR_BAD_STATE);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	assert_int_equal(tuf_client_load_role(client, "edge", &role, &repo->err), ERR_NOT_LISTED);
	tuf_client_free(client);

	repo_delegate(repo, "edge", KEY_OTHER, repo_stable_paths, 1, true);
	repo_publish_next(repo);
	client = repo_open(repo);
	assert_ok(tuf_client_refresh(client, REPO_NOW, &repo->err), &repo->err);
	/* Delegated to, but the snapshot has no such file: not the same as a role that never was,
	 * or the snapshot's key could hide the recall list. */
	assert_int_equal(tuf_client_load_role(client, "edge", &role, &repo->err), ERR_NOT_FOUND);
	tuf_client_free(client);
}

with_repo(a_missing_role_file_is_reported)
{
	const struct tuf_role *role;
	struct tuf_client *client;

	repo_remove(repo, "metadata/1.stable.json");
	assert_int_equal(load_stable(repo, &client, &role), ERR_NOT_FOUND);
}

with_repo(an_expired_role_is_refused)
{
	const struct tuf_role *role;
	struct tuf_client *client;

	assert_ok(tuf_metadata_set_expires(repo->stable, REPO_NOW, &repo->err), &repo->err);
	repo_publish(repo);
	assert_int_equal(load_stable(repo, &client, &role), ERR_EXPIRED);
}

static int load_expired(struct repo *repo)
{
	struct tuf_client_options options = {
		.fetch = repo_fetch,
		.user = repo,
		.expired_roles = true,
	};
	const struct tuf_role *role;
	struct tuf_client *client;
	int r;

	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	r = tuf_client_refresh(client, REPO_NOW, &repo->err);
	if (r == 0)
		r = tuf_client_load_role(client, "stable", &role, &repo->err);
	if (r == 0)
		assert_int_equal(tuf_role_expires(role), REPO_NOW);
	tuf_client_free(client);
	return r;
}

with_repo(a_publisher_takes_an_expired_role)
{
	assert_ok(tuf_metadata_set_expires(repo->stable, REPO_NOW, &repo->err), &repo->err);
	repo_publish(repo);
	assert_int_equal(load_expired(repo), 0);
}

with_repo(a_publisher_takes_no_expired_targets)
{
	assert_ok(tuf_metadata_set_expires(repo->targets, REPO_NOW, &repo->err), &repo->err);
	repo_publish(repo);
	assert_int_equal(load_expired(repo), ERR_EXPIRED);
}

/* ---- Without a network ---- */

static int load_offline(struct repo *repo, int64_t now, bool ignore_expiry)
{
	struct tuf_client_options options = { 0 };
	const struct tuf_role *role;
	struct tuf_client *client;
	int r;

	assert_ok(tuf_client_open(repo->client, &options, &client, &repo->err), &repo->err);
	r = tuf_client_load_cached(client, now, ignore_expiry, &repo->err);
	if (r == 0)
		r = tuf_client_load_role(client, "stable", &role, &repo->err);
	tuf_client_free(client);
	return r;
}

with_repo(loads_what_is_trusted_without_a_network)
{
	const struct tuf_role *role;
	struct tuf_client *client;
	char *path;

	assert_int_equal(load_offline(repo, REPO_NOW, false), ERR_NOT_FOUND);
	assert_int_equal(load_stable(repo, &client, &role), 0);
	tuf_client_free(client);
	assert_int_equal(load_offline(repo, REPO_NOW, false), 0);
	assert_int_equal(load_offline(repo, REPO_EXPIRES + 1, false), ERR_EXPIRED);
	assert_int_equal(load_offline(repo, REPO_EXPIRES + 1, true), 0);
	assert_int_equal(load_offline(repo, 0, true), 0);

	/* Changed on the disk: refused, although dates are not looked at. */
	path = path_join(repo->client, "stable.json", NULL);
	assert_ok(file_write_atomic(path, "{}", 2, 0644, &repo->err), &repo->err);
	free(path);
	assert_int_equal(load_offline(repo, REPO_NOW, true), ERR_HASH);
}

/* Cut off, of another specification, larger than any file that is trusted. */
with_repo(a_damaged_folder_heals_with_the_next_refresh)
{
	static const char *const roles[] = { "timestamp", "snapshot", "targets" };
	char *large = calloc(1, TUF_MAX_LISTED + 1);

	assert_non_null(large);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		char newer[128], path[64];
		int len = snprintf(newer, sizeof(newer),
				   "{\"signatures\": [], \"signed\": {\"_type\": \"%s\", "
				   "\"spec_version\": \"2.0\"}}",
				   roles[i]);
		const struct {
			const char *data;
			size_t len;
		} damaged[] = {
			{ newer, 8 },
			{ newer, (size_t)len },
			{ large, TUF_MAX_LISTED + 1 },
		};

		snprintf(path, sizeof(path), "client/%s.json", roles[i]);
		for (size_t j = 0; j < ARRAY_SIZE(damaged); j++) {
			assert_int_equal(repo_refresh(repo), 0);
			repo_write_at(repo, path, damaged[j].data, damaged[j].len);
			assert_int_equal(repo_refresh(repo), 0);
			assert_int_equal(repo_trusted_version(repo, path_base(path)), 1);
		}
	}
	free(large);
}

/* The line is cut before each request in turn: what was verified until then is kept, nothing else
 * is, and the next refresh goes on from there. */
with_repo(goes_on_after_each_interruption)
{
	for (unsigned at = 1; at <= 4; at++) {
		repo_set_version(repo, repo->root, repo->root->version + 1);
		repo_publish_next(repo);
		repo->fail_at = at;
		assert_int_equal(repo_refresh(repo), ERR_UNREACHABLE);
		assert_int_equal(repo_trusted_version(repo, "root.json"), at == 1 ? at : at + 1);
		repo->fail_at = 0;
		assert_int_equal(repo_refresh(repo), 0);
		assert_int_equal(repo_trusted_version(repo, "root.json"), at + 1);
		assert_int_equal(repo_trusted_version(repo, "timestamp.json"), at + 1);
		assert_int_equal(repo_trusted_version(repo, "snapshot.json"), at + 1);
		assert_int_equal(repo_trusted_version(repo, "targets.json"), at + 1);
	}
}

/* A timestamp newer than the stored snapshot is what an interruption leaves behind. */
with_repo(an_interrupted_refresh_is_told_offline)
{
	const struct tuf_role *role;
	struct tuf_client *client;

	assert_int_equal(load_stable(repo, &client, &role), 0);
	tuf_client_free(client);
	repo_publish_next(repo);
	repo->fail_at = 3;
	assert_int_equal(repo_refresh(repo), ERR_UNREACHABLE);
	assert_int_equal(repo_trusted_version(repo, "timestamp.json"), 2);
	assert_int_equal(load_offline(repo, REPO_NOW, true), ERR_BAD_STATE);
}

static void folder_fetch_stays_inside(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(100);
	char *dir = unit_make_dir(), *link = path_join(dir, "link", NULL);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(tuf_fetch_folder(dir, "../etc/passwd", 100, &out, &err), ERR_INVALID);
	assert_int_equal(tuf_fetch_folder(dir, "/etc/passwd", 100, &out, &err), ERR_INVALID);
	assert_int_equal(tuf_fetch_folder(dir, "none", 100, &out, &err), ERR_NOT_FOUND);
	assert_int_equal(tuf_fetch_folder(dir, "link", 100, &out, &err), -ELOOP);
	assert_int_equal(out.len, 0);
	free(link);
	unit_remove_dir(dir);
}

/* A medium may hold anything: what is no regular file is not even opened. */
static void folder_fetch_reads_files_only(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(100);
	char *dir = unit_make_dir();
	_cleanup_free_ char *fifo = path_join(dir, "fifo", NULL),
			    *device = path_join(dir, "device", NULL);
	_cleanup_free_ char *folder = path_join(dir, "folder", NULL);
	struct error err = { 0 };

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(tuf_fetch_folder(dir, "fifo", 100, &out, &err), ERR_INVALID);
	assert_string_equal(err.message, "fifo: not a regular file");
	assert_int_equal(tuf_fetch_folder(dir, "folder", 100, &out, &err), ERR_INVALID);
	/* No driver has this number (LANANA: for local use), so that to open it is ENXIO. */
	if (mknod(device, S_IFCHR | 0600, makedev(125, 77)) == 0) {
		assert_int_equal(open(device, O_RDONLY), -1);
		assert_int_equal(tuf_fetch_folder(dir, "device", 100, &out, &err), ERR_INVALID);
		assert_string_equal(err.message, "device: not a regular file");
	} else {
		assert_int_equal(errno, EPERM); /* not root */
	}
	assert_int_equal(out.len, 0);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refreshes_and_stores_unversioned_files),
		cmocka_unit_test(asks_for_root_and_timestamp_only_when_nothing_changed),
		cmocka_unit_test(a_poll_asks_for_the_timestamp_alone),
		cmocka_unit_test(a_poll_does_not_keep_a_timestamp_of_before_a_new_root),
		cmocka_unit_test(a_poll_asks_for_the_timestamp_first),
		cmocka_unit_test(a_poll_refuses_what_a_refresh_refuses),
		cmocka_unit_test(follows_new_versions),
		cmocka_unit_test(init_refuses_a_root_that_did_not_sign_itself),
		cmocka_unit_test(init_forgets_the_metadata_of_another_root),
		cmocka_unit_test(stores_each_intermediate_root),
		cmocka_unit_test(new_root_needs_its_own_threshold_too),
		cmocka_unit_test(root_version_must_be_the_next),
		cmocka_unit_test(expired_root_is_refused_and_an_expired_intermediate_one_is_not),
		cmocka_unit_test(follows_no_more_rotations_than_allowed),
		cmocka_unit_test(recovers_from_fast_forward_when_keys_rotate),
		cmocka_unit_test(recovers_from_fast_forward_when_one_key_rotates),
		cmocka_unit_test(another_key_of_the_same_key_id_counts_as_rotated),
		cmocka_unit_test(refuses_a_timestamp_with_a_bad_signature),
		cmocka_unit_test(refuses_a_lower_timestamp),
		cmocka_unit_test(refuses_a_timestamp_that_names_a_lower_snapshot),
		cmocka_unit_test(refuses_an_expired_timestamp),
		cmocka_unit_test(an_expired_trusted_timestamp_still_guards_against_rollback),
		cmocka_unit_test(refuses_a_timestamp_over_its_cap),
		cmocka_unit_test(keeps_and_verifies_unknown_fields),
		cmocka_unit_test(refuses_metadata_of_another_type),
		cmocka_unit_test(a_missing_timestamp_is_reported),
		cmocka_unit_test(refuses_a_snapshot_that_is_not_the_named_one),
		cmocka_unit_test(refuses_a_snapshot_with_a_bad_signature),
		cmocka_unit_test(refuses_a_snapshot_of_another_version),
		cmocka_unit_test(refuses_a_snapshot_that_lowers_a_role),
		cmocka_unit_test(refuses_a_snapshot_that_drops_a_role),
		cmocka_unit_test(refuses_an_expired_snapshot),
		cmocka_unit_test(refuses_targets_that_mix_and_match),
		cmocka_unit_test(refuses_targets_with_a_bad_signature),
		cmocka_unit_test(refuses_expired_targets),
		cmocka_unit_test(loads_a_role_and_lists_its_targets),
		cmocka_unit_test(a_role_must_be_signed_by_the_keys_of_its_delegator),
		cmocka_unit_test(an_unknown_or_unlisted_role_is_refused),
		cmocka_unit_test(a_missing_role_file_is_reported),
		cmocka_unit_test(an_expired_role_is_refused),
		cmocka_unit_test(a_publisher_takes_an_expired_role),
		cmocka_unit_test(a_publisher_takes_no_expired_targets),
		cmocka_unit_test(loads_what_is_trusted_without_a_network),
		cmocka_unit_test(a_damaged_folder_heals_with_the_next_refresh),
		cmocka_unit_test(goes_on_after_each_interruption),
		cmocka_unit_test(an_interrupted_refresh_is_told_offline),
		cmocka_unit_test(folder_fetch_stays_inside),
		cmocka_unit_test(folder_fetch_reads_files_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
