/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What evidence says about itself before anything is verified: enough to ask a service for the
 * collateral that then judges it. Never a reason to accept.
 */
#ifndef DS_ATTEST_PLATFORM_H
#define DS_ATTEST_PLATFORM_H

#include <ds/base/base.h>

struct ds_platform_id {
	uint8_t fmspc[6];
	bool processor; /* the PCK's issuer is the Processor CA, else the Platform CA */
};

/* From the PCK chain inside the quote. -EBADMSG: there is none that can be read. */
DS_MUST int ds_quote_platform(struct ds_span quote, struct ds_platform_id *ret,
			      struct ds_err *err);
/* thisUpdate and nextUpdate of a CRL in DER. -EBADMSG, also when there is no nextUpdate. */
DS_MUST int ds_crl_dates(struct ds_span der, int64_t *ret_from, int64_t *ret_to);

#endif
