/* SPDX-License-Identifier: GPL-2.0-or-later */
/* C texts as digests: whatever the text is, white space behind it and a function that nothing uses
 * change nothing, if it is understood at all; and a global object changes it. */
#include <stdio.h>

#include "build/text/c_declaration.h"
#include "build/text/text_digest.h"

static void digest(const char *front, const uint8_t *data, size_t len, const char *back,
		   char ret[static SHA256_HEX_LEN + 1])
{
	_cleanup_buf_ struct buf text = BUF_INIT(C_TEXT_MAX);

	if (buf_append_str(&text, front) < 0 || buf_append(&text, data, len) < 0 ||
	    buf_append_str(&text, back) < 0 || text_digest_code(buf_str(&text), text.len, ret) < 0)
		abort();
}

/* Is it cut into declarations? Every token belongs to one. */
static bool is_understood(const uint8_t *data, size_t len)
{
	_cleanup_c_tokens_ struct c_tokens tokens = { 0 };
	_cleanup_c_declarations_ struct c_declarations declarations = { 0 };
	size_t end = 0;

	if (c_tokens_read((const char *)data, len, &tokens) < 0 ||
	    c_declarations_read(&tokens, &declarations) < 0)
		return false;
	for (size_t i = 0; i < declarations.list.count; i++) {
		if (declarations.list.items[i].start != end ||
		    declarations.list.items[i].end <= end)
			abort();
		end = declarations.list.items[i].end;
	}
	if (end != tokens.list.count)
		abort();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char plain[SHA256_HEX_LEN + 1], other[SHA256_HEX_LEN + 1];
	bool understood = is_understood(data, len);

	digest("", data, len, "\n", plain);
	digest("", data, len, "\n\n", other);
	if (streq(plain, other) != understood)
		abort();
	digest("int suture_front;\n", data, len, "\n", other);
	if (streq(plain, other))
		abort();
	digest("static inline int suture_front(int x) { return x; }\n", data, len, "\n", other);
	/* Whether the text uses that name or only has one that holds it is not told here. */
	if (streq(plain, other)
		    ? !understood
		    : understood && !(len >= 12 && memmem(data, len, "suture_front", 12)))
		abort();
	return 0;
}
