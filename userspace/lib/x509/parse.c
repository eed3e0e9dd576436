// SPDX-License-Identifier: Apache-2.0
/* Reading certificates, see ds/x509/cert.h. */
#include <ds/x509/cert.h>

#include <arpa/inet.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include <ds/base/limits.h>
#include <ds/crypto/ossl.h>

#include "internal.h"

#define DOMAIN	     "cert"
#define MAX_SANS     64
#define MAX_DER	     (DS_MAX_ATTESTATION + (64u << 10))
#define MAX_APP_INFO (64u << 10)

static int bad(struct ds_err *err, const char *what)
{
	return ds_ossl_err(err, -EBADMSG, DOMAIN, what);
}

int ds_x509_from_der(struct ds_span der, X509 **ret, struct ds_err *err)
{
	const unsigned char *p = der.p;
	X509 *x;

	if (der.n > MAX_DER)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "certificate of %zu bytes, at most %u",
				  der.n, MAX_DER);
	x = der.n ? d2i_X509(NULL, &p, (long)der.n) : NULL;
	if (!x)
		return bad(err, "certificate: not DER of an X.509 certificate");
	if (p != der.p + der.n) {
		X509_free(x);
		return ds_err_set(err, -EBADMSG, DOMAIN, (size_t)(p - der.p),
				  "bytes after the certificate");
	}
	*ret = x;
	return 0;
}

int ds_x509_to_der(X509 *x, struct ds_buf *buf)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der), r;

	if (n <= 0)
		return ds_ossl_err(NULL, -ENOMEM, DOMAIN, "encode");
	r = ds_buf_add(buf, der, (size_t)n);
	OPENSSL_free(der);
	return r;
}

static int read_spki(X509 *x, struct ds_cert_info *info, struct ds_err *err)
{
	uint8_t same[DS_P256_SPKI_SIZE];
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &der), r;

	if (n <= 0)
		return bad(err, "public key");
	r = ds_buf_add(&info->spki, der, (size_t)n);
	OPENSSL_free(der);
	if (r)
		return r;
	if (n == DS_P256_SPKI_SIZE) {
		ds_p256_spki_from_xy(info->spki.p + n - DS_P256_XY_SIZE, same);
		info->is_p256 = !memcmp(same, info->spki.p, sizeof(same)) && X509_get0_pubkey(x);
	}
	return 0;
}

/* First entry of this kind as UTF-8; absent leaves "". */
static int read_name(X509 *x, int nid, char *ret, size_t cap, struct ds_err *err)
{
	X509_NAME *name = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(name, nid, -1), n;
	unsigned char *text = NULL;

	if (at < 0)
		return 0;
	n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n < 0)
		return bad(err, "subject");
	if ((size_t)n >= cap || memchr(text, 0, (size_t)n)) {
		OPENSSL_free(text);
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "subject: longer than %zu bytes or with NUL", cap - 1);
	}
	memcpy(ret, text, (size_t)n);
	ret[n] = '\0';
	OPENSSL_free(text);
	return 0;
}

static int read_time(const ASN1_TIME *t, int64_t *ret, struct ds_err *err)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return bad(err, "validity");
	*ret = timegm(&tm);
	return 0;
}

/* A standard extension, NULL when absent; twice or malformed is an error. */
static int get_ext(X509 *x, int nid, void **ret, struct ds_err *err)
{
	int crit = 0;

	*ret = X509_get_ext_d2i(x, nid, &crit, NULL);
	if (*ret || crit == -1)
		return 0;
	return bad(err, crit == -2 ? "an extension appears twice" : "malformed extension");
}

