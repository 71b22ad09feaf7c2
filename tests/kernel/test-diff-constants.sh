#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Constants changed in real functions, one at a time: see diff-constants.py.
. "$(dirname "$0")/lib.sh"

prepare_kernel
"$(dirname "$0")/diff-constants.py" "$RELEASE"
exit
