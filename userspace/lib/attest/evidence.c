// SPDX-License-Identifier: Apache-2.0
/* dstack evidence: a quote, what it was made for, and the measured boot behind RTMR3 (spec/kms 4;
 * checks 36-37). */
#include <ds/attest/eventlog.h>
#include <ds/crypto/hash.h>
#include <ds/wire/attestation.h>
#include <ds/wire/vmconfig.h>

#include "priv.h"

void ds_identity_done(struct ds_identity *id)
{
	ds_buf_done(&id->key_provider);
}

int ds_check_report_data(struct ds_verdict *v, const struct ds_attestation *att,
			 const uint8_t expect[64])
{
	const uint8_t *got = v->tee == DS_TEE_SNP ? v->snp.report_data : v->body.report_data;
	bool quote = ds_ct_equal(got, expect, 64);
	bool blob = ds_ct_equal(att->report_data, expect, 64);

	if (!quote || !blob)
		return ds_verdict_fail_hex(v, DS_REASON_REPORT_DATA,
					   quote ? "report data of the evidence"
						 : "REPORTDATA of the report",
					   DS_SPAN(expect, 64),
					   quote ? DS_SPAN_ARRAY(att->report_data)
						 : DS_SPAN(got, 64));
	ds_verdict_pass(v, "report-data", "REPORTDATA binds the key or data it is shown for");
	return 0;
}

/* A positive outcome of a replay, or nonsense in the log, as a refusal. */
static int replay_failed(struct ds_verdict *v, int r, const struct ds_err *err)
{
	switch (r) {
	case DS_EVENTLOG_E_NAME:
		return ds_verdict_fail(v, DS_REASON_EVENT_NAME, "%s", err->msg);
	case DS_EVENTLOG_E_PREIMAGE:
		return ds_verdict_fail(v, DS_REASON_EVENT_PREIMAGE, "%s", err->msg);
	case DS_EVENTLOG_E_DIGEST:
	case -EBADMSG:
		return ds_verdict_fail(v, DS_REASON_EVENT_LOG_FORMAT, "%s", err->msg);
	default:
		return r;
	}
}

static bool has_imr(const struct ds_eventlog *log, uint32_t imr)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->ev[i].imr == imr)
			return true;
	return false;
}

static int check_rtmr3(struct ds_verdict *v, const struct ds_eventlog *log, const char *what)
{
	struct ds_err err = DS_ERR_NULL;
	uint8_t rtmr[48];
	int r = ds_eventlog_replay_rtmr3(log, NULL, rtmr, &err);

	if (r)
		return replay_failed(v, r, &err);
	if (!ds_ct_equal(rtmr, v->body.rt_mr[DS_EVENT_IMR], sizeof(rtmr)))
		return ds_verdict_fail_hex(v, DS_REASON_RTMR_REPLAY, what,
					   DS_SPAN_ARRAY(v->body.rt_mr[DS_EVENT_IMR]),
					   DS_SPAN_ARRAY(rtmr));
	return 0;
}

/*
 * The runtime events are what is believed. The log that travels along is used by nobody here, but
 * readers of the blob may look at it, so its RTMR3 half must not say anything else. Digests alone
 * do not see to that: real launch events written as bare digests, and forged ones behind them that
 * an app has extended as bare digests, give the same register.
 */
static int check_events(struct ds_verdict *v, const struct ds_attestation *att)
{
	DS_TRY(ds_verify_launch(v, &att->runtime_events, "runtime events"));
	DS_TRY(ds_verify_launch(v, &att->log, "event log"));
	DS_TRY(check_rtmr3(v, &att->runtime_events,
			   "RTMR3 against the replay of the runtime events"));
	if (has_imr(&att->log, DS_EVENT_IMR))
		DS_TRY(check_rtmr3(v, &att->log, "RTMR3 against the replay of the event log"));
	DS_TRY(ds_verify_launch_events(v, &att->runtime_events, "runtime events"));
	DS_TRY(ds_verify_launch_events(v, &att->log, "event log"));
	ds_verdict_pass(v, "event-log", "%zu runtime events replay to RTMR3",
			att->runtime_events.n);
	return 0;
}

