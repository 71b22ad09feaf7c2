/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "lab/guest/qmp.h"

static void check_text(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			abort();
}

/* What is said of a line is printable, and each line is gone past once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf log = { .data = (uint8_t *)data, .len = len };
	struct qmp_message m;
	size_t at = 0, last = 0;

	while (qmp_next(&log, &at, NULL, &m)) {
		if (at <= last || at > len || m.kind != QMP_EVENT)
			abort();
		last = at;
		check_text(m.text);
		check_text(m.reason);
	}
	at = 0;
	if (qmp_next(&log, &at, "a1", &m) && !streq(m.id, "a1"))
		abort();
	qmp_parse(data, len, &m);
	check_text(m.id);
	check_text(m.text);
	return 0;
}
