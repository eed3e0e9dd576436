// SPDX-License-Identifier: Apache-2.0
/*
 * The launch in an event log: what stands up to the first system-ready must be dstack's own events,
 * each once (spec/boot 4.3, 6; spec/guest-api 7.6).
 */
#include <ds/attest/eventlog.h>
#include <ds/attest/verify.h>

/* Releases before 0.5 measured the last two; mr-kms ended with 0.5.11. */
static const struct {
	const char *name;
	bool repeats;
} names[] = {
	{ "system-preparing", false }, { "app-id", false },	   { "compose-hash", false },
	{ "init-script-hash", true },  { "gpu-policy-hash", false }, { "gpu-attestation", false },
	{ "instance-id", false },      { "boot-mr-done", false },	   { "mr-kms", false },
	{ "os-image-hash", false },    { "key-provider", false },    { "storage-fs", false },
	{ "system-ready", false },     { "rootfs-hash", false },	   { "ca-cert-hash", false },
};

/* DS_ARRAY_SIZE(names) when it is none of them. */
static size_t launch_name(const char *name)
{
	size_t i = 0;

	while (i < DS_ARRAY_SIZE(names) && strcmp(names[i].name, name))
		i++;
	return i;
}

bool ds_eventlog_is_dstack(const struct ds_eventlog *log)
{
	const size_t n = ds_eventlog_launch(log, NULL);

	for (size_t i = 0; i < n; i++)
		if (log->ev[i].imr == DS_EVENT_IMR &&
		    launch_name(log->ev[i].name) < DS_ARRAY_SIZE(names))
			return true;
	return false;
}

int ds_verify_launch(struct ds_verdict *v, const struct ds_eventlog *log, const char *what)
{
	bool opaque;
	size_t i = ds_eventlog_launch(log, &opaque);

	if (!opaque)
		return 0;
	return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT,
			       "%s: event %zu (type 0x%08x): a bare digest in RTMR3 before "
			       "system-ready",
			       what, i, log->ev[i].type);
}

/* One runtime event; seen: a bit for each name that has been there. */
static int check_event(struct ds_verdict *v, const struct ds_event *ev, size_t i, const char *what,
		       unsigned int version, uint32_t *seen)
{
	const size_t k = launch_name(ev->name);

	if (k == DS_ARRAY_SIZE(names))
		return ds_verdict_fail(v, DS_REASON_EVENT_FOREIGN,
				       "%s: event %zu (%s) is none of dstack's launch", what, i,
				       ev->name);
	if (ev->version != version)
		return ds_verdict_fail(v, DS_REASON_EVENT_FOREIGN,
				       "%s: event %zu (%s): version %u in a launch of version %u", what,
				       i, ev->name, ev->version, version);
	if (*seen >> k & 1 && !names[k].repeats)
		return ds_verdict_fail(v, DS_REASON_EVENT_DUPLICATE,
				       "%s: event %zu: %s is there a second time", what, i, ev->name);
	*seen |= 1u << k;
	return 0;
}

int ds_verify_launch_events(struct ds_verdict *v, const struct ds_eventlog *log, const char *what)
{
	const size_t launch = ds_eventlog_launch(log, NULL);
	unsigned int version = 0; /* one for a whole boot: that of the first event */
	uint32_t seen = 0;

	for (size_t i = 0; i < log->n; i++) {
		const struct ds_event *ev = &log->ev[i];

		if (ev->type != DS_EV_RUNTIME)
			continue;
		if (ev->imr != DS_EVENT_IMR)
			return ds_verdict_fail(v, DS_REASON_EVENT_FOREIGN,
					       "%s: event %zu (%s): expected in RTMR3, found in RTMR%u",
					       what, i, ev->name, ev->imr);
		if (i >= launch)
			continue;
		version = version ? version : ev->version;
		DS_TRY(check_event(v, ev, i, what, version, &seen));
	}
	return 0;
}
