/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/enrol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct enrol_request request;
	static struct enrol_answer answer;
	struct token token;
	char text[TOKEN_TEXT_MAX + 1];

	(void)!enrol_request_parse(data, len, &request, NULL);
	(void)!enrol_answer_parse(data, len, &answer, NULL);
	if (len < sizeof(text)) {
		memcpy(text, data, len);
		text[len] = 0;
		(void)!token_parse(text, &token, NULL);
	}
	return 0;
}
