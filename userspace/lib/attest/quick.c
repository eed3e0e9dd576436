// SPDX-License-Identifier: Apache-2.0
/*
 * The checks of certificates and lists for material in exactly Intel's form (ds/wire/intelcert.h):
 * OpenSSL needs 0.1 ms to read a certificate's key, more than for a signature under it. All of it
 * is proven or nothing, and what is proven here is what pckchain.c, crl.c, signer.c and
 * ds_check_path() would have found good, with the same signatures verified, once each. Nothing is
 * refused here: material that is bad or has another form is left to those, which say why.
 */
#include <ds/base/limits.h>
#include <ds/crypto/p256.h>
#include <ds/crypto/pem.h>
#include <ds/wire/intelcert.h>

#include "priv.h"

enum { LEAF, CA, ROOT };

struct signer {
	struct ds_dates dates;
	struct ds_p256_pub *key;
};

struct quick {
	struct ds_buf der; /* what pck points into */
	struct ds_icert pck[DS_PCK_CHAIN_LEN];
	struct ds_p256_pub *key[DS_PCK_CHAIN_LEN];
	struct ds_icrl root_crl, pck_crl;
	struct ds_pck_ext ext;
	struct signer tcb_signer, qe_signer;
};

static void quick_done(struct quick *q)
{
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		ds_p256_pub_free(q->key[i]);
	ds_p256_pub_free(q->tcb_signer.key);
	ds_p256_pub_free(q->qe_signer.key);
	ds_buf_done(&q->der);
}

/* Exactly n certificates; der holds their bytes. ret_root gets those of the last. */
static bool read_chain(struct ds_span pem, struct ds_buf *der, struct ds_icert *ret, size_t n,
		       struct ds_span *ret_root)
{
	struct ds_span label, body;
	struct ds_rd rd;
	size_t len, at = 0;

	pem = ds_pem_trim(pem);
	if (pem.n > DS_MAX_CERT_PEM || ds_buf_reserve(der, pem.n))
		return false;
	rd = ds_rd_init(pem);
	for (size_t i = 0; i < n; i++) {
		if (ds_pem_next(&rd, &label, &body) ||
		    !ds_span_eq(label, DS_SPAN_LIT("CERTIFICATE")) ||
		    ds_pem_decode(body, der->p + at, der->cap - at, &len))
			return false;
		*ret_root = DS_SPAN(der->p + at, len);
		if (ds_icert_parse(*ret_root, &ret[i]))
			return false;
		at += len;
	}
	return !ds_rd_left(&rd);
}

static bool is_issued(const struct ds_icert *c, const struct ds_icert *issuer)
{
	return ds_span_eq(c->issuer, issuer->subject) && ds_span_eq(c->aki, issuer->ski);
}

static bool is_ca(const struct ds_icert *c)
{
	return c->ca && c->usage & DS_ICERT_CERT_SIGN && c->usage & DS_ICERT_CRL_SIGN;
}

static bool is_end(const struct ds_icert *c)
{
	return !c->ca && !(c->usage & DS_ICERT_CERT_SIGN);
}

static bool cn_is(const struct ds_icert *c, const char *cn)
{
	return ds_span_eq(c->cn, DS_SPAN_STR(cn));
}

static bool read_pck(struct ds_judge *j, struct quick *q)
{
	const struct ds_icert *leaf = &q->pck[LEAF], *ca = &q->pck[CA], *root = &q->pck[ROOT];
	struct ds_span root_der;

	return j->q.cert_type == DS_QUOTE_CERT_PCK_CHAIN &&
	       read_chain(j->q.cert_data, &q->der, q->pck, DS_PCK_CHAIN_LEN, &root_der) &&
	       ds_is_root(j, root_der) && cn_is(leaf, DS_CN_PCK) &&
	       (cn_is(ca, DS_CN_PLATFORM) || cn_is(ca, DS_CN_PROCESSOR)) &&
	       cn_is(root, DS_CN_ROOT) && is_issued(leaf, ca) && is_issued(ca, root) &&
	       is_issued(root, root) && is_end(leaf) && is_ca(ca) && ca->pathlen == 0 &&
	       is_ca(root) && root->pathlen; /* room for the CA, or no limit */
}

static bool read_ext(struct quick *q)
{
	struct ds_span sgx = q->pck[LEAF].sgx;

	return sgx.n && !ds_pck_ext_parse(sgx, &q->ext, NULL) &&
	       q->ext.platform == cn_is(&q->pck[CA], DS_CN_PLATFORM) && !q->pck[CA].sgx.n &&
	       !q->pck[ROOT].sgx.n;
}

