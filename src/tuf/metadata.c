/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tuf/metadata.h"

#include <inttypes.h>
#include <openssl/evp.h>

#include "base/clock.h"
#include "base/json.h"
#include "tuf/canonical.h"
#include "tuf/form.h"

#define METADATA_MAX ((size_t)64 * 1024 * 1024) /* bytes written for one file */

static const char *const type_names[] = {
	[TUF_ROOT] = "root",
	[TUF_TIMESTAMP] = "timestamp",
	[TUF_SNAPSHOT] = "snapshot",
	[TUF_TARGETS] = "targets",
};

const char *tuf_type_name(enum tuf_type type)
{
	return type_names[type];
}

void tuf_metadata_free(struct tuf_metadata *md)
{
	if (!md)
		return;
	json_decref(md->envelope);
	free(md);
}

static int take_envelope(enum tuf_type type, json_t *envelope, struct tuf_metadata **ret,
			 struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = calloc(1, sizeof(*md));
	int r;

	if (!md)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = tuf_form_check(type, envelope, &md->version, &md->expires, err);
	if (r < 0)
		return r;
	md->type = type;
	md->envelope = json_incref(envelope);
	md->body = json_object_get(envelope, "signed");
	md->signatures = json_object_get(envelope, "signatures");
	*ret = TAKE_PTR(md);
	return 0;
}

int tuf_metadata_parse(enum tuf_type type, const char *what, const void *data, size_t len,
		       struct tuf_metadata **ret, struct error *err)
{
	_cleanup_json_ json_t *envelope = NULL;
	int r = json_parse(data, len, &envelope, err);

	if (r == 0)
		r = take_envelope(type, envelope, ret, err);
	return r < 0 ? error_prefix(err, r, "%s", what) : 0;
}

static json_t *new_body(enum tuf_type type, const char *expires)
{
	json_t *body = json_pack("{s:s, s:s, s:i, s:s}", "_type", type_names[type], "spec_version",
				 TUF_SPEC_VERSION, "version", 1, "expires", expires);
	int r = -1;

	switch (type) {
	case TUF_ROOT:
		r = json_object_set_new(body, "consistent_snapshot", json_true()) |
		    json_object_set_new(body, "keys", json_object()) |
		    json_object_set_new(body, "roles", json_object());
		break;
	case TUF_TIMESTAMP:
	case TUF_SNAPSHOT: r = json_object_set_new(body, "meta", json_object()); break;
	case TUF_TARGETS: r = json_object_set_new(body, "targets", json_object()); break;
	}
	if (r != 0) {
		json_decref(body);
		return NULL;
	}
	return body;
}

int tuf_metadata_new(enum tuf_type type, int64_t expires, struct tuf_metadata **ret,
		     struct error *err)
{
	_cleanup_tuf_metadata_ struct tuf_metadata *md = calloc(1, sizeof(*md));
	char text[CLOCK_TEXT_MAX];

	clock_format(expires, text);
	if (!md)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	md->envelope = json_pack("{s:[], s:o}", "signatures", "signed", new_body(type, text));
	if (!md->envelope)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	md->type = type;
	md->version = 1;
	md->expires = expires;
	md->body = json_object_get(md->envelope, "signed");
	md->signatures = json_object_get(md->envelope, "signatures");
	*ret = TAKE_PTR(md);
	return 0;
}

