// SPDX-License-Identifier: Apache-2.0
/*
 * Answers of an authorization API. Whatever parses has printable words of bounded length, a gateway
 * that is an app id or nothing, and only says yes where the JSON says true.
 */
#include <stdlib.h>

#include "../../kms/bootinfo.c"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_err err = DS_ERR_NULL;
	struct kms_auth_reply reply;
	struct kms_auth_info info;

	if (!kms_auth_info_parse(DS_SPAN(p, n), &info, &err) && strlen(info.contract) != 42)
		abort();
	if (kms_auth_reply_parse(DS_SPAN(p, n), &reply, &err))
		return 0;
	if (reply.allowed && !memmem(p, n, "true", 4))
		abort();
	if (*reply.gateway_app_id && strlen(reply.gateway_app_id) != 40)
		abort();
	for (const char *c = reply.reason; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			abort();
	return 0;
}
