/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The style sheet of a report's page (report_page.h). */
#pragma once

extern const char page_style[];
