/* SPDX-License-Identifier: GPL-2.0-or-later */
int outside_part(int n);
#define OUTSIDE_STEP 1
