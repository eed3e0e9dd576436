/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy in, verdict out. A verdict is plain data owned by the caller: no allocation, no pointer
 * into the evidence. It starts refused and becomes accepted only when every check has passed.
 */
#ifndef DS_ATTEST_VERDICT_H
#define DS_ATTEST_VERDICT_H

#include <ds/attest/reason.h>
#include <ds/base/base.h>
#include <ds/wire/amdext.h>
#include <ds/wire/quote.h>
#include <ds/wire/snpreport.h>

enum ds_tcb_status {
	DS_TCB_UP_TO_DATE,
	DS_TCB_SW_HARDENING,
	DS_TCB_CONFIG,
	DS_TCB_CONFIG_SW_HARDENING,
	DS_TCB_RELAUNCH,
	DS_TCB_RELAUNCH_CONFIG,
	DS_TCB_OUT_OF_DATE,
	DS_TCB_OUT_OF_DATE_CONFIG,
	DS_TCB_REVOKED,
	DS_TCB_COUNT,
};

/* The ecosystem's word, "OutOfDate" and so on. */
const char *ds_tcb_status_name(enum ds_tcb_status status);
/* 0, or -ENOENT for a word that is not in the list. */
DS_MUST int ds_tcb_status_parse(struct ds_span word, enum ds_tcb_status *ret);

#define DS_TD_ATTR_DEBUG      (1ull << 0)
#define DS_TD_ATTR_UNTRUSTED  0xffull /* group 7:0 */
#define DS_TD_ATTR_LASS	      (1ull << 27)
#define DS_TD_ATTR_SEPT_VE    (1ull << 28)
#define DS_TD_ATTR_MIGRATABLE (1ull << 29)
#define DS_TD_ATTR_PKS	      (1ull << 30)
#define DS_TD_ATTR_PERFMON    (1ull << 63)

struct ds_image_mr;

#define DS_MIN_MODULES 8

/* Smallest SVNs; zero and n 0 ask for nothing. */
struct ds_min_svn {
	uint8_t sgx[16]; /* of the PCK's components */
	uint8_t tdx[16]; /* of TEE_TCB_SVN, and of TEE_TCB_SVN2 where there is one */
	uint16_t pce, qe;
	/* TDX module: with any entry, a module of a major version that is not here is refused */
	struct {
		uint8_t major, minor;
	} module[DS_MIN_MODULES];
	size_t n_module;
};

/* Floors of one product's security patch levels; 0 is no floor. fmc is Turin's. */
struct ds_snp_min_tcb {
	uint8_t fmc, boot_loader, tee, snp, microcode;
};

/*
 * What one deployment accepts of SEV-SNP (spec/dcap 9.3, rows 6 and 9 to 14). Status, DEBUG and
 * everything else that both platforms know is in struct ds_tcb_policy.
 */
struct ds_snp_policy {
	uint64_t policy_allowed;    /* guest policy bits that may be set; never DEBUG */
	uint64_t policy_required;   /* bits that must be set; bit 17 always is */
	uint64_t platform_required; /* platform info bits that must be set */
	uint32_t max_vmpl;
	uint32_t products; /* 1 << enum ds_snp_product */
	bool deny_vlek;	   /* only keys of the chip itself */
	bool require_crl;
	int64_t min_crl; /* its thisUpdate, and so one is required; 0: any or none */
	/* each of the four TCB versions must reach these, whatever its status is */
	struct ds_snp_min_tcb min_tcb[DS_SNP_PRODUCTS];
	/*
	 * Chip ids. With allow-lists of Intel's platforms only, no chip is allowed. A masked id is
	 * refused when there is a list.
	 */
	const uint8_t (*allow_chip)[DS_SNP_CHIP_ID];
	size_t n_allow_chip;
	const uint8_t (*deny_chip)[DS_SNP_CHIP_ID];
	size_t n_deny_chip;
};

/*
 * What one deployment accepts. ds_tcb_policy_default is the safe choice; lists are borrowed.
 * Revoked can never be allowed, DEBUG only by its own switch.
 */