/* One alternative name as text; NULL with *ret_r 0: a kind we leave out. */
static char *alt_text(const GENERAL_NAME *gn, int *ret_r)
{
	const ASN1_STRING *s;
	char ip[INET6_ADDRSTRLEN];
	const uint8_t *p;
	size_t n;
	char *text;
	int type;

	*ret_r = 0;
	s = GENERAL_NAME_get0_value(gn, &type);
	if (type != GEN_DNS && type != GEN_IPADD)
		return NULL;
	p = ASN1_STRING_get0_data(s);
	n = (size_t)ASN1_STRING_length(s);
	*ret_r = -EBADMSG;
	if (type == GEN_IPADD) {
		if ((n != 4 && n != 16) ||
		    !inet_ntop(n == 4 ? AF_INET : AF_INET6, p, ip, sizeof(ip)))
			return NULL;
		text = strdup(ip);
	} else {
		if (!n || n > 253 || memchr(p, 0, n))
			return NULL;
		text = strndup((const char *)p, n);
	}
	*ret_r = text ? 0 : -ENOMEM;
	return text;
}

static int read_alt_names(X509 *x, struct ds_cert_info *info, struct ds_err *err)
{
	GENERAL_NAMES *names;
	void *ext;
	int n, r = 0;

	DS_TRY(get_ext(x, NID_subject_alt_name, &ext, err));
	names = ext;
	n = names ? sk_GENERAL_NAME_num(names) : 0;
	if (n > MAX_SANS)
		r = ds_err_set(err, -EBADMSG, DOMAIN, 0, "%d alternative names, at most %d", n,
			       MAX_SANS);
	if (!r && n > 0) {
		info->alt_names = calloc((size_t)n, sizeof(*info->alt_names));
		r = info->alt_names ? 0 : -ENOMEM;
	}
	for (int i = 0; !r && i < n; i++) {
		char *text = alt_text(sk_GENERAL_NAME_value(names, i), &r);

		if (text)
			info->alt_names[info->n_alt_names++] = text;
		else if (r == -EBADMSG)
			ds_err_set(err, r, DOMAIN, 0, "alternative name %d is malformed", i);
	}
	GENERAL_NAMES_free(names);
	return r;
}

static int read_ca_and_eku(X509 *x, struct ds_cert_info *info, struct ds_err *err)
{
	EXTENDED_KEY_USAGE *eku;
	BASIC_CONSTRAINTS *bc;
	void *ext;

	DS_TRY(get_ext(x, NID_basic_constraints, &ext, err));
	bc = ext;
	info->is_ca = bc && bc->ca;
	BASIC_CONSTRAINTS_free(bc);
	DS_TRY(get_ext(x, NID_ext_key_usage, &ext, err));
	eku = ext;
	info->has_eku = eku;
	for (int i = 0; eku && i < sk_ASN1_OBJECT_num(eku); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(eku, i));

		info->server_auth |= nid == NID_server_auth;
		info->client_auth |= nid == NID_client_auth;
	}
	EXTENDED_KEY_USAGE_free(eku);
	return 0;
}

/* Take one level of OCTET STRING off the extension's value. */
static int unwrap(X509_EXTENSION *ext, const char *oid, size_t max, struct ds_buf *ret,
		  struct ds_err *err)
{
	ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(ext), *inner;
	const unsigned char *p = ASN1_STRING_get0_data(value), *end;
	size_t n;
	int r;

	if (ret->n)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "extension %s appears twice", oid);
	end = p + ASN1_STRING_length(value);
	inner = d2i_ASN1_OCTET_STRING(NULL, &p, ASN1_STRING_length(value));
	n = inner ? (size_t)ASN1_STRING_length(inner) : 0;
	if (!inner || p != end || !n)
		r = ds_err_set(err, -EBADMSG, DOMAIN, 0,
			       "extension %s: not one OCTET STRING with content", oid);
	else if (n > max)
		r = ds_err_set(err, -EFBIG, DOMAIN, 0, "extension %s: %zu bytes, at most %zu", oid,
			       n, max);
	else
		r = ds_buf_add(ret, ASN1_STRING_get0_data(inner), n);
	if (r)
		(void)ds_ossl_err(NULL, 0, DOMAIN, oid);
	ASN1_OCTET_STRING_free(inner);
	return r;
}

