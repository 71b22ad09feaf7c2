// SPDX-License-Identifier: GPL-2.0-or-later
#include "lab/guest/work_folder.h"

#include "base/file.h"

int work_folder_make(char **ret, struct error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *path = path_join(runtime && runtime[0] == '/' ? runtime : "/tmp",
					      "suture-lab-XXXXXX", NULL);

	if (!path)
		return error_set(err, ERR_NO_MEMORY, "work folder");
	if (!mkdtemp(path))
		return error_set_errno(err, errno, "%s", path);
	*ret = TAKE_PTR(path);
	return 0;
}

void work_folder_remove(char *path)
{
	if (path)
		file_remove_tree(path, NULL);
	free(path);
}
