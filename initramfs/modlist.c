// SPDX-License-Identifier: Apache-2.0
/* The list of kernel modules that the image build wrote: which files, in which order, in groups. */
#include "ctx.h"

static bool file_ok(const char *s, size_t n)
{
	if (!n || n >= 64 || s[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.",
			    s[i]))
			return false;
	return true;
}

int modlist_next(struct ds_span list, size_t *pos, const char *group, char ret_file[64],
		 struct ds_err *err)
{
	size_t at = *pos, glen = strlen(group);

	while (at < list.n) {
		const char *line = (const char *)list.p + at;
		const char *end = memchr(line, '\n', list.n - at);
		size_t len = end ? (size_t)(end - line) : list.n - at;
		const char *sp = memchr(line, ' ', len);

		if (!end || !sp || !file_ok(sp + 1, len - (size_t)(sp - line) - 1))
			return ds_err_set(err, -EBADMSG, "modules.list", at,
					  "a line is not \"GROUP FILE\"");
		at += len + 1;
		if ((size_t)(sp - line) != glen || memcmp(line, group, glen))
			continue;
		memset(ret_file, 0, 64);
		memcpy(ret_file, sp + 1, len - glen - 1);
		*pos = at;
		return 0;
	}
	return MODLIST_E_END;
}
