/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The beginning and the end of a machine's bond with a server. */
#pragma once

#include "agent/agent.h"

struct enrol_options {
	const void *bundle; /* bytes of a trust bundle; NULL: the token must name one */
	size_t bundle_len;
	const char *token;
	const char *tier;     /* NULL: the bundle's default */
	const char *hostname; /* NULL: what this process sees; its sandbox may hide a later one */
};

/*
 * Installs the trust and enrols. The bundle is the one given, or the one that a token of the form
 * url#hash#secret names, fetched and checked against its hash; with neither, nothing is trusted
 * (ERR_UNTRUSTED). ERR_EXISTS when already enabled, ERR_DENIED for a token that the server does not
 * take, ERR_HASH, ERR_INVALID, and what the fetcher says. On failure the machine is as it was.
 */
int enrol_enable(struct agent *agent, const struct enrol_options *options, struct error *err);

/* Forgets identity and trust; with `unpatch` the patch is taken out first, else it stays until the
 * next reboot. Ends one that was cut off. ERR_BAD_STATE when not enabled. */
int enrol_disable(struct agent *agent, bool unpatch, struct error *err);

/* Ends an enable or a disable that was cut off: trust without an identity, and the key that may be
 * with it. What does not go is logged, and goes the next time. */
void enrol_tidy(struct agent *agent);
