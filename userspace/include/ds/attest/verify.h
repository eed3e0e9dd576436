/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier of every program: quote, collateral, event log and identity (spec/dcap 1-7, spec/kms
 * 4). No network, no global state; one time value per call. All functions return 0 also when the
 * evidence is refused: the answer is verdict->accepted. Negative errno is an internal failure
 * (memory), and the verdict then says refused.
 */
#ifndef DS_ATTEST_VERIFY_H
#define DS_ATTEST_VERIFY_H

#include <ds/attest/verdict.h>
#include <ds/base/base.h>
#include <ds/wire/eventlog.h>

struct ds_attestation;
struct ds_attest_cache;

struct ds_verify_opts {
	struct ds_span
		root_ca; /* DER or PEM, one certificate; n == 0: the pinned root of Intel or AMD */
	int64_t time;	 /* seconds since 1970 */
	const struct ds_tcb_policy *policy; /* NULL: ds_tcb_policy_default */
	struct ds_attest_cache *cache;	    /* NULL, or see ds/attest/cache.h */
};

/* Quote and collateral (the JSON set of spec/dcap 4.1; n == 0 ends in collateral-missing after the
 * chain checks). */
DS_MUST int ds_attest_quote(struct ds_span quote, struct ds_span collateral_json,
			    const struct ds_verify_opts *opts, struct ds_verdict *ret);

/*
 * A SEV-SNP report (spec/dcap 9.3). Certificates are PEM, one or several, or one in DER; each finds
 * its place by its name, so they may be spread over both spans in any order: the VCEK or VLEK, the
 * ASK or ASVK that signed it, and the ARK. opts->root_ca replaces the pinned AMD roots. crl: DER or
 * PEM, n 0 for none.
 */
struct ds_snp_evidence {
	struct ds_span report, vek, chain, crl;
};

DS_MUST int ds_attest_snp(const struct ds_snp_evidence *in, const struct ds_verify_opts *opts,
			  struct ds_verdict *ret);

/* The reason that goes with a parser's fault. */
enum ds_reason ds_quote_fault_reason(enum ds_quote_fault fault);

/* What the measured boot says about the machine and its app (spec/kms 4.3). */
struct ds_identity {
	uint8_t app_id[20];
	uint8_t compose_hash[32];
	uint8_t instance_id[20];
	size_t instance_id_len; /* 20, or 0: the app asked for none */
	uint8_t os_image_hash[32];
	bool has_os_image_hash;
	bool os_image_hash_measured; /* from the os-image-hash event; else only claimed by vm_config
				      */
	uint8_t device_id[32];	     /* SHA-256(PPID) */
	uint8_t mr_system[32];
	uint8_t mr_aggregated[32]; /* over the whole log */
	uint8_t mr_system_boot[32];
	uint8_t mr_aggregated_boot[32]; /* over the log up to boot-mr-done */
	struct ds_buf key_provider;	/* payload of the key-provider event, empty if absent */
	bool boot_mr_done;
	bool boot_complete; /* system-ready was measured */
};

#define DS_IDENTITY_NULL ((struct ds_identity){ .key_provider = DS_BUF_NULL })

void ds_identity_done(struct ds_identity *id);
#define DS_IDENTITY DS_CLEANUP(ds_identity_done)

/*
 * dstack evidence: the quote as above, REPORTDATA (all 64 bytes, constant time) equal to
 * expect_report_data in quote and blob, event names, no bare digests before system-ready, RTMR3
 * equal to the replay of the runtime events, no foreign or duplicate launch events, app-id and
 * compose-hash present with the right sizes.
 * ret_id (zeroed or DS_IDENTITY_NULL) is filled only when the verdict is accepted; free it with
 * ds_identity_done() either way.
 */
DS_MUST int ds_attest_evidence(const struct ds_attestation *att,
			       const uint8_t expect_report_data[64], struct ds_span collateral_json,
			       const struct ds_verify_opts *opts, struct ds_verdict *ret,
			       struct ds_identity *ret_id);

/*
 * Further checks on an accepted verdict; each records its check and, when it fails, turns the
 * verdict to refused. They return 0 or DS_ATTEST_REFUSED; on a verdict that is already refused they
 * only record.
 */
/* The log replays to the registers of the report; with all set, RTMR0-2 too. */
DS_MUST int ds_verify_log(struct ds_verdict *v, const struct ds_eventlog *log,
			  const uint8_t rt_mr[4][48], bool all);
/*
 * No RTMR3 entry of the launch is a bare digest (see ds_eventlog_launch()), so its names are those
 * that were measured. ds_attest_evidence() has seen to it; this is for other logs of a dstack
 * guest.
 */
DS_MUST int ds_verify_launch(struct ds_verdict *v, const struct ds_eventlog *log, const char *what);
/*
 * The launch holds only dstack's events, each once (init-script-hash may repeat), all of one
 * version, and no runtime event is in another register than RTMR3. For a log that has replayed to
 * the register. ds_attest_evidence() has seen to it too.
 */
DS_MUST int ds_verify_launch_events(struct ds_verdict *v, const struct ds_eventlog *log,
				    const char *what);
/* SHA-256 of the compose file is the measured compose-hash. */
DS_MUST int ds_verify_compose(struct ds_verdict *v, const struct ds_identity *id,
			      struct ds_span compose);

/* What an image measures on each platform: MRTD and RTMR0-2 and MEASUREMENT, as dstack-mr prints them. */
struct ds_image_mr {
	uint8_t mr_td[48];
	uint8_t rt_mr[3][48];
	bool has_snp, snp_only; /* snp_only: nothing is known of TDX */
	uint8_t snp[48];
};
/* {"mrtd":hex,"rtmr0":hex,"rtmr1":hex,"rtmr2":hex}, {"measurement":hex} or both; other keys are ignored. 0 or -EBADMSG. */
DS_MUST int ds_image_mr_parse(struct ds_span json, struct ds_image_mr *ret, struct ds_err *err);
/* Is the report of v that of this image? Nothing is recorded. */
bool ds_image_matches(const struct ds_verdict *v, const struct ds_image_mr *image);
DS_MUST int ds_verify_image(struct ds_verdict *v, const struct ds_image_mr *image);

#endif
