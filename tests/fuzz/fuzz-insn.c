/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A decoded instruction lies within the bytes given, and so do its fields. */
#include "fuzz.h"

#include "build/object/insn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		struct insn insn;

		if (!insn_decode(data + at, len - at, &insn)) {
			at++;
			continue;
		}
		if (insn.len == 0 || insn.len > len - at || insn.len > 15 ||
		    insn.disp_at + insn.disp_len > insn.len ||
		    insn.imm_at + insn.imm_len > insn.len)
			abort();
		at += insn.len;
	}
	return 0;
}