struct custom {
	const char *oid;
	size_t max;
	struct ds_buf *ret;
};

static int read_custom(X509 *x, const struct custom *want, size_t n_want, struct ds_err *err)
{
	char oid[64];

	for (int i = 0; i < X509_get_ext_count(x); i++) {
		X509_EXTENSION *ext = X509_get_ext(x, i);

		if (OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(ext), 1) <= 0)
			return bad(err, "extension without a name");
		for (size_t k = 0; k < n_want; k++)
			if (!strcmp(oid, want[k].oid))
				DS_TRY(unwrap(ext, oid, want[k].max, want[k].ret, err));
	}
	return 0;
}

static int read_dstack(X509 *x, struct ds_cert_info *info, struct ds_err *err)
{
	DS_BUF struct ds_buf app_id = DS_BUF_NULL;
	DS_BUF struct ds_buf usage = DS_BUF_NULL;
	const struct custom want[] = {
		{ DS_OID_QUOTE, DS_MAX_QUOTE, &info->quote },
		{ DS_OID_EVENT_LOG, DS_MAX_EVENT_LOG, &info->event_log },
		{ DS_OID_APP_ID, sizeof(info->app_id), &app_id },
		{ DS_OID_USAGE, sizeof(info->usage) - 1, &usage },
		{ DS_OID_ATTESTATION, DS_MAX_ATTESTATION, &info->attestation },
		{ DS_OID_APP_INFO, MAX_APP_INFO, &info->app_info },
	};

	DS_TRY(read_custom(x, want, DS_ARRAY_SIZE(want), err));
	if (app_id.n && app_id.n != sizeof(info->app_id))
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "app_id of %zu bytes, expected 20",
				  app_id.n);
	info->has_app_id = app_id.n;
	if (app_id.n)
		memcpy(info->app_id, app_id.p, app_id.n);
	for (size_t i = 0; i < usage.n; i++)
		if (usage.p[i] <= 0x20 || usage.p[i] >= 0x7f)
			return ds_err_set(err, -EBADMSG, DOMAIN, i, "usage is not printable ASCII");
	if (usage.n)
		memcpy(info->usage, usage.p, usage.n);
	return 0;
}

static int read_all(X509 *x, struct ds_cert_info *info, struct ds_err *err)
{
	DS_TRY(read_spki(x, info, err));
	DS_TRY(read_name(x, NID_commonName, info->cn, sizeof(info->cn), err));
	DS_TRY(read_name(x, NID_organizationName, info->org, sizeof(info->org), err));
	DS_TRY(read_time(X509_get0_notBefore(x), &info->not_before, err));
	DS_TRY(read_time(X509_get0_notAfter(x), &info->not_after, err));
	DS_TRY(read_alt_names(x, info, err));
	DS_TRY(read_ca_and_eku(x, info, err));
	return read_dstack(x, info, err);
}

int ds_cert_parse(struct ds_span der, struct ds_cert_info *ret, struct ds_err *err)
{
	DS_X509 X509 *x = NULL;

	DS_TRY(ds_x509_from_der(der, &x, err));
	return ds_cert_parse_x509(x, ret, err);
}

int ds_cert_parse_x509(struct x509_st *x, struct ds_cert_info *ret, struct ds_err *err)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;

	DS_TRY(read_all(x, &info, err));
	*ret = info;
	info = DS_CERT_INFO_NULL;
	return 0;
}

void ds_cert_info_done(struct ds_cert_info *info)
{
	for (size_t i = 0; i < info->n_alt_names; i++)
		free(info->alt_names[i]);
	free(info->alt_names);
	ds_buf_done(&info->spki);
	ds_buf_done(&info->attestation);
	ds_buf_done(&info->app_info);
	ds_buf_done(&info->quote);
	ds_buf_done(&info->event_log);
	*info = DS_CERT_INFO_NULL;
}