int tuf_metadata_changed(struct tuf_metadata *md, struct error *err)
{
	if (json_array_clear(md->signatures) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return 0;
}

int tuf_metadata_set_version(struct tuf_metadata *md, int64_t version, struct error *err)
{
	if (json_object_set_new(md->body, "version", json_integer(version)) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	md->version = version;
	return tuf_metadata_changed(md, err);
}

int tuf_metadata_set_expires(struct tuf_metadata *md, int64_t expires, struct error *err)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(expires, text);
	if (json_set_str(md->body, "expires", text) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	md->expires = expires;
	return tuf_metadata_changed(md, err);
}

static void drop_signature(json_t *signatures, const char *key_id)
{
	for (size_t i = json_array_size(signatures); i-- > 0;) {
		const json_t *sig = json_array_get(signatures, i);
		const char *id = json_string_value(json_object_get(sig, "keyid"));

		if (id && streq(id, key_id))
			json_array_remove(signatures, i);
	}
}

int tuf_metadata_sign(struct tuf_metadata *md, const struct tuf_key *key, struct error *err)
{
	_cleanup_buf_ struct buf canonical = BUF_INIT(METADATA_MAX);
	_cleanup_buf_ struct buf sig = BUF_INIT(TUF_SIG_MAX);
	char hex[2 * TUF_SIG_MAX + 1];
	int r = tuf_canonical(md->body, &canonical, err);

	if (r == 0)
		r = tuf_key_sign(key, canonical.data, canonical.len, &sig, err);
	if (r < 0)
		return r;
	hex_encode(sig.data, sig.len, hex);
	drop_signature(md->signatures, tuf_key_id(key));
	if (json_array_append_new(md->signatures, json_pack("{s:s, s:s}", "keyid", tuf_key_id(key),
							    "sig", hex)) != 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	return 0;
}

int tuf_metadata_write(const struct tuf_metadata *md, struct buf *out, struct error *err)
{
	int64_t version, expires;
	int r = tuf_form_check(md->type, md->envelope, &version, &expires, err);

	if (r < 0)
		return error_prefix(err, r, "%s metadata", type_names[md->type]);
	r = json_append(md->envelope, out);
	return r < 0 ? error_set(err, r, "%s metadata: too large", type_names[md->type]) : 0;
}

/* ---- Verification ---- */

struct verifier {
	const struct tuf_metadata *md;
	struct buf canonical;
	struct tuf_key *good[TUF_MAX_ROLE_KEYS]; /* keys that signed */
	size_t n_good;
	bool any_key_ids;
};

static void verifier_done(struct verifier *v)
{
	for (size_t i = 0; i < v->n_good; i++)
		tuf_key_free(v->good[i]);
	buf_free(&v->canonical);
}

static bool already_counted(const struct verifier *v, const struct tuf_key *key)
{
	for (size_t i = 0; i < v->n_good; i++) {
		if (tuf_key_same(v->good[i], key))
			return true;
	}
	return false;
}

static bool has_signature_of(const struct verifier *v, const char *key_id,
			     const struct tuf_key *key)
{
	size_t i;
	json_t *entry;

	json_array_foreach (v->md->signatures, i, entry) {
		const char *id = json_string_value(json_object_get(entry, "keyid"));
		const char *hex = json_string_value(json_object_get(entry, "sig"));
		uint8_t sig[TUF_SIG_MAX];
		size_t len = strlen(hex) / 2;

		if (!streq(id, key_id) || len > sizeof(sig) || hex_decode(hex, len, sig) < 0)
			continue;
		if (tuf_key_verify(key, v->canonical.data, v->canonical.len, sig, len) == 0)
			return true;
	}
	return false;
}

/* Counts one key ID of the role, if its key is usable, new and has signed. Fails without memory
 * only: a key that could not be looked at must not pass for one that did not sign. */
static int try_key(struct verifier *v, const json_t *keys, const char *key_id)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;
	const json_t *object = json_object_get(keys, key_id);
	int r = object ? tuf_key_from_json(object, &key, NULL) : ERR_NOT_FOUND;

	if (r < 0)
		return r == ERR_NO_MEMORY ? r : 0;
	if (!v->any_key_ids && !streq(tuf_key_id(key), key_id))
		return 0;
	if (!already_counted(v, key) && has_signature_of(v, key_id, key))
		v->good[v->n_good++] = TAKE_PTR(key);
	return 0;
}

int tuf_metadata_verify(const struct tuf_metadata *md, const char *what, const json_t *keys,
			const json_t *role, bool any_key_ids, struct error *err)
{
	const json_t *key_ids = json_object_get(role, "keyids");
	json_int_t threshold = json_integer_value(json_object_get(role, "threshold"));
	_cleanup_(verifier_done) struct verifier v = {
		.md = md,
		.canonical = BUF_INIT(METADATA_MAX),
		.any_key_ids = any_key_ids,
	};
	int r = tuf_canonical(md->body, &v.canonical, err);

	if (r < 0)
		return error_prefix(err, r, "%s", what);
	if (threshold < 1)
		return error_set(err, ERR_INVALID, "%s: its role has no threshold", what);
	for (size_t i = 0; i < json_array_size(key_ids) && i < TUF_MAX_ROLE_KEYS; i++) {
		const char *key_id = json_string_value(json_array_get(key_ids, i));

		if (v.n_good < (size_t)threshold && key_id && try_key(&v, keys, key_id) < 0)
			return error_set(err, ERR_NO_MEMORY, "%s: no memory", what);
	}
	if (v.n_good < (size_t)threshold)
		return error_set(err, ERR_SIGNATURE,
				 "%s: %zu valid signature%s of %" JSON_INTEGER_FORMAT " needed",
				 what, v.n_good, v.n_good == 1 ? "" : "s", threshold);
	return 0;
}

int tuf_root_verify(const struct tuf_metadata *root, const struct tuf_metadata *md,
		    const char *what, bool any_key_ids, struct error *err)
{
	return tuf_metadata_verify(md, what, json_object_get(root->body, "keys"),
				   tuf_root_role(root, md->type), any_key_ids, err);
}

int tuf_root_verify_next(const struct tuf_metadata *before, const struct tuf_metadata *md,
			 const char *what, bool any_key_ids, struct error *err)
{
	int r = before ? tuf_root_verify(before, md, what, any_key_ids, err) : 0;

	if (r == 0)
		r = tuf_root_verify(md, md, what, any_key_ids, err);
	if (r == 0 && before && md->version != before->version + 1)
		return error_set(err, ERR_ROLLBACK,
				 "%s: holds version %" PRId64 ", but %" PRId64 " is before it",
				 what, md->version, before->version);
	return r;
}

/* ---- Bytes named by a parent ---- */

static int check_hash(const char *algorithm, const char *expected, const void *data, size_t len,
		      bool *ret_known)
{
	uint8_t digest[EVP_MAX_MD_SIZE], wanted[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	*ret_known = streq(algorithm, "sha256") || streq(algorithm, "sha512");
	if (!*ret_known)
		return 0;
	if (EVP_Digest(data ? data : "", len, digest, &n,
		       streq(algorithm, "sha256") ? EVP_sha256() : EVP_sha512(), NULL) != 1)
		return ERR_NO_MEMORY;
	if (hex_decode(expected, n, wanted) < 0 || memcmp(digest, wanted, n) != 0)
		return ERR_HASH;
	return 0;
}

int tuf_check_bytes(const json_t *meta, const char *what, const void *data, size_t len,
		    struct error *err)
{
	const json_t *length = json_optional(meta, "length");
	const json_t *hashes = json_optional(meta, "hashes");
	const char *algorithm;
	json_t *expected;
	bool any = false;

	if (length && json_integer_value(length) != (json_int_t)len)
		return error_set(err, ERR_HASH, "%s: %zu bytes, signed as %" JSON_INTEGER_FORMAT,
				 what, len, json_integer_value(length));
	if (!hashes)
		return 0;
	json_object_foreach ((json_t *)hashes, algorithm, expected) {
		bool known;
		int r = check_hash(algorithm, json_string_value(expected), data, len, &known);

		if (r < 0)
			return error_set(err, r, "%s: its %s is not the signed one", what,
					 algorithm);
		any |= known;
	}
	if (!any)
		return error_set(err, ERR_UNSUPPORTED, "%s: no hash of a known kind is listed",
				 what);
	return 0;
}
