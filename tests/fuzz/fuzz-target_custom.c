/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `custom` of a target, and target paths. */
#include "base/json.h"
#include "wire/target_custom.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_path(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *path = strndup((const char *)data, size);
	struct target_path_parts parts;
	char folder[TARGET_PATH_MAX];

	if (path && target_path_parse(path, &parts, NULL) == 0 &&
	    (target_folder(parts.tier, parts.kernel, parts.build_id, folder, NULL) < 0 ||
	     !str_has_prefix(path, folder)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_target_custom_ struct target_custom *custom = NULL;
	_cleanup_json_ json_t *value = NULL, *again = NULL;

	if (size > 65536)
		return 0;
	parse_path(data, size);
	if (json_parse(data, size, &value, NULL) < 0 ||
	    target_custom_parse(value, &custom, NULL) < 0)
		return 0;
	if (target_custom_write(custom, &again, NULL) < 0)
		abort();
	return 0;
}
