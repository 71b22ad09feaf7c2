/* SPDX-License-Identifier: GPL-2.0-or-later */
/* src/repo: settings.h, key_store.h, repository.h, patch.h and walk.h below the command line. */
#include "unit.h"

#include <sys/stat.h>

#include "repo/patch.h"
#include "repo/repository.h"
#include "repo/walk.h"

#define NOW  INT64_C(1750000000)
#define ID   "0123456789abcdef0123456789abcdef01234567"
#define HASH "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"

static void write_file(const char *dir, const char *name, const char *text)
{
	char *path = path_join(dir, name, NULL);
	struct error err = { 0 };

	assert_ok(file_write_atomic(path, text, strlen(text), 0600, &err), &err);
	free(path);
}

/* ---- settings.h ---- */

static void settings_round_trip(void **state)
{
	_cleanup_settings_ struct settings *in = NULL, *out = NULL;
	char *dir = unit_make_dir();
	struct error err = { 0 };
	size_t index;

	(void)state;
	assert_int_equal(settings_load(dir, &out, &err), ERR_NOT_FOUND);
	assert_int_equal(settings_new(&in), 0);
	assert_ok(settings_add_tier(in, "edge", &err), &err);
	assert_ok(settings_add_tier(in, "stable", &err), &err);
	assert_int_equal(settings_add_tier(in, "stable", &err), ERR_EXISTS);
	assert_int_equal(settings_add_tier(in, "recall", &err), ERR_INVALID);
	assert_int_equal(settings_add_tier(in, "../x", &err), ERR_INVALID);
	in->keys = strdup("/media/keys");
	in->keep = 7;
	assert_ok(settings_save(in, dir, &err), &err);
	assert_ok(settings_load(dir, &out, &err), &err);
	assert_string_equal(out->keys, "/media/keys");
	assert_int_equal(out->keep, 7);
	assert_int_equal(out->n_tiers, 2);
	assert_int_equal(settings_tier_index(out, "stable", &index, &err), 0);
	assert_int_equal(index, 1);
	assert_int_equal(settings_tier_index(out, "beta", &index, &err), ERR_NOT_FOUND);
	assert_int_equal(settings_lifetime(out, "timestamp"), 86400);
	assert_int_equal(settings_lifetime(out, "stable"), 90 * 86400);
	assert_int_equal(settings_lifetime(out, "root"), 365 * 86400);
	unit_remove_dir(dir);
}

static void settings_refuse(void **state)
{
	static const struct {
		const char *text;
		int code;
	} cases[] = {
		{ "", ERR_INVALID },
		{ "{\"format\": 2}", ERR_UNSUPPORTED },
		{ "{\"format\": 1, \"keep\": 0, \"tiers\": [\"a\"], \"lifetimes\": {}}",
		  ERR_INVALID },
		{ "{\"format\": 1, \"keep\": 1, \"tiers\": [\"a\"], \"lifetimes\": {}}",
		  ERR_INVALID },
	};
	char *dir = unit_make_dir();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct settings *out = NULL;

		write_file(dir, SETTINGS_FILE, cases[i].text);
		assert_int_equal(settings_load(dir, &out, NULL), cases[i].code);
		assert_null(out);
	}
	unit_remove_dir(dir);
}

/* ---- key_store.h ---- */

static void key_store_finds_keys_by_id(void **state)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	_cleanup_key_store_ struct key_store *store = NULL;
	char *dir = unit_make_dir(), *path = path_join(dir, "any-name.pem", NULL);
	const char *found = NULL;
	struct error err = { 0 };
	struct stat st;

	(void)state;
	assert_ok(tuf_key_generate(TUF_KEY_ED25519, 0, &key, &err), &err);
	assert_ok(key_store_write(key, path, NULL, &err), &err);
	assert_int_equal(key_store_write(key, path, NULL, &err), ERR_EXISTS);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	write_file(dir, "notes.txt", "not a key and not looked at");
	assert_int_equal(key_store_new(&store), 0);
	assert_ok(key_store_add_folder(store, dir, &err), &err);
	assert_int_equal(store->n, 1);
	assert_non_null(key_store_find(store, tuf_key_id(key), &found));
	assert_string_equal(found, path);
	assert_null(key_store_find(store, "0000", NULL));
	write_file(dir, "broken.pem", "-----BEGIN PRIVATE KEY-----\n");
	assert_int_equal(key_store_add_folder(store, dir, &err), ERR_INVALID);
	assert_non_null(strstr(err.message, "broken.pem"));
	/* A folder that nobody named stops nothing, and its other keys count. */
	key_store_free(TAKE_PTR(store));
	assert_int_equal(key_store_new(&store), 0);
	assert_ok(key_store_add_readable(store, dir, &err), &err);
	assert_int_equal(store->n, 1);
	assert_non_null(strstr(store->places, "broken.pem"));
	assert_ok(key_store_add_readable(store, "/nowhere", &err), &err);
	assert_int_equal(key_store_add_folder(store, "/nowhere", &err), ERR_NOT_FOUND);
	free(path);
	unit_remove_dir(dir);
}

