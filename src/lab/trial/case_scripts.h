/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cases/NAME.sh as strings (tools/text-as-c). */
#pragma once

extern const char case_lib_sh[];
extern const char case_busy_sh[];
extern const char case_cycles_sh[];
extern const char case_frozen_sh[];
extern const char case_load_sh[];
extern const char case_memory_sh[];
extern const char case_oom_sh[];
extern const char case_redirect_sh[];
extern const char case_replace_sh[];
extern const char case_reproducer_sh[];
extern const char case_sleepers_sh[];
extern const char case_smoke_sh[];
extern const char case_stress_sh[];
extern const char case_take_back_sh[];
extern const char case_target_sh[];
extern const char case_tracers_sh[];
extern const char case_unsigned_sh[];
extern const char case_wrong_kernel_sh[];
