/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/check_in.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_check_in_request_ struct check_in_request request = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT(CHECK_IN_REQUEST_MAX);
	struct check_in_answer answer;

	/* What the reader takes, the writer takes back. */
	if (check_in_request_parse(data, len, &request, NULL) == 0 &&
	    check_in_request_write(&request, &text, NULL) == ERR_INVALID)
		abort();
	buf_clear(&text);
	if (check_in_answer_parse(data, len, &answer, NULL) == 0 &&
	    check_in_answer_write(&answer, &text, NULL) < 0)
		abort();
	return 0;
}
