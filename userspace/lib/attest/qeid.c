// SPDX-License-Identifier: Apache-2.0
/* QE identity (spec/dcap 4.5) and the quoting enclave's report against it: checks 22 and 24-27. */
#include <ds/base/rd.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/p256.h>

#include "priv.h"

#define DOMAIN "qe-identity"

/* spec/dcap 1.4: offsets in the QE report. */
#define QE_MISCSELECT  16
#define QE_ATTRIBUTES  48
#define QE_MRSIGNER    128
#define QE_ISVPRODID   256
#define QE_REPORT_DATA 320
#define QE_FLAG_DEBUG  0x02 /* bit 1 of the first byte of ATTRIBUTES */

static int bad(struct ds_err *err, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s", what);
}

void ds_qe_identity_done(struct ds_qe_identity *id)
{
	free(id->levels);
	ds_jdoc_done(&id->doc);
	memset(id, 0, sizeof(*id));
}

static int parse_doc(struct ds_qe_identity *q, struct ds_err *err)
{
	const struct ds_jnode *doc = q->doc.root;
	uint64_t version, prod;
	int r;

	if (!ds_json_is_text(ds_jget(doc, "id"), "TD_QE") ||
	    ds_json_get_u64(doc, "version", UINT32_MAX, &version) || version != 2) {
		(void)bad(err, "expected id \"TD_QE\", version 2");
		return DS_QEID_E_KIND;
	}
	if (ds_json_get_time(doc, "issueDate", &q->issued) ||
	    ds_json_get_time(doc, "nextUpdate", &q->next_update))
		return bad(err, "issueDate or nextUpdate is not YYYY-MM-DDThh:mm:ssZ");
	if (ds_json_get_u64(doc, "tcbEvaluationDataNumber", UINT32_MAX, &q->evaluation))
		return bad(err, "tcbEvaluationDataNumber is not a number");
	if (ds_json_get_hex(doc, "miscselect", q->miscselect, 4) ||
	    ds_json_get_hex(doc, "miscselectMask", q->miscselect_mask, 4))
		return bad(err, "miscselect or its mask is not 4 bytes of hex");
	if (ds_json_get_hex(doc, "attributes", q->attributes, 16) ||
	    ds_json_get_hex(doc, "attributesMask", q->attributes_mask, 16))
		return bad(err, "attributes or their mask are not 16 bytes of hex");
	if (ds_json_get_hex(doc, "mrsigner", q->mrsigner, 32))
		return bad(err, "mrsigner is not 32 bytes of hex");
	if (ds_json_get_u64(doc, "isvprodid", UINT16_MAX, &prod))
		return bad(err, "isvprodid is not a 16-bit number");
	q->isvprodid = (uint32_t)prod;
	r = ds_json_svn_levels(ds_jget(doc, "tcbLevels"), &q->levels, &q->n_levels);
	return !r || r == -ENOMEM ? r : bad(err, "tcbLevels is malformed");
}

int ds_qe_identity_parse(struct ds_span in, struct ds_qe_identity *ret, struct ds_err *err)
{
	struct ds_qe_identity q = { 0 };
	int r;

	DS_TRY(ds_jdoc_parse(in, false, &q.doc, err));
	r = parse_doc(&q, err);
	if (r) {
		ds_qe_identity_done(&q);
		return r;
	}
	*ret = q;
	return 0;
}

static int prove_content(struct ds_judge *j)
{
	struct ds_docs *d = j->docs;
	struct ds_err err = DS_ERR_NULL;
	int r = ds_qe_identity_parse(d->col.qe_identity, &d->qe, &err);

	if (r == DS_QEID_E_KIND)
		return ds_verdict_fail(j->v, DS_REASON_QEID_KIND, "QE identity: %s", err.msg);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_QEID_FORMAT, "QE identity: %s", err.msg);
	if (r)
		return r;
	d->qe_ok = true;
	return 0;
}

int ds_check_qe_identity(struct ds_judge *j)
{
	struct ds_docs *d = j->docs;
	/* one chain for both documents is the rule: what was proven about its bytes holds */
	bool same = ds_span_eq(d->col.qe_chain, d->col.tcb_chain);
	struct ds_signer *s = same ? &d->tcb_signer : &d->qe_signer;

	DS_TRY(ds_check_signer(j, s, d->col.qe_chain, "QE identity"));
	if (!d->qe_ok)
		DS_TRY(ds_check_doc_signature(j, s, d->col.qe_identity, ds_buf_span(&d->col.qe_sig),
					      DS_REASON_QEID_SIGNATURE, "QE identity"));
	ds_verdict_pass(j->v, "signer", "QE identity: signer and signature");
	if (!d->qe_ok)
		DS_TRY(prove_content(j));
	j->v->qe_evaluation = d->qe.evaluation;
	DS_TRY(ds_verdict_dates(j->v, "QE identity", d->qe.issued, d->qe.next_update,
				DS_REASON_QEID_NOT_YET_VALID, DS_REASON_QEID_EXPIRED));
	ds_verdict_pass(j->v, "qe-identity", "QE identity: TD_QE, evaluation %llu, in date",
			(unsigned long long)d->qe.evaluation);
	return 0;
}

static bool report_is_known(const struct ds_judge *j)
{
	const struct ds_platform *p = j->plat;

	return p->qe_report_ok && ds_span_eq(j->q.qe_report, DS_SPAN_ARRAY(p->qe_report)) &&
	       ds_span_eq(j->q.qe_report_sig, DS_SPAN_ARRAY(p->qe_report_sig));
}

