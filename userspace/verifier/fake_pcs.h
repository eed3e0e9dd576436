/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of dstack-verify: a service of collateral in place of lib/pcs, which answers with
 * collateral.json of the current folder or fails as it is told.
 */
#ifndef DS_VERIFIER_FAKE_PCS_H
#define DS_VERIFIER_FAKE_PCS_H

#include <ds/pcs/pcs.h>

extern struct fake_pcs {
	int open;	     /* of ds_pcs_new() */
	int r[2];	     /* of the first and the second question */
	unsigned int cached; /* documents that the first answer has from the cache */
	/* what came */
	unsigned int asked;
	bool refresh[2], early;
	struct ds_platform_id id;
} fake_pcs;

#endif
