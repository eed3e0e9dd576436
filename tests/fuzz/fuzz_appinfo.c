// SPDX-License-Identifier: Apache-2.0
/* ds_app_info_decode(): what decodes must encode, decode and encode to the same bytes. */
#include <stdlib.h>

#include <ds/wire/appinfo.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_APP_INFO struct ds_app_info info = DS_APP_INFO_NULL, again = DS_APP_INFO_NULL;
	DS_BUF struct ds_buf a = DS_BUF_NULL, b = DS_BUF_NULL;
	struct ds_err err;

	if (ds_app_info_decode(DS_SPAN(p, n), &info, &err))
		return 0;
	if (ds_app_info_encode(&info, &a) || ds_app_info_decode(ds_buf_span(&a), &again, &err) ||
	    ds_app_info_encode(&again, &b) || !ds_span_eq(ds_buf_span(&a), ds_buf_span(&b)))
		abort();
	return 0;
}
