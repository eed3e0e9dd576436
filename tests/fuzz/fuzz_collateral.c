// SPDX-License-Identifier: Apache-2.0
/*
 * The JSON documents of spec/dcap 4 as they look behind their signatures: first byte 't' TCB info,
 * 'q' QE identity, anything else the collateral file from that byte on. Levels must come out
 * sorted.
 */
#include <stdlib.h>

#include "../../userspace/lib/attest/priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void tcb_info(struct ds_span in)
{
	struct ds_tcb_info t;
	struct ds_err err;

	if (ds_tcb_info_parse(in, &t, &err))
		return;
	if (!t.n_levels)
		abort();
	for (size_t i = 1; i < t.n_levels; i++)
		if (memcmp(t.levels[i - 1].sgx, t.levels[i].sgx, 16) < 0)
			abort();
	for (size_t i = 0; i < t.n_modules; i++)
		(void)ds_svn_level_find(t.modules[i].levels, t.modules[i].n_levels, 3);
	ds_tcb_info_done(&t);
}

static void qe_identity(struct ds_span in)
{
	struct ds_qe_identity q;
	struct ds_err err;

	if (ds_qe_identity_parse(in, &q, &err))
		return;
	if (!q.n_levels)
		abort();
	ds_qe_identity_done(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_collateral col;
	struct ds_err err;

	if (n && p[0] == 't') {
		tcb_info(DS_SPAN(p + 1, n - 1));
	} else if (n && p[0] == 'q') {
		qe_identity(DS_SPAN(p + 1, n - 1));
	} else if (!ds_collateral_parse(DS_SPAN(p, n), &col, &err)) {
		if (!col.doc.root)
			abort();
		ds_collateral_done(&col);
	}
	return 0;
}
