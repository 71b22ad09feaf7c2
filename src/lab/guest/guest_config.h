/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What suture-lab and the init of its guest agree on, beside the frames. */
#pragma once

#define GUEST_CONFIG     "/etc/suture-lab-init.conf"
#define GUEST_CONFIG_MAX (64 * 1024)
/* Name of the virtio port that carries the frames. */
#define GUEST_PORT_NAME  "suture.lab"
/* Where the guest has the files of the kernel's modules that it was given. */
#define GUEST_MODULES    "/lib/modules/suture-lab"
