/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine's history is made of: the words that its journal keeps, that check-ins carry, and
 * that whoever judges a rollout counts. A reader takes words that it does not know, too.
 */
#pragma once

#define EVENT_ENABLED     "enabled"
#define EVENT_DISABLED    "disabled"
#define EVENT_APPLYING    "applying"
#define EVENT_APPLIED     "applied"
#define EVENT_SURVIVED    "survived"
#define EVENT_FAILED      "failed"
#define EVENT_REFUSED     "refused"
#define EVENT_REVERTED    "reverted"
#define EVENT_RECALLED    "recalled"
#define EVENT_UNPATCHED   "unpatched"
#define EVENT_HOLD        "hold"
#define EVENT_UNHOLD      "unhold"
/* The ends of a machine amid a load or a watch: one of the first three each time. */
#define EVENT_STOPPED     "stopped"
#define EVENT_INTERRUPTED "interrupted"
#define EVENT_CRASHED     "crashed"
#define EVENT_QUARANTINED "quarantined"
#define EVENT_RETRY       "retry"
/* What the kernel's log said while a patch was in the kernel. */
#define EVENT_OOPS        "oops"
#define EVENT_WARNED      "warned"

/* What happened, for people: half a sentence; "" for a word that is not in the list. Static. */
const char *event_meaning(const char *event);
