// SPDX-License-Identifier: Apache-2.0
/* The collateral file (spec/dcap 4.1): check 14. Nothing in it is believed before its signature has
 * been checked. */
#include <ds/base/limits.h>
#include <ds/base/text.h>

#include "priv.h"

#define DOMAIN "collateral"

static int bad(struct ds_err *err, const char *key, const char *what)
{
	return ds_err_set(err, -EBADMSG, DOMAIN, 0, "%s: %s", key, what);
}

static int text(const struct ds_jnode *doc, const char *key, struct ds_span *ret,
		struct ds_err *err)
{
	const struct ds_jnode *v = ds_jget(doc, key);

	if (!v)
		return bad(err, key, "missing");
	if (!ds_jis(v, DS_JSTRING))
		return bad(err, key, "not a string");
	*ret = v->text;
	return 0;
}

/* Some producers write a 0x prefix. */
static int hex(const struct ds_jnode *doc, const char *key, struct ds_buf *ret, struct ds_err *err)
{
	struct ds_span s;
	int r;

	DS_TRY(text(doc, key, &s, err));
	if (s.n >= 2 && s.p[0] == '0' && s.p[1] == 'x')
		s = DS_SPAN(s.p + 2, s.n - 2);
	r = ds_hex_decode_buf((const char *)s.p, s.n, DS_MAX_COLLATERAL, ret);
	return r == -ENOMEM ? r : r ? bad(err, key, "not hex") : 0;
}

static int fields(struct ds_collateral *c, struct ds_err *err)
{
	const struct ds_jnode *doc = c->doc.root;
	struct ds_span ignored;

	DS_TRY(text(doc, "pck_crl_issuer_chain", &ignored, err)); /* the quote's CA is used */
	DS_TRY(hex(doc, "root_ca_crl", &c->root_crl, err));
	DS_TRY(hex(doc, "pck_crl", &c->pck_crl, err));
	DS_TRY(text(doc, "tcb_info_issuer_chain", &c->tcb_chain, err));
	DS_TRY(text(doc, "tcb_info", &c->tcb_info, err));
	DS_TRY(hex(doc, "tcb_info_signature", &c->tcb_sig, err));
	DS_TRY(text(doc, "qe_identity_issuer_chain", &c->qe_chain, err));
	DS_TRY(text(doc, "qe_identity", &c->qe_identity, err));
	return hex(doc, "qe_identity_signature", &c->qe_sig, err);
}

int ds_collateral_parse(struct ds_span in, struct ds_collateral *ret, struct ds_err *err)
{
	struct ds_collateral c = { 0 };
	int r;

	if (in.n > DS_MAX_COLLATERAL)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "size: expected at most %u, got %zu",
				  DS_MAX_COLLATERAL, in.n);
	DS_TRY(ds_jdoc_parse(in, true, &c.doc, err)); /* chains may end with a NUL */
	r = ds_jis(c.doc.root, DS_JOBJECT)
		    ? fields(&c, err)
		    : ds_err_set(err, -EBADMSG, DOMAIN, 0, "not a JSON object");
	if (r) {
		ds_collateral_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void ds_collateral_done(struct ds_collateral *col)
{
	ds_jdoc_done(&col->doc);
	ds_buf_done(&col->root_crl);
	ds_buf_done(&col->pck_crl);
	ds_buf_done(&col->tcb_sig);
	ds_buf_done(&col->qe_sig);
}
