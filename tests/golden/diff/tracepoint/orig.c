/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

/* What TRACE_EVENT(one), DECLARE_EVENT_CLASS(many) and no tracepoint (event_plain) leave. */
struct trace_event_raw_one {
	int x;
};

char print_fmt_one[] = "x=%d";
int event_class_one = 1, __tracepoint_one = 2, event_one = 3;

notrace int trace_raw_output_one(struct trace_event_raw_one *record)
{
	return printk("x=%d", record->x);
}

notrace void trace_event_raw_event_one(struct trace_event_raw_one *record, int x)
{
	record->x = x;
}

int event_class_many = 4;

notrace int perf_trace_many(int x)
{
	return outside(x);
}

int event_plain = 5;

notrace int trace_raw_output_plain(int x)
{
	return outside(x);
}

int (*const uses[])() = { trace_raw_output_one, perf_trace_many, trace_raw_output_plain };

int user(struct trace_event_raw_one *record)
{
	return outside(record->x);
}
