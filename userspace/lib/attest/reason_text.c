// SPDX-License-Identifier: Apache-2.0
/* What each reason means and what to do about it, see ds/attest/reason.h. */
#include <errno.h>
#include <string.h>

#include <ds/attest/reason.h>

#define T(id, want, meaning, cause, action) [DS_REASON_##id] = { want, meaning, cause, action },

static const struct ds_reason_text texts[DS_REASON_COUNT] = {
#include "reason_app.h"
#include "reason_quote.h"
#include "reason_snp.h"
};

const struct ds_reason_text *ds_reason_explain(enum ds_reason reason)
{
	if ((size_t)reason >= DS_REASON_COUNT || !texts[reason].expected)
		return NULL;
	return &texts[reason];
}

int ds_reason_parse(const char *name, enum ds_reason *ret)
{
	for (size_t i = DS_REASON_NONE + 1; i < DS_REASON_COUNT; i++) {
		if (!strcmp(name, ds_reason_name((enum ds_reason)i))) {
			*ret = (enum ds_reason)i;
			return 0;
		}
	}
	return -ENOENT;
}
