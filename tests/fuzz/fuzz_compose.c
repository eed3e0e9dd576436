// SPDX-License-Identifier: Apache-2.0
/* app-compose.json, .sys-config.json and .instance_info: the JSON that the host writes. */
#include <ds/wire/compose.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ds_instance_info info;
	struct ds_sysconfig s;
	struct ds_compose c;
	struct ds_err err;

	if (!ds_compose_parse(DS_SPAN(p, n), &c, &err))
		ds_compose_done(&c);
	if (!ds_sysconfig_parse(DS_SPAN(p, n), &s, &err))
		ds_sysconfig_done(&s);
	return ds_instance_info_parse(DS_SPAN(p, n), &info, &err) ? 0 : 0;
}
