/* SPDX-License-Identifier: Apache-2.0 */
/* dstackctl kms allow|deny: lines of the policy file of dstack-kms(8). */
#ifndef DS_TOOLS_ALLOW_H
#define DS_TOOLS_ALLOW_H

#include <ds/base/base.h>

struct allow_edit {
	const char *section; /* "app ID" or "kms" */
	const char *key, *value;
	bool allow; /* else take away */
};

/*
 * Pure: the text of a policy file with this value added to the list of that key, or taken out of it;
 * every other line stays as it is. -EEXIST: it is there already; -ENOENT: there is nothing to take
 * away; -EBADMSG and others with err: text is no INI file (NAME:LINE).
 */
DS_MUST int allow_edit(struct ds_span text, const char *name, const struct allow_edit *e,
		       struct ds_buf *ret, struct ds_err *err);

/* dstackctl kms allow|deny --policy FILE ...; argv[0] is the verb. */
int cmd_allow(int argc, char **argv);

#endif