struct ds_tcb_policy {
	uint32_t tcb_status;		 /* 1 << enum ds_tcb_status */
	uint64_t td_attr_allowed;	 /* bits that may be set */
	uint64_t td_attr_required;	 /* bits that must be set */
	bool allow_debug;		 /* TDATTRIBUTES.DEBUG, or DEBUG of an SNP guest policy */
	uint64_t xfam_allowed;		 /* 0: not checked */
	uint64_t min_evaluation;	 /* tcbEvaluationDataNumber of the TCB info */
	const uint8_t (*service_td)[48]; /* accepted values of MRSERVICETD besides zero */
	size_t n_service_td;
	const char *const *deny_advisory;
	size_t n_deny_advisory;
	const uint8_t (*deny_ppid)[16];
	size_t n_deny_ppid;
	const uint8_t (*deny_fmspc)[6];
	size_t n_deny_fmspc;
	const uint8_t (*deny_instance)[16];
	size_t n_deny_instance;
	/*
	 * With another status than UpToDate every advisory must be one of these. Under UpToDate they
	 * inform only.
	 */
	const char *const *tolerate_advisory;
	size_t n_tolerate_advisory;
	bool tolerate_any_advisory;
	uint64_t min_qe_evaluation; /* tcbEvaluationDataNumber of the QE identity */
	/* Earliest thisUpdate of the lists. Intel numbers each of them 1, so there is no other order. */
	int64_t min_root_crl, min_pck_crl;
	struct ds_min_svn min_svn;
	/* n 0: any platform; else it must be one of these */
	const uint8_t (*allow_ppid)[16];
	size_t n_allow_ppid;
	const uint8_t (*allow_fmspc)[6];
	size_t n_allow_fmspc;
	const uint8_t (*allow_instance)[16];
	size_t n_allow_instance;
	const struct ds_image_mr *image; /* n 0: any image; else the report is that of one */
	size_t n_image;
	struct ds_snp_policy snp;
};

extern const struct ds_tcb_policy ds_tcb_policy_default;

#define DS_VERDICT_CHECKS     64
#define DS_VERDICT_ADVISORIES 192

struct ds_check {
	const char *name; /* what was looked at, or of a failure its reason; a literal */
	bool ok;
	char text[112];
};

/* Which of the bodies below a verdict is about. */
enum ds_tee { DS_TEE_TDX, DS_TEE_SNP };

/* "tdx" or "snp". */
const char *ds_tee_name(enum ds_tee tee);

struct ds_verdict {
	bool accepted;
	enum ds_tee tee;
	enum ds_reason reason; /* of the first failed check */
	char detail[256];
	char expected[200];
	char actual[200];
	char tcb_status[48]; /* "" until the TCB was evaluated */
	enum ds_tcb_status tcb;
	char advisories[DS_VERDICT_ADVISORIES][24];
	size_t n_advisories;
	uint64_t tcb_evaluation, qe_evaluation; /* tcbEvaluationDataNumber of both documents */
	bool emulated; /* MRSEAM is the constant of tdx_emul.ko: no security, whatever the anchors
			*/
	bool custom_root; /* judged under a root the caller gave */
	/* Nobody is in the lists that apply. Accepted without this: SEV-SNP, and no list was given. */
	bool revocation_checked;
	int64_t time;	  /* the time everything was judged at */
	int64_t expires;  /* earliest end of anything used; 0 if refused before it was known */
	bool has_body;
	uint16_t quote_version;
	struct ds_td_body body;
	bool has_platform;
	uint8_t ppid[16];
	uint8_t fmspc[6];
	uint8_t instance[16]; /* platform instance id, zero under the Processor CA */
	/* SEV-SNP: the report, once it parsed, and the certificate's word once that was checked */
	bool has_snp;
	struct ds_snp_body snp;
	bool has_snp_cert;
	enum ds_snp_product snp_product;
	struct ds_amd_ext snp_ext;
	struct ds_check checks[DS_VERDICT_CHECKS];
	size_t n_checks;
};

/* Refused, nothing checked yet. */
void ds_verdict_init(struct ds_verdict *v);
/* A check that passed; text may be "". */
void ds_verdict_pass(struct ds_verdict *v, const char *name, const char *fmt, ...) DS_PRINTF(3, 4);
/*
 * A check that failed: the first one gives reason and detail. Returns DS_ATTEST_REFUSED, so that
 * callers write return ds_verdict_fail(...). Peer text in fmt's arguments is escaped here.
 */
#define DS_ATTEST_REFUSED 1
int ds_verdict_fail(struct ds_verdict *v, enum ds_reason reason, const char *fmt, ...)
	DS_PRINTF(3, 4);
/* The same with both values as hex. */
int ds_verdict_fail_hex(struct ds_verdict *v, enum ds_reason reason, const char *what,
			struct ds_span expected, struct ds_span actual);
/* The same with both values as text. */
int ds_verdict_fail_text(struct ds_verdict *v, enum ds_reason reason, const char *what,
			 const char *expected, const char *actual);
/* Is v->time between from and to, both included? Lowers the expiry to to, or fails with early or
 * late. */
DS_MUST int ds_verdict_dates(struct ds_verdict *v, const char *what, int64_t from, int64_t to,
			     enum ds_reason early, enum ds_reason late);
/* After the last check: accepted, unless one has failed or none was made. */
void ds_verdict_accept(struct ds_verdict *v);
/* Lower the expiry to t. */
void ds_verdict_until(struct ds_verdict *v, int64_t t);

#endif