/* Lists of the two CAs, and nobody of the chain in them. */
static bool read_lists(struct ds_judge *j, struct quick *q)
{
	const struct ds_collateral *col = &j->docs->col;
	const struct ds_icert *leaf = &q->pck[LEAF], *ca = &q->pck[CA], *root = &q->pck[ROOT];

	return !ds_icrl_parse(ds_buf_span(&col->root_crl), &q->root_crl) &&
	       !ds_icrl_parse(ds_buf_span(&col->pck_crl), &q->pck_crl) &&
	       ds_span_eq(q->root_crl.issuer, root->subject) &&
	       ds_span_eq(q->root_crl.aki, root->ski) &&
	       ds_span_eq(q->pck_crl.issuer, ca->subject) && ds_span_eq(q->pck_crl.aki, ca->ski) &&
	       !ds_icrl_lists(&q->root_crl, root->serial) &&
	       !ds_icrl_lists(&q->root_crl, ca->serial) &&
	       !ds_icrl_lists(&q->pck_crl, leaf->serial);
}

static bool keys(struct quick *q)
{
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		if (ds_p256_pub_new(q->pck[i].xy, &q->key[i]))
			return false;
	return true;
}

static bool is_signed(struct ds_span tbs, struct ds_span sig, const struct ds_p256_pub *key)
{
	return !ds_p256_pub_verify_der(key, tbs, sig);
}

/* Root, and so the keys and dates of it, are those of the chain in the quote. */
static bool prove_signer(struct ds_judge *j, const struct quick *q, struct ds_span pem,
			 struct signer *ret)
{
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	struct ds_icert c[DS_SIGNER_CHAIN_LEN];
	struct ds_span root;

	if (!read_chain(pem, &der, c, DS_SIGNER_CHAIN_LEN, &root) || !ds_is_root(j, root) ||
	    !cn_is(&c[0], DS_CN_SIGNER) || !is_issued(&c[0], &q->pck[ROOT]) || !is_end(&c[0]) ||
	    c[0].sgx.n || ds_icrl_lists(&q->root_crl, c[0].serial) ||
	    !is_signed(c[0].tbs, c[0].sig, q->key[ROOT]) || ds_p256_pub_new(c[0].xy, &ret->key))
		return false;
	ret->dates = (struct ds_dates){ c[0].from, c[0].to };
	return true;
}

static bool prove_docs(struct ds_judge *j, struct quick *q)
{
	const struct ds_collateral *col = &j->docs->col;

	return is_signed(q->root_crl.tbs, q->root_crl.sig, q->key[ROOT]) &&
	       prove_signer(j, q, col->tcb_chain, &q->tcb_signer) &&
	       (ds_span_eq(col->qe_chain, col->tcb_chain) ||
		prove_signer(j, q, col->qe_chain, &q->qe_signer));
}

/* Cheap things first. */
static bool prove(struct ds_judge *j, struct ds_span collateral, struct quick *q)
{
	struct ds_docs *d = j->docs;

	if (!read_pck(j, q) || !read_ext(q) ||
	    (!d->col.doc.root && ds_collateral_parse(collateral, &d->col, NULL)) ||
	    !read_lists(j, q) || !keys(q))
		return false;
	return is_signed(q->pck[CA].tbs, q->pck[CA].sig, q->key[ROOT]) &&
	       is_signed(q->pck[LEAF].tbs, q->pck[LEAF].sig, q->key[CA]) &&
	       is_signed(q->pck_crl.tbs, q->pck_crl.sig, q->key[CA]) &&
	       (d->shared || prove_docs(j, q));
}

static void keep_platform(struct ds_platform *p, struct quick *q)
{
	for (size_t i = 0; i < DS_PCK_CHAIN_LEN; i++)
		p->pck[i].dates = (struct ds_dates){ q->pck[i].from, q->pck[i].to };
	p->processor = !q->ext.platform;
	p->key = q->key[LEAF];
	q->key[LEAF] = NULL;
	p->pck_crl.what = DS_PCK_CRL;
	p->pck_crl.dates = (struct ds_dates){ q->pck_crl.from, q->pck_crl.to };
	p->ext = q->ext;
	p->chain_ok = p->pck_crl.ok = p->revocation_ok = p->ext_ok = true;
}

static void keep_signer(struct ds_signer *s, struct signer *from, struct ds_dates root)
{
	s->cert[0].dates = from->dates;
	s->cert[1].dates = root;
	s->key = from->key;
	s->chain_ok = s->path_ok = from->key != NULL;
	from->key = NULL;
}

static void keep_docs(struct ds_docs *d, struct quick *q)
{
	struct ds_dates root = { q->pck[ROOT].from, q->pck[ROOT].to };

	d->root_crl.what = DS_ROOT_CRL;
	d->root_crl.dates = (struct ds_dates){ q->root_crl.from, q->root_crl.to };
	d->root_crl.ok = true;
	keep_signer(&d->tcb_signer, &q->tcb_signer, root);
	keep_signer(&d->qe_signer, &q->qe_signer, root);
}

bool ds_prove_quickly(struct ds_judge *j, struct ds_span collateral)
{
	struct quick q = { 0 };
	bool ok = prove(j, collateral, &q);

	if (ok) {
		keep_platform(j->plat, &q);
		if (!j->docs->shared)
			keep_docs(j->docs, &q);
	}
	quick_done(&q);
	return ok;
}
