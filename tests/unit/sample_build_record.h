/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A build record of the functions of sample_livepatch.h, or almost of them. */
#pragma once

#include <stdio.h>

#include "base/buf.h"

#define SAMPLE_HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SAMPLE_ID   "0123456789abcdef0123456789abcdef01234567"
#define SAMPLE_FUNCTION(name, sympos)                                                      \
	"{\"name\":\"" name "\",\"sympos\":" sympos ",\"size\":48,\"mask\":[],\"sha256\":" \
	"\"" SAMPLE_HASH "\"}"

/* Functions of vmlinux and of nf_tables, each a JSON list without its brackets; `callbacks` of
 * nf_tables: true or false. */
static inline int sample_build_record(struct buf *out, const char *vmlinux, const char *nf_tables,
				      const char *callbacks)
{
	return buf_printf(
		out,
		"{\"format\":1,\"kernel\":\"6.1.0-56-amd64\",\"build_id\":\"" SAMPLE_ID "\","
		"\"version\":\"1.2\",\"module\":\"suture_6_1_0_56_amd64_1_2\","
		"\"vermagic\":\"6.1.0-56-amd64 SMP \",\"module_sha256\":\"" SAMPLE_HASH "\","
		"\"severity\":\"high\",\"cves\":[],\"objects\":["
		"{\"name\":\"vmlinux\",\"build_id\":\"" SAMPLE_ID "\",\"functions\":[%s],"
		"\"callbacks\":false},"
		"{\"name\":\"nf_tables\",\"build_id\":\"" SAMPLE_ID "\",\"functions\":[%s],"
		"\"callbacks\":%s}],"
		"\"states\":[],\"inputs\":[],\"new_functions\":[],"
		"\"patches\":[{\"name\":\"fix.patch\",\"sha256\":\"" SAMPLE_HASH "\"}],"
		"\"compiler\":\"gcc 12\",\"tool\":\"suture-build 0.1.0\","
		"\"run_pre\":{\"compared\":1,\"equal\":1}}",
		vmlinux, nf_tables, callbacks);
}