/* S2: the platform's key vouches for this report. A QE shows the same report with every quote. */
static int check_report_signature(struct ds_judge *j)
{
	struct ds_platform *p = j->plat;
	int r;

	if (!report_is_known(j)) {
		r = ds_p256_pub_verify_raw(p->key, j->q.qe_report, j->q.qe_report_sig.p);
		if (r == -EKEYREJECTED)
			return ds_verdict_fail(j->v, DS_REASON_QE_REPORT_SIGNATURE,
					       "QE report is not signed by the PCK of this quote");
		if (r)
			return r;
		if (!p->shared) {
			memcpy(p->qe_report, j->q.qe_report.p, sizeof(p->qe_report));
			memcpy(p->qe_report_sig, j->q.qe_report_sig.p, sizeof(p->qe_report_sig));
			p->qe_report_ok = true;
		}
	}
	ds_verdict_pass(j->v, "qe-report", "QE report is signed by the PCK");
	return 0;
}

/* S3: the report names the attestation key and nothing else, over all 64 bytes. */
static int check_binding(struct ds_judge *j)
{
	const struct ds_span parts[] = { j->q.attest_key, j->q.qe_auth };
	uint8_t want[64] = { 0 };
	struct ds_span got = DS_SPAN(j->q.qe_report.p + QE_REPORT_DATA, 64);

	DS_TRY(ds_sha256(parts, DS_ARRAY_SIZE(parts), want));
	if (!ds_ct_equal(want, got.p, sizeof(want)))
		return ds_verdict_fail_hex(j->v, DS_REASON_QE_AUTH_BINDING,
					   "hash of the attestation key in the QE report",
					   DS_SPAN_ARRAY(want), got);
	ds_verdict_pass(j->v, "qe-binding", "attestation key is the one in the QE report");
	return 0;
}

/* (got & mask) == want, bytes in memory order */
static bool masked_equal(const uint8_t *got, const uint8_t *mask, const uint8_t *want, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((got[i] & mask[i]) != want[i])
			return false;
	return true;
}

static int check_enclave(struct ds_judge *j)
{
	const uint8_t *rep = j->q.qe_report.p;
	const struct ds_qe_identity *id = &j->docs->qe;
	unsigned int prod = ds_get_u16le(rep + QE_ISVPRODID);

	if (!masked_equal(rep + QE_MISCSELECT, id->miscselect_mask, id->miscselect, 4))
		return ds_verdict_fail_hex(
			j->v, DS_REASON_QE_MISCSELECT, "QE MISCSELECT under the mask",
			DS_SPAN_ARRAY(id->miscselect), DS_SPAN(rep + QE_MISCSELECT, 4));
	if (rep[QE_ATTRIBUTES] & QE_FLAG_DEBUG)
		return ds_verdict_fail(j->v, DS_REASON_QE_DEBUG, "QE is a debug enclave");
	if (!masked_equal(rep + QE_ATTRIBUTES, id->attributes_mask, id->attributes, 16))
		return ds_verdict_fail_hex(
			j->v, DS_REASON_QE_ATTRIBUTES, "QE ATTRIBUTES under the mask",
			DS_SPAN_ARRAY(id->attributes), DS_SPAN(rep + QE_ATTRIBUTES, 16));
	if (memcmp(rep + QE_MRSIGNER, id->mrsigner, sizeof(id->mrsigner)))
		return ds_verdict_fail_hex(j->v, DS_REASON_QE_MRSIGNER, "QE MRSIGNER",
					   DS_SPAN_ARRAY(id->mrsigner),
					   DS_SPAN(rep + QE_MRSIGNER, 32));
	if (prod != id->isvprodid)
		return ds_verdict_fail(j->v, DS_REASON_QE_ISVPRODID,
				       "QE ISVPRODID: expected %u, got %u", id->isvprodid, prod);
	ds_verdict_pass(j->v, "qe-identity", "quoting enclave is the one of the QE identity");
	return 0;
}

const struct ds_svn_level *ds_svn_level_find(const struct ds_svn_level *levels, size_t n,
					     uint32_t svn)
{
	const struct ds_svn_level *best = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct ds_svn_level *l = &levels[i];

		if (l->isvsvn > svn || (best && l->isvsvn < best->isvsvn))
			continue;
		/* of two equal ones the worse */
		if (!best || l->isvsvn > best->isvsvn || l->status > best->status)
			best = l;
	}
	return best;
}

int ds_check_qe(struct ds_judge *j)
{
	uint32_t svn = ds_get_u16le(j->q.qe_report.p + QE_ISVSVN);

	DS_TRY(check_report_signature(j));
	DS_TRY(check_binding(j));
	DS_TRY(check_enclave(j));
	j->qe_level = ds_svn_level_find(j->docs->qe.levels, j->docs->qe.n_levels, svn);
	if (!j->qe_level)
		return ds_verdict_fail(j->v, DS_REASON_QE_TCB_NO_LEVEL,
				       "QE ISVSVN %u is below every level of the QE identity", svn);
	ds_verdict_pass(j->v, "qe-tcb", "QE ISVSVN %u is at level %u: %s", svn, j->qe_level->isvsvn,
			ds_tcb_status_name(j->qe_level->status));
	return 0;
}
