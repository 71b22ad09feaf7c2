/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's end of the command channel (frame.h), over QEMU's unix socket. One operation at a
 * time. After one that failed half-way the next begins with a new greeting, so that no late answer
 * is taken for another's.
 */
#pragma once

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct channel;

/* Gets output as it comes; `is_error`: from standard error. A negative code ends the operation. */
typedef int (*channel_output_fn)(void *user, bool is_error, const void *data, size_t len);

struct channel_command {
	const char *const *argv; /* NULL-terminated; looked up in the guest's PATH */
	const void *input;       /* standard input; NULL: empty */
	size_t input_len;
	int timeout_ms;  /* 0: no limit; the process group is killed at the limit */
	bool background; /* returns at once with status 0; output goes to /var/log/NAME.log */
	channel_output_fn output; /* NULL: dropped */
	void *user;
};

struct channel_result {
	int status;     /* 0 to 255; 128 + signal */
	bool timed_out; /* ended by its time limit */
};

/*
 * Connects and waits until the guest answers. While another program holds the channel, this waits
 * too. `ret_problems` (may be NULL) gets what went wrong while the guest started, "" for nothing;
 * the caller frees.
 * Errors: -errno, ERR_TIMEOUT, ERR_BAD_STATE (the guest has ended), ERR_PROTOCOL.
 */
int channel_connect(const char *socket_path, int timeout_ms, struct channel **ret,
		    char **ret_problems, struct error *err);
void channel_free(struct channel *channel);
DEFINE_CLEANUP(struct channel *, channel_free);

/* Errors: -errno of the guest's execve, ERR_BAD_STATE (the guest has ended), ERR_TIMEOUT (the guest
 * itself did not answer), what `output` returned. */
int channel_run(struct channel *channel, const struct channel_command *command,
		struct channel_result *ret, struct error *err);
/* Replaces a file in the guest as one step; the folders above it are made. */
int channel_put(struct channel *channel, const char *path, mode_t mode, const void *data,
		size_t len, struct error *err);
/* Appends a file's bytes; ERR_TOO_LARGE over out->max. */
int channel_get(struct channel *channel, const char *path, struct buf *out, struct error *err);
/* Asks the guest to power off; does not wait until it did. */
int channel_power_off(struct channel *channel, struct error *err);
