// SPDX-License-Identifier: Apache-2.0
/* What another KMS node sends: the reply of GetKmsKey, and sealed roots that cannot be for us. */
#include <stdlib.h>

#include "../../kms/nodekeys.c"
#undef DOM
#include "../../kms/seal.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct kms_new_ask ask;
	DS_SECRET struct ds_secret *key = ds_secret_new(32), *out = NULL;
	struct ds_err err;

	if (!key)
		return 0;
	key->p[0] = 8;
	if (!kms_open_record(key, DS_SPAN(p, n), &out, &err) ||
	    !kms_open_message(key, DS_SPAN(p, n), &out, &err))
		abort();
	if (!kms_node_keys_parse(DS_SPAN(p, n), &ask, &err) && ask.op != KMS_NEW_TAKE &&
	    ask.op != KMS_NEW_TAKE_STOCK)
		abort();
	return 0;
}
