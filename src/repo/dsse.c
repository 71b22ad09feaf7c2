/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "repo/dsse.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "base/json.h"

#define BASE64_LEN(n) (4 * (((n) + 2) / 3))

struct signature {
	char *key_id; /* "" when there is none */
	uint8_t bytes[TUF_SIG_MAX];
	size_t len;
};

struct dsse {
	char *type;
	struct buf payload;
	struct signature list[DSSE_MAX_SIGNATURES];
	size_t n;
};

void dsse_free(struct dsse *dsse)
{
	if (!dsse)
		return;
	for (size_t i = 0; i < dsse->n; i++)
		free(dsse->list[i].key_id);
	buf_free(&dsse->payload);
	free(dsse->type);
	free(dsse);
}

int dsse_new(const char *type, const void *payload, size_t len, struct dsse **ret,
	     struct error *err)
{
	_cleanup_dsse_ struct dsse *dsse = calloc(1, sizeof(*dsse));

	if (!dsse)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (len > DSSE_PAYLOAD_MAX || strlen(type) > DSSE_TYPE_MAX)
		return error_set(err, ERR_TOO_LARGE,
				 "envelope: a payload of %zu bytes, %zu at most", len,
				 DSSE_PAYLOAD_MAX);
	dsse->payload = BUF_INIT(DSSE_PAYLOAD_MAX);
	dsse->type = strdup(type);
	if (!dsse->type || buf_append(&dsse->payload, payload, len) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	*ret = TAKE_PTR(dsse);
	return 0;
}

/* ---- Base64 ---- */

/* The value of a digit of either alphabet (RFC 4648 sections 4 and 5), which a reader has to take;
 * -1 for any other byte. */
static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* With padding or without; no white space; the bits past the last byte must be zero. */
static int decode(const char *text, struct buf *out)
{
	size_t len = strlen(text), i;
	uint32_t bits = 0;
	unsigned held = 0;
	int r = 0;

	while (len > 0 && len % 4 != 1 && text[len - 1] == '=' && strlen(text) - len < 2)
		len--;
	if (len % 4 == 1 || (len < strlen(text) && strlen(text) % 4 != 0))
		return ERR_INVALID;
	for (i = 0; r == 0 && i < len; i++) {
		int value = digit(text[i]);

		if (value < 0)
			return ERR_INVALID;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			r = buf_append_byte(out, (uint8_t)(bits >> held));
			bits &= (1u << held) - 1;
		}
	}
	return r == 0 && bits != 0 ? ERR_INVALID : r;
}

static json_t *encode(const void *data, size_t len)
{
	_cleanup_free_ unsigned char *text = calloc(1, BASE64_LEN(len) + 1);

	if (!text)
		return NULL;
	EVP_EncodeBlock(text, data, (int)len);
	return json_string((const char *)text);
}

/* ---- Reading and writing ---- */

static int read_signature(const json_t *entry, struct signature *ret, struct error *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(TUF_SIG_MAX);
	const char *text, *key_id;
	int r = json_get_str_opt(entry, "keyid", 256, &key_id, err);

	if (r == 0)
		r = json_get_str(entry, "sig", 2 * TUF_SIG_MAX, &text, err);
	if (r < 0)
		return r;
	if (decode(text, &bytes) < 0)
		return error_set(err, ERR_INVALID, "sig: not base64, or too long");
	if (bytes.len > 0)
		memcpy(ret->bytes, bytes.data, bytes.len);
	ret->len = bytes.len;
	ret->key_id = strdup(key_id ? key_id : "");
	return ret->key_id ? 0 : error_set(err, ERR_NO_MEMORY, "no memory");
}

static int read_envelope(const json_t *object, struct dsse *dsse, struct error *err)
{
	const char *type, *payload;
	json_t *list;
	int r = json_get_str(object, "payloadType", DSSE_TYPE_MAX, &type, err);

	if (r == 0)
		r = json_get_str(object, "payload", BASE64_LEN(DSSE_PAYLOAD_MAX), &payload, err);
	if (r == 0)
		r = json_get_array(object, "signatures", DSSE_MAX_SIGNATURES, &list, err);
	if (r < 0)
		return r;
	if (json_array_size(list) == 0)
		return error_set(err, ERR_INVALID, "signatures: none");
	if (decode(payload, &dsse->payload) < 0)
		return error_set(err, ERR_INVALID, "payload: not base64, or too long");
	dsse->type = strdup(type);
	if (!dsse->type)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		r = read_signature(json_array_get(list, i), &dsse->list[i], err);
		dsse->n += r == 0;
	}
	return r;
}