/* The payload of an event that must be n bytes long. */
static int required_event(struct ds_verdict *v, const struct ds_eventlog *log, const char *name,
			  uint8_t *out, size_t n)
{
	const struct ds_event *ev = ds_eventlog_find(log, name);

	if (!ev)
		return ds_verdict_fail(v, DS_REASON_EVENT_MISSING, "event %s was not measured",
				       name);
	if (ev->payload.n != n)
		return ds_verdict_fail(v, DS_REASON_EVENT_MISSING,
				       "event %s: expected %zu bytes, got %zu", name, n,
				       ev->payload.n);
	memcpy(out, ev->payload.p, n);
	return 0;
}

static int read_instance_id(struct ds_verdict *v, const struct ds_eventlog *log,
			    struct ds_identity *id)
{
	const struct ds_event *ev = ds_eventlog_find(log, "instance-id");

	if (!ev || !ev->payload.n)
		return 0;
	DS_TRY(required_event(v, log, "instance-id", id->instance_id, sizeof(id->instance_id)));
	id->instance_id_len = sizeof(id->instance_id);
	return 0;
}

int ds_read_claimed_image(struct ds_verdict *v, const struct ds_attestation *att,
			  struct ds_identity *id)
{
	struct ds_vm_config vm = { 0 };
	struct ds_err err = DS_ERR_NULL;
	int r = ds_vm_config_parse(ds_buf_span(&att->config), &vm, &err);

	if (r == -ENOMEM)
		return r;
	if (r)
		return ds_verdict_fail(v, DS_REASON_EVIDENCE_FORMAT, "vm_config: %s", err.msg);
	id->has_os_image_hash = vm.has_os_image_hash;
	memcpy(id->os_image_hash, vm.os_image_hash, sizeof(id->os_image_hash));
	return 0;
}

static int read_os_image_hash(struct ds_verdict *v, const struct ds_attestation *att,
			      struct ds_identity *id)
{
	const struct ds_event *ev = ds_eventlog_find(&att->runtime_events, "os-image-hash");

	DS_TRY(ds_read_claimed_image(v, att, id));
	if (!ev || ev->payload.n != sizeof(id->os_image_hash))
		return 0;
	id->os_image_hash_measured = id->has_os_image_hash = true;
	memcpy(id->os_image_hash, ev->payload.p, sizeof(id->os_image_hash));
	return 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	uint8_t acc = 0;

	while (n--)
		acc |= *p++;
	return !acc;
}

/* spec/kms 4.3; r is the RTMR3 to use, kp the key provider (may be empty). */
static int mr_values(const struct ds_td_body *b, const uint8_t r[48], struct ds_span kp,
		     uint8_t ret_system[32], uint8_t ret_aggregated[32])
{
	uint8_t mkp[32] = { 0 };
	const struct ds_span system[] = { DS_SPAN_ARRAY(b->mr_td), DS_SPAN_ARRAY(b->rt_mr[0]),
					  DS_SPAN_ARRAY(b->rt_mr[1]), DS_SPAN_ARRAY(b->rt_mr[2]),
					  DS_SPAN_ARRAY(mkp) };
	const struct ds_span aggregated[] = { DS_SPAN_ARRAY(b->mr_td),
					      DS_SPAN_ARRAY(b->rt_mr[0]),
					      DS_SPAN_ARRAY(b->rt_mr[1]),
					      DS_SPAN_ARRAY(b->rt_mr[2]),
					      DS_SPAN(r, 48),
					      DS_SPAN_ARRAY(b->mr_config_id),
					      DS_SPAN_ARRAY(b->mr_owner),
					      DS_SPAN_ARRAY(b->mr_owner_config) };
	bool plain = all_zero(b->mr_config_id, 48) && all_zero(b->mr_owner, 48) &&
		     all_zero(b->mr_owner_config, 48);

	if (kp.n)
		DS_TRY(ds_sha256_1(kp, mkp));
	DS_TRY(ds_sha256(system, DS_ARRAY_SIZE(system), ret_system));
	return ds_sha256(aggregated, plain ? 5 : DS_ARRAY_SIZE(aggregated), ret_aggregated);
}

static int read_measurements(const struct ds_verdict *v, const struct ds_eventlog *log,
			     struct ds_identity *id)
{
	uint8_t boot[48];

