/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DSSE envelope of any bytes, and the statement in it: what is accepted can be written, reads
 * back with the same payload, and is signed by nobody. */
#include "base/json.h"
#include "repo/attestation.h"
#include "repo/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HASH "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define KEY  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a" /* of RFC 8032 */

static void check_statement(const void *payload, size_t len)
{
	struct attestation_subject subject = { .sha256 = HASH,
					       .unsigned_sha256 = HASH,
					       .module = "m",
					       .kernel = "6.1",
					       .build_id = "0123456789abcdef" };
	_cleanup_json_ json_t *statement = NULL;

	if (json_parse(payload, len, &statement, NULL) < 0)
		return;
	(void)attestation_check_build(statement, &subject, NULL);
	(void)attestation_check_lab(statement, &subject, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_dsse_ struct dsse *first = NULL, *second = NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(DSSE_MAX);
	_cleanup_json_ json_t *keys = NULL;
	const void *a, *b;
	size_t a_len, b_len;

	check_statement(data, size);
	if (dsse_parse(data, size, &first, NULL) < 0)
		return 0;
	a = dsse_payload(first, &a_len);
	check_statement(a, a_len);
	if (dsse_write(first, &out, NULL) < 0 || dsse_parse(out.data, out.len, &second, NULL) < 0)
		abort();
	b = dsse_payload(second, &b_len);
	if (a_len != b_len || (a_len > 0 && memcmp(a, b, a_len) != 0) ||
	    !streq(dsse_type(first), dsse_type(second)))
		abort();
	keys = json_pack("{s:{s:s, s:s, s:{s:s}}}", "k", "keytype", "ed25519", "scheme", "ed25519",
			 "keyval", "public", KEY);
	if (!keys || dsse_verify(first, keys, NULL) == 0)
		abort();
	return 0;
}
