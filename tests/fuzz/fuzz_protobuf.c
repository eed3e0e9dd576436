// SPDX-License-Identifier: Apache-2.0
/*
 * ds_pb_decode() and back: what was understood, written again and read again, is the same object.
 * Refusals have a reason.
 */
#include <ds/wire/protobuf.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct ds_pb_field msg[] = {
	{ "api_version", 1, DS_PB_U32, DS_PB_OPTIONAL, NULL },
	{ "csr", 2, DS_PB_BYTES, DS_PB_OPTIONAL, NULL },
	{ "text", 3, DS_PB_STR, DS_PB_OPTIONAL, NULL },
	{ "time", 4, DS_PB_U64, DS_PB_OPTIONAL, NULL },
	{ "flag", 5, DS_PB_BOOL, DS_PB_OPTIONAL, NULL },
	{ "list", 6, DS_PB_STR, DS_PB_REPEATED, NULL },
	{ "key_epoch", 100, DS_PB_U32, DS_PB_OPTIONAL, NULL },
	{ 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	DS_BUF struct ds_buf again = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	json_t *a = NULL, *b = NULL;
	int r = ds_pb_decode(msg, DS_SPAN(p, n), &a, &err);

	if (r) {
		if (r != -EBADMSG || !err.msg[0])
			abort();
		return 0;
	}
	if (ds_pb_encode(msg, a, &again) || ds_pb_decode(msg, ds_buf_span(&again), &b, &err) ||
	    !json_equal(a, b))
		abort();
	json_decref(a);
	json_decref(b);
	return 0;
}
