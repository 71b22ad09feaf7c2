/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/fetch_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_fetch_request_ struct fetch_request request = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(FETCH_PACKET_MAX);
	struct fetch_answer answer;

	/* What the reader takes, the writer takes back; only escapes may make it longer. */
	if (fetch_request_parse(data, len, &request, NULL) == 0 &&
	    fetch_request_write(&request, &text, NULL) == ERR_INVALID)
		abort();
	buf_clear(&text);
	if (fetch_answer_parse(data, len, &answer, NULL) == 0 &&
	    fetch_answer_write(&answer, &text, NULL) < 0)
		abort();
	return 0;
}