	DS_TRY(ds_eventlog_replay_rtmr3(log, "boot-mr-done", boot, NULL));
	DS_TRY(mr_values(&v->body, v->body.rt_mr[DS_EVENT_IMR], ds_buf_span(&id->key_provider),
			 id->mr_system, id->mr_aggregated));
	DS_TRY(mr_values(&v->body, boot, DS_SPAN_NULL, id->mr_system_boot, id->mr_aggregated_boot));
	return ds_sha256_1(DS_SPAN_ARRAY(v->ppid), id->device_id);
}

static int read_identity(struct ds_verdict *v, const struct ds_attestation *att,
			 struct ds_identity *id)
{
	const struct ds_eventlog *log = &att->runtime_events;
	const struct ds_event *kp = ds_eventlog_find(log, "key-provider");

	DS_TRY(required_event(v, log, "app-id", id->app_id, sizeof(id->app_id)));
	DS_TRY(required_event(v, log, "compose-hash", id->compose_hash, sizeof(id->compose_hash)));
	DS_TRY(read_instance_id(v, log, id));
	DS_TRY(read_os_image_hash(v, att, id));
	if (kp)
		DS_TRY(ds_buf_add_span(&id->key_provider, ds_buf_span(&kp->payload)));
	id->boot_mr_done = ds_eventlog_find(log, "boot-mr-done") != NULL;
	id->boot_complete = ds_eventlog_find(log, "system-ready") != NULL;
	ds_verdict_pass(v, "identity", "app-id and compose-hash are measured");
	return read_measurements(v, log, id);
}

int ds_attest_evidence(const struct ds_attestation *att, const uint8_t expect_report_data[64],
		       struct ds_span collateral_json, const struct ds_verify_opts *opts,
		       struct ds_verdict *ret, struct ds_identity *ret_id)
{
	DS_IDENTITY struct ds_identity id = DS_IDENTITY_NULL;
	int r;

	if (att->kind == DS_ATTESTATION_SNP)
		return ds_snp_evidence(att, expect_report_data, collateral_json, opts, ret, ret_id);
	r = ds_judge_quote(ds_buf_span(&att->quote), collateral_json, opts, ret);
	if (!r)
		r = ds_check_report_data(ret, att, expect_report_data);
	if (!r)
		r = check_events(ret, att);
	if (!r)
		r = read_identity(ret, att, &id);
	if (r)
		return r < 0 ? r : 0;
	ds_verdict_accept(ret);
	ds_identity_done(ret_id);
	*ret_id = id;
	id.key_provider = DS_BUF_NULL;
	return 0;
}

int ds_verify_log(struct ds_verdict *v, const struct ds_eventlog *log, const uint8_t rt_mr[4][48],
		  bool all)
{
	struct ds_err err = DS_ERR_NULL;
	uint8_t got[4][48];
	char what[48];
	int r;

	if (v->tee == DS_TEE_SNP)
		return ds_verdict_fail(v, DS_REASON_RTMR_REPLAY,
				       "SEV-SNP has no registers that could vouch for a log");
	r = ds_eventlog_replay(log, got, &err);
	if (r)
		return replay_failed(v, r, &err);
	for (uint32_t i = 0; i < 4; i++) {
		/* nothing is claimed about a register without events, except RTMR3 */
		if (i != DS_EVENT_IMR && (!all || !has_imr(log, i)))
			continue;
		(void)snprintf(what, sizeof(what), "RTMR%u against the replay of the log", i);
		if (!ds_ct_equal(got[i], rt_mr[i], 48))
			r = ds_verdict_fail_hex(v, DS_REASON_RTMR_REPLAY, what,
						DS_SPAN(rt_mr[i], 48), DS_SPAN(got[i], 48));
		else
			ds_verdict_pass(v, "event-log", "RTMR%u is the replay of the log", i);
	}
	return r;
}

int ds_verify_compose(struct ds_verdict *v, const struct ds_identity *id, struct ds_span compose)
{
	uint8_t hash[32];

	DS_TRY(ds_sha256_1(compose, hash));
	if (!ds_ct_equal(hash, id->compose_hash, sizeof(hash)))
		return ds_verdict_fail_hex(v, DS_REASON_COMPOSE_HASH, "measured compose-hash",
					   DS_SPAN_ARRAY(hash), DS_SPAN_ARRAY(id->compose_hash));
	ds_verdict_pass(v, "compose-hash", "the compose file is the measured one");
	return 0;
}
