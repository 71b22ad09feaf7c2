/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define YEAR_9999_END INT64_C(253402300799)

static int64_t clock_ms(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now(void)
{
	struct timespec ts;

	return clock_gettime(CLOCK_REALTIME, &ts) < 0 ? 0 : ts.tv_sec;
}

int64_t clock_monotonic_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

int64_t clock_boottime_ms(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

void clock_format(int64_t seconds, char ret[static CLOCK_TEXT_MAX])
{
	time_t t = MAX(INT64_C(0), MIN(seconds, YEAR_9999_END));
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(ret, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Reads exactly `n` digits. */
static int read_digits(const char *text, size_t n)
{
	int value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return value;
}

int clock_parse(const char *text, int64_t *ret_seconds)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	struct tm tm = { 0 };
	char again[CLOCK_TEXT_MAX];

	if (strlen(text) != sizeof(form) - 1)
		return ERR_INVALID;
	for (size_t i = 0; form[i]; i++)
		if (form[i] != 'd' && form[i] != text[i])
			return ERR_INVALID;

	int year = read_digits(text, 4), month = read_digits(text + 5, 2);
	tm.tm_mday = read_digits(text + 8, 2);
	tm.tm_hour = read_digits(text + 11, 2);
	tm.tm_min = read_digits(text + 14, 2);
	tm.tm_sec = read_digits(text + 17, 2);
	if (year < 1970 || month < 1 || tm.tm_mday < 1 || tm.tm_hour < 0 || tm.tm_min < 0 ||
	    tm.tm_sec < 0)
		return ERR_INVALID;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;

	/* timegm() carries over what is out of range (31 February), so the text must come back. */
	int64_t seconds = timegm(&tm);
	clock_format(seconds, again);
	if (!streq(again, text))
		return ERR_INVALID;
	*ret_seconds = seconds;
	return 0;
}
