/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One case for several verifiers: u32 length and bytes of the quote, the same of the collateral
 * JSON, of the root (DER; empty: Intel's) and of a label, then i64 seconds since 1970;
 * little-endian.
 */
#ifndef DS_DIFFERENTIAL_RECORD_H
#define DS_DIFFERENTIAL_RECORD_H

#include <ds/base/rd.h>

struct record {
	struct ds_span quote, collateral, root, label;
	int64_t time;
};

static inline int record_span(struct ds_rd *rd, struct ds_span *ret)
{
	uint32_t n;

	DS_TRY(ds_rd_u32le(rd, &n));
	return ds_rd_span(rd, n, ret);
}

static inline int record_next(struct ds_rd *rd, struct record *ret)
{
	uint64_t t;

	DS_TRY(record_span(rd, &ret->quote));
	DS_TRY(record_span(rd, &ret->collateral));
	DS_TRY(record_span(rd, &ret->root));
	DS_TRY(record_span(rd, &ret->label));
	DS_TRY(ds_rd_u64le(rd, &t));
	ret->time = (int64_t)t;
	return 0;
}

#endif