int dsse_parse(const void *data, size_t len, struct dsse **ret, struct error *err)
{
	_cleanup_dsse_ struct dsse *dsse = calloc(1, sizeof(*dsse));
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (!dsse)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	if (len > DSSE_MAX)
		return error_set(err, ERR_TOO_LARGE, "envelope: over %zu bytes", DSSE_MAX);
	dsse->payload = BUF_INIT(DSSE_PAYLOAD_MAX);
	r = json_parse(data, len, &object, err);
	if (r == 0)
		r = read_envelope(object, dsse, err);
	if (r < 0)
		return error_prefix(err, r, "envelope");
	*ret = TAKE_PTR(dsse);
	return 0;
}

int dsse_write(const struct dsse *dsse, struct buf *out, struct error *err)
{
	_cleanup_json_ json_t *list = json_array();
	_cleanup_json_ json_t *object = NULL;
	int r;

	for (size_t i = 0; list && i < dsse->n; i++) {
		const struct signature *s = &dsse->list[i];

		if (json_array_append_new(list, json_pack("{s:s, s:o}", "keyid", s->key_id, "sig",
							  encode(s->bytes, s->len))) != 0)
			return error_set(err, ERR_NO_MEMORY, "no memory");
	}
	object = json_pack("{s:o, s:s, s:O}", "payload",
			   encode(dsse->payload.data, dsse->payload.len), "payloadType", dsse->type,
			   "signatures", list);
	if (!object)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	r = json_append(object, out);
	return r < 0 ? error_set(err, r, "envelope: too large") : 0;
}

const char *dsse_type(const struct dsse *dsse)
{
	return dsse->type;
}

const void *dsse_payload(const struct dsse *dsse, size_t *ret_len)
{
	*ret_len = dsse->payload.len;
	return dsse->payload.data;
}

/* ---- Signatures ---- */

/* What is signed: "pre-authentication encoding" of the specification. */
static int encode_signed(const struct dsse *dsse, struct buf *out)
{
	int r = buf_printf(out, "DSSEv1 %zu %s %zu ", strlen(dsse->type), dsse->type,
			   dsse->payload.len);

	return r < 0 ? r : buf_append(out, dsse->payload.data, dsse->payload.len);
}

int dsse_sign(struct dsse *dsse, const struct tuf_key *key, struct error *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(DSSE_PAYLOAD_MAX + DSSE_TYPE_MAX + 64);
	_cleanup_buf_ struct buf sig = BUF_INIT(TUF_SIG_MAX);
	struct signature *s = &dsse->list[dsse->n];
	int r;

	if (dsse->n >= DSSE_MAX_SIGNATURES)
		return error_set(err, ERR_TOO_LARGE, "envelope: too many signatures");
	r = encode_signed(dsse, &bytes);
	if (r < 0)
		return error_set(err, r, "no memory");
	r = tuf_key_sign(key, bytes.data, bytes.len, &sig, err);
	if (r < 0)
		return r;
	s->key_id = strdup(tuf_key_id(key));
	if (!s->key_id)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	memcpy(s->bytes, sig.data, sig.len);
	s->len = sig.len;
	dsse->n++;
	return 0;
}

static bool is_by(const struct signature *s, const char *key_id, const json_t *object,
		  const struct buf *bytes)
{
	_cleanup_tuf_key_ struct tuf_key *key = NULL;

	if (s->key_id[0] != '\0' && !streq(s->key_id, key_id))
		return false;
	return tuf_key_from_json(object, &key, NULL) == 0 && streq(tuf_key_id(key), key_id) &&
	       tuf_key_verify(key, bytes->data, bytes->len, s->bytes, s->len) == 0;
}

int dsse_verify(const struct dsse *dsse, const json_t *keys, struct error *err)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(DSSE_PAYLOAD_MAX + DSSE_TYPE_MAX + 64);
	const char *key_id;
	json_t *object;

	if (encode_signed(dsse, &bytes) < 0)
		return error_set(err, ERR_NO_MEMORY, "no memory");
	for (size_t i = 0; i < dsse->n; i++) {
		json_object_foreach ((json_t *)keys, key_id, object) {
			if (is_by(&dsse->list[i], key_id, object, &bytes))
				return 0;
		}
	}
	return error_set(err, ERR_SIGNATURE, "envelope: no valid signature by a trusted key");
}
