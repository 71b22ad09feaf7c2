/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Compares two Debian version strings as deb-version(7) orders them (epoch, upstream version,
 * revision; '~' sorts before everything, even the end; letters before other characters; runs of
 * digits as numbers). Returns less than, equal to or greater than 0. Any strings are accepted.
 */
int deb_version_compare(const char *a, const char *b);