static void key_store_names_what_is_missing(void **state)
{
	_cleanup_tuf_key_ struct tuf_key *here = NULL;
	_cleanup_key_store_ struct key_store *store = NULL;
	_cleanup_tuf_metadata_ struct tuf_metadata *md = NULL;
	json_t *role;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(key_store_new(&store), 0);
	assert_ok(tuf_key_generate(TUF_KEY_ED25519, 0, &here, &err), &err);
	role = json_pack("{s:[s,s], s:i}", "keyids", tuf_key_id(here), HASH, "threshold", 2);
	assert_int_equal(key_store_add(store, here, "x"), 0);
	here = NULL;
	assert_ok(tuf_metadata_new(TUF_TARGETS, NOW, &md, &err), &err);
	assert_int_equal(key_store_sign(store, "stable", role, md, &err), ERR_UNTRUSTED);
	assert_non_null(strstr(err.message, "1 of 2"));
	assert_non_null(strstr(err.message, "ca978112"));
	json_object_set_new(role, "threshold", json_integer(1));
	assert_ok(key_store_sign(store, "stable", role, md, &err), &err);
	json_decref(role);
}

/* ---- patch.h ---- */

static void put_version(struct repo_role *role, const char *version)
{
	char path[256], record[256];
	json_t *custom = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[], s:{s:i, s:s}, s:[]}", "version",
				   version, "kernel", "6.1", "build_id", ID, "published",
				   "2026-01-01T00:00:00Z", "severity", "low", "cves", "record",
				   "length", 1, "sha256", HASH, "attestations");

	/* A module name has no dot. */
	snprintf(path, sizeof(path), "edge/6.1/" ID "/m_%c_%s.ko", version[0], version + 2);
	snprintf(record, sizeof(record), "%.*s.json", (int)strlen(path) - 3, path);
	assert_int_equal(tuf_targets_put(role->md, path, 1, HASH, custom, NULL), 0);
	assert_int_equal(tuf_targets_put(role->md, record, 1, HASH, NULL, NULL), 0);
	json_decref(custom);
}

static void patch_versions_rise_and_old_ones_leave(void **state)
{
	struct repo_role role = { .name = "edge" };
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	_cleanup_recall_ struct recall *withdrawn = NULL;
	struct target_path_parts parts;
	struct error err = { 0 };
	json_t *targets;

	(void)state;
	assert_ok(tuf_metadata_new(TUF_TARGETS, NOW, &role.md, &err), &err);
	targets = json_object_get(role.md->body, "targets");
	assert_ok(patch_check_newer(&role, "6.1", ID, "1.1", &err), &err);
	put_version(&role, "1.9");
	put_version(&role, "1.10");
	put_version(&role, "1.2");
	assert_int_equal(patch_check_newer(&role, "6.1", ID, "1.10", &err), ERR_EXISTS);
	assert_int_equal(patch_check_newer(&role, "6.1", ID, "1.9", &err), ERR_EXISTS);
	assert_int_equal(patch_check_newer(&role, "6.1", ID, "1.3", &err), ERR_ROLLBACK);
	assert_ok(patch_check_newer(&role, "6.1", ID, "1.11", &err), &err);
	assert_ok(patch_check_newer(&role, "6.2", ID, "1.1", &err), &err);
	assert_ok(patch_read(&role, "edge/6.1/" ID "/m_1_9.ko", &parts, &custom, &err), &err);
	assert_string_equal(custom->version, "1.9");

	/* One that is withdrawn does not count. */
	assert_int_equal(recall_new(&withdrawn), 0);
	assert_ok(recall_add(withdrawn, "1.9", NULL, 0, "bad", NOW, &err), &err);
	assert_ok(patch_prune(&role, "6.1", ID, 2, withdrawn, &err), &err);
	assert_int_equal(json_object_size(targets), 6);
	assert_ok(patch_prune(&role, "6.1", ID, 2, NULL, &err), &err);
	assert_int_equal(json_object_size(targets), 4);
	assert_non_null(json_object_get(targets, "edge/6.1/" ID "/m_1_10.ko"));
	assert_non_null(json_object_get(targets, "edge/6.1/" ID "/m_1_9.json"));
	assert_null(json_object_get(targets, "edge/6.1/" ID "/m_1_2.ko"));
	assert_null(json_object_get(targets, "edge/6.1/" ID "/m_1_2.json"));
	assert_true(role.changed);
	tuf_metadata_free(role.md);
}

/* ---- walk.h, repository.h ---- */

static void folders_that_are_no_repository(void **state)
{
	char *dir = unit_make_dir(), *tree = NULL;
	struct walk_result result;
	struct repository *repo = NULL;

	(void)state;
	assert_int_equal(walk_find_tree(dir, &tree, NULL), ERR_NOT_FOUND);
	assert_int_equal(walk_repository(dir, &(struct walk_options){ .now = NOW }, &result, NULL),
			 -ENOENT);
	walk_result_done(&result);
	assert_int_equal(
		repository_open(dir, &(struct repository_options){ .now = NOW }, &repo, NULL),
		ERR_NOT_FOUND);
	assert_null(repo);
	unit_remove_dir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_round_trip),
		cmocka_unit_test(settings_refuse),
		cmocka_unit_test(key_store_finds_keys_by_id),
		cmocka_unit_test(key_store_names_what_is_missing),
		cmocka_unit_test(patch_versions_rise_and_old_ones_leave),
		cmocka_unit_test(folders_that_are_no_repository),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
