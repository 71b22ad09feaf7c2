/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "run.h"

int to_caller_callee(int x), to_callee(int x), new_call(int x), lost_call_callee(int x);
int to_caller_new(int x) NEW(to_caller), to_callee_callee_new(int x) NEW(to_callee_callee);
int new_call_new(int x) NEW(new_call), lost_call_new(int x) NEW(lost_call);

int main(void)
{
	EXPECT(to_caller_callee(0) == 2);
	EXPECT(to_caller_new(0) >= 4);
	EXPECT(to_callee(0) == 3);
	EXPECT(to_callee_callee_new(0) == 4);
	EXPECT(new_call(0) == 4);
	EXPECT(new_call_new(0) == 5);
	EXPECT(lost_call_callee(0) == 5);
	EXPECT(lost_call_new(0) == 7);
	return 0;
}
