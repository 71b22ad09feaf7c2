/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Log lines on standard error, for programs (libraries never log). Under systemd each line has its
 * "<priority>" prefix (sd-daemon(3)). The level is the only mutable global of the project.
 */
#pragma once

#include "base/macro.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
};

void log_set_level(enum log_level level);
/* One line, cut at 2047 bytes and cleaned; nothing when `level` is above the one that was set. */
void log_line(enum log_level level, const char *format, ...) _printf_(2, 3);
#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
