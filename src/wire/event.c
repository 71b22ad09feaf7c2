/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire/event.h"

#include "base/macro.h"

static const struct {
	const char *event, *meaning;
} meanings[] = {
	{ EVENT_ENABLED, "enrolled with a server" },
	{ EVENT_DISABLED, "this machine's identity was forgotten" },
	{ EVENT_APPLYING, "loading it into the kernel" },
	{ EVENT_APPLIED, "in the kernel, and watched from now on unless it was before" },
	{ EVENT_SURVIVED, "ran for the whole watch time: not watched again on this kernel" },
	{ EVENT_FAILED, "could not be applied" },
	{ EVENT_REFUSED, "was not let into the kernel" },
	{ EVENT_REVERTED, "taken out of the kernel" },
	{ EVENT_RECALLED, "taken back by a signed order" },
	{ EVENT_UNPATCHED, "taken out as the machine was disabled" },
	{ EVENT_HOLD, "new versions wait" },
	{ EVENT_UNHOLD, "new versions are applied again" },
	{ EVENT_STOPPED, "the machine was shut down meanwhile; nothing is held against the patch" },
	{ EVENT_INTERRUPTED, "the machine went down, and nothing tells why" },
	{ EVENT_CRASHED, "the kernel crashed" },
	{ EVENT_QUARANTINED, "not applied on this kernel again" },
	{ EVENT_RETRY, "the owner lets it be tried again" },
	{ EVENT_OOPS, "the kernel had an oops, and not in the patch" },
	{ EVENT_WARNED, "the kernel warned of something in the patch" },
};

const char *event_meaning(const char *event)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (streq(meanings[i].event, event))
			return meanings[i].meaning;
	return "";
}
