// SPDX-License-Identifier: Apache-2.0
/* Events of the guest. They come from a machine we started, but whatever runs in it may write anything: bounded. */
#include <ds/base/text.h>

#include "vm.h"

int notify_parse(struct ds_span line, struct notify_event *ret)
{
	const char *event, *payload;
	size_t payload_len;
	json_t *obj;
	int r = -EBADMSG;

	while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == '\n'))
		line.n--;
	if (!line.n || line.n > VM_NOTIFY_LINE_MAX)
		return -EBADMSG;
	obj = json_loadb((const char *)line.p, line.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_unpack(obj, "{s:s,s:s%}", "event", &event, "payload", &payload, &payload_len) &&
	    strlen(event) < sizeof(ret->event) &&
	    strspn(event, "abcdefghijklmnopqrstuvwxyz.-") == strlen(event)) {
		snprintf(ret->event, sizeof(ret->event), "%s", event);
		ds_escape(DS_SPAN(payload, payload_len), ret->payload, sizeof(ret->payload));
		r = 0;
	}
	json_decref(obj);
	return r;
}
