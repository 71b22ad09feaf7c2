/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest's end of the command channel (frame.h): serves the host until it says power off. */
#pragma once

#include "base/buf.h"

struct guest_channel {
	int fd;               /* non-blocking; a virtio port with O_ASYNC, or a raw serial line */
	int signal_fd;        /* SIGCHLD and SIGIO */
	uint32_t window;      /* bytes of FRAME_DATA that the line holds without loss */
	const char *problems; /* what went wrong while starting; "" for nothing */
};

/* Returns when the host asked for power off. Children are reaped, orphans too. */
void guest_serve(const struct guest_channel *channel);
