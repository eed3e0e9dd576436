// SPDX-License-Identifier: Apache-2.0
/* Issuing and reading certificates. */
#include "fixture_test.h"

#include <ds/base/limits.h>
#include <ds/base/rd.h>

/* Two certificates as another library encodes them, without the signature: every field and the
 * order of extensions. */
#define LEAF_TBS                                                                                   \
	"308201d0a0030201020214318b86ce1389e46de87aa4a5131ce83c1160fa33300a06082a8648ce3d"         \
	"0403023029310f300d060355040a0c0644737461636b3116301406035504030c0d44737461636b20"         \
	"4170702043413020170d3735303130313030303030305a180f32303535303630313132303030355a"         \
	"30163114301206035504030c0b6170702e6578616d706c653059301306072a8648ce3d020106082a"         \
	"8648ce3d0301070342000460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60"         \
	"f29fb67903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299a381e63081"         \
	"e330390603551d11043230308209612e6578616d706c6587040a00020f8710000000000000000000"         \
	"00000000000001820b2a2e622e6578616d706c65300e0603551d0f0101ff040403020780301d0603"         \
	"551d250416301406082b0601050507030106082b060105050703023024060a2b0601040183e73d01"         \
	"030416041411111111111111111111111111111111111111113018060a2b0601040183e73d010904"         \
	"0a040861707020696e666f301a060a2b0601040183e73d0104040c040a6170703a637573746f6d30"         \
	"1b060a2b0601040183e73d0108040d040b6174746573746174696f6e"
#define CA_TBS                                                                                     \
	"3082013fa00302010202146078317e8a0f260d06534a3d2a4d0fa135a75721300a06082a8648ce3d"         \
	"0403023029310f300d060355040a0c0644737461636b3116301406035504030c0d44737461636b20"         \
	"417070204341301e170d3735303130313030303030305a170d3439313233313233353935395a3029"         \
	"310f300d060355040a0c0644737461636b3116301406035504030c0d44737461636b204170702043"         \
	"413059301306072a8648ce3d020106082a8648ce3d0301070342000491f50522407ce29dce3ed7d3"         \
	"1a15d80c1c42f13a23552d2b33a0ce09ee11e47bce95936f3e7f80d195f879e28e1b144ef37ac9ab"         \
	"8e36a690cbf930b775897b27a3453043300e0603551d0f0101ff040403020186301d0603551d0e04"         \
	"1604145df9d433e05d122dc5d6b8afa7d0ca808318234830120603551d130101ff040830060101ff"         \
	"020101"
#define LEAF_KEY "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define CA_KEY	 "f57527cea4ab7ffb49af99b158cdc0e3ec06398f528349ea236b7d2afe19cec1"

/* Outer SEQUENCE with a two-byte length, then the signed part. */
static void assert_tbs(const struct ds_buf *der, const char *want)
{
	assert_true(der->n > 4 + strlen(want) / 2);
	assert_int_equal(der->p[1], 0x82);
	assert_hex(der->p + 4, strlen(want) / 2, want);
}

static const char *const names[] = { "a.example", "10.0.2.15", "::1", "*.b.example" };

static void bytes_of_ca_and_leaf(void **state)
{
	DS_P256 struct ds_p256 *leaf_key = NULL, *ca_key = NULL;
	DS_BUF struct ds_buf ca = DS_BUF_NULL, leaf = DS_BUF_NULL;
	uint8_t leaf_spki[DS_P256_SPKI_SIZE], ca_spki[DS_P256_SPKI_SIZE];
	struct ds_err err = DS_ERR_NULL;
	struct ds_cert_spec spec = { .subject = "Dstack App CA",
				     .org = "Dstack",
				     .is_ca = true,
				     .pathlen = 1,
				     .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				     .not_after = 2524607999 };

	assert_int_equal(ds_p256_from_scalar(hex(LEAF_KEY).p, &leaf_key), 0);
	assert_int_equal(ds_p256_from_scalar(hex(CA_KEY).p, &ca_key), 0);
	assert_int_equal(ds_p256_spki(leaf_key, leaf_spki), 0);
	assert_int_equal(ds_p256_spki(ca_key, ca_spki), 0);
	spec.spki = DS_SPAN_ARRAY(ca_spki);
	assert_int_equal(ds_cert_issue(&spec, ca_key, DS_SPAN_NULL, &ca, &err), 0);
	assert_tbs(&ca, CA_TBS);
	spec = (struct ds_cert_spec){ .subject = "app.example",
				      .alt_names = names,
				      .n_alt_names = 4,
				      .server_auth = true,
				      .client_auth = true,
				      .not_before = DS_CERT_DEFAULT_NOT_BEFORE,
				      .not_after = 2695464005,
				      .app_id = hex("1111111111111111111111111111111111111111"),
				      .app_info = DS_SPAN_LIT("app info"),
				      .usage = DS_USAGE_APP_CUSTOM,
				      .attestation = DS_SPAN_LIT("attestation"),
				      .spki = DS_SPAN_ARRAY(leaf_spki) };
	assert_int_equal(ds_cert_issue(&spec, ca_key, ds_buf_span(&ca), &leaf, &err), 0);
	assert_tbs(&leaf, LEAF_TBS);
}

static void reading_what_was_issued(void **state)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL, root_info = DS_CERT_INFO_NULL;
	DS_CLEANUP(party_done) struct party ca, leaf;
	struct ds_err err = DS_ERR_NULL;
	struct ds_cert_spec spec;
	uint8_t big[70000];

	memset(big, 0xa5, sizeof(big));
	party_new(&ca, "root", true, -1, NULL);
	party_key(&leaf);
	spec = spec_for(&leaf, "", false, 0);
	spec.alt_names = names;
	spec.n_alt_names = 4;
	spec.client_auth = true;
	spec.app_id = hex("1111111111111111111111111111111111111112");
	spec.usage = DS_USAGE_KMS_RPC;
	spec.attestation = DS_SPAN_ARRAY(big);
	spec.app_info = DS_SPAN(big, 100);
	assert_int_equal(ds_cert_issue(&spec, ca.key, ds_buf_span(&ca.cert), &leaf.cert, &err), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&leaf.cert), &info, &err), 0);
	assert_true(ds_span_eq(ds_buf_span(&info.spki), DS_SPAN_ARRAY(leaf.spki)));
	assert_true(info.is_p256);
	assert_string_equal(info.cn, "");
	assert_string_equal(info.org, "");
	assert_int_equal(info.n_alt_names, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(info.alt_names[i], names[i]);
	assert_false(info.is_ca);
	assert_true(info.has_eku && info.client_auth && !info.server_auth);
	assert_string_equal(info.usage, "kms:rpc");
	assert_true(info.has_app_id);
	assert_hex(info.app_id, 20, "1111111111111111111111111111111111111112");
	assert_true(ds_span_eq(ds_buf_span(&info.attestation), DS_SPAN_ARRAY(big)));
	assert_int_equal(info.app_info.n, 100);
	assert_int_equal(info.quote.n + info.event_log.n, 0);
	assert_true(info.not_before == T0 - 1000 && info.not_after == T0 + 1000);

	assert_int_equal(ds_cert_parse(ds_buf_span(&ca.cert), &root_info, &err), 0);
	assert_true(root_info.is_ca && !root_info.has_eku && !root_info.has_app_id);
	assert_string_equal(root_info.cn, "root");
	assert_string_equal(root_info.usage, "");
}

static void issue_refusals(void **state)
{
	static const char *const bad_names[] = { "", "a b", "caf\xc3\xa9", "a\n" };
	DS_CLEANUP(party_done) struct party ca, leaf, other;
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct ds_cert_spec good, s;
	char long_name[257];
	uint8_t p384[91] = { 0 };

	party_new(&ca, "root", true, -1, NULL);
	party_new(&leaf, "leaf", false, 0, &ca);
	party_key(&other);
	good = spec_for(&other, "x", false, 0);
	memset(long_name, 'n', 256);
	long_name[256] = '\0';
#define REFUSED(code, change)                                                                      \
	do {                                                                                       \
		s = good;                                                                          \
		change;                                                                            \
		assert_int_equal(ds_cert_issue(&s, ca.key, ds_buf_span(&ca.cert), &out, &err),     \
				 code);                                                            \
		assert_int_equal(out.n, 0);                                                        \
	} while (0)
	REFUSED(-EINVAL, s.not_after = s.not_before);
	REFUSED(-EINVAL, s.not_before = -1);
	REFUSED(-EINVAL, s.not_after = INT64_C(253402300800));
	REFUSED(-EINVAL, s.subject = long_name);
	REFUSED(-EINVAL, s.org = "");
	REFUSED(-EINVAL, s.n_alt_names = 65);
	REFUSED(-EINVAL, (s.is_ca = true, s.server_auth = true));
	REFUSED(-EINVAL, s.app_id = DS_SPAN(leaf.spki, 19));
	REFUSED(-EINVAL, s.usage = "");
	REFUSED(-EINVAL, s.usage = "kms rpc");
	REFUSED(-EINVAL, s.subject = "\xff");
	REFUSED(-EINVAL, s.org = "\xc0\x80");
	REFUSED(-EINVAL, s.spki = DS_SPAN(leaf.spki, 90));
	REFUSED(-EINVAL, s.spki = DS_SPAN_ARRAY(p384));
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad_names); i++)
		REFUSED(-EINVAL, (s.alt_names = &bad_names[i], s.n_alt_names = 1));
	/* a point that is not on the curve */
	leaf.spki[90] ^= 1;
	REFUSED(-EINVAL, s.spki = DS_SPAN_ARRAY(leaf.spki));
#undef REFUSED
	/* an issuer that is no CA, or whose certificate is of another key; self-signed with another
	 * key */
	assert_int_equal(ds_cert_issue(&good, leaf.key, ds_buf_span(&leaf.cert), &out, &err),
			 -EINVAL);
	assert_int_equal(ds_cert_issue(&good, leaf.key, ds_buf_span(&ca.cert), &out, &err),
			 -EKEYREJECTED);
	assert_int_equal(ds_cert_issue(&good, ca.key, DS_SPAN_NULL, &out, &err), -EKEYREJECTED);
	assert_int_equal(out.n, 0);
	assert_int_equal(ds_cert_issue(&good, ca.key, ds_buf_span(&ca.cert), &out, &err), 0);
}

struct remote {
	const struct ds_p256 *key;
	int fail;
};

static int remote_sign(void *arg, const uint8_t digest[32], struct ds_buf *ret_sig)
{
	struct remote *r = arg;

	if (!r->key)
		return r->fail;
	return ds_p256_sign_digest(r->key, digest, ret_sig);
}

/* The issuer's key is elsewhere: the same bytes, and a signature of another key does not get out.
 */
static void issued_by_another_process(void **state)
{
	DS_BUF struct ds_buf local = DS_BUF_NULL, remote = DS_BUF_NULL, none = DS_BUF_NULL;
	DS_CLEANUP(party_done) struct party ca, leaf, other;
	struct ds_err err = DS_ERR_NULL;
	struct ds_cert_spec spec;
	struct ds_span chain;
	struct remote r;
	size_t tbs;

	party_new(&ca, "root", true, -1, NULL);
	party_key(&leaf);
	party_new(&other, "other", false, 0, &ca);
	spec = spec_for(&leaf, "leaf", false, 0);
	spec.usage = DS_USAGE_APP_CUSTOM;
	r = (struct remote){ ca.key, 0 };
	assert_int_equal(ds_cert_issue(&spec, ca.key, ds_buf_span(&ca.cert), &local, &err), 0);
	assert_int_equal(
		ds_cert_issue_by(&spec, ds_buf_span(&ca.cert), remote_sign, &r, &remote, &err), 0);
	chain = ds_buf_span(&remote);
	assert_int_equal(ds_cert_verify_chain(&chain, 1, ds_buf_span(&ca.cert), T0, &err), 0);
	/* the outer SEQUENCE has two length bytes, the signed part one */
	assert_int_equal(local.p[1] << 8 | local.p[5], 0x8281);
	tbs = 3u + local.p[6];
	assert_memory_equal(local.p + 4, remote.p + 4, tbs);

	r.key = other.key;
	assert_int_equal(
		ds_cert_issue_by(&spec, ds_buf_span(&ca.cert), remote_sign, &r, &none, &err),
		-EKEYREJECTED);
	r = (struct remote){ NULL, -EPIPE };
	assert_int_equal(
		ds_cert_issue_by(&spec, ds_buf_span(&ca.cert), remote_sign, &r, &none, &err),
		-EPIPE);
	/* it says success and gives nothing */
	r.fail = 0;
	assert_int_equal(
		ds_cert_issue_by(&spec, ds_buf_span(&ca.cert), remote_sign, &r, &none, &err),
		-EKEYREJECTED);
	r.key = other.key;
	assert_int_equal(
		ds_cert_issue_by(&spec, ds_buf_span(&other.cert), remote_sign, &r, &none, &err),
		-EINVAL);
	assert_int_equal(none.n, 0);
}

static void cut_and_extended(void **state)
{
	DS_CLEANUP(party_done) struct party ca;
	struct ds_cert_info none = DS_CERT_INFO_NULL;
	struct ds_err err = DS_ERR_NULL;

	party_new(&ca, "root", true, -1, NULL);
	for (size_t n = 0; n < ca.cert.n; n++)
		assert_int_equal(ds_cert_parse(DS_SPAN(ca.cert.p, n), &none, &err), -EBADMSG);
	assert_int_equal(ds_buf_add_u8(&ca.cert, 0), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&ca.cert), &none, &err), -EBADMSG);
	assert_string_equal(err.msg, "bytes after the certificate");
	/* more than any certificate may have */
	assert_int_equal(
		ds_buf_add_zero(&ca.cert, DS_MAX_ATTESTATION + (64u << 10) + 1 - ca.cert.n), 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&ca.cert), &none, &err), -EFBIG);
}

#define OID "1.3.6.1.4.1.62397.1."

static void malformed_extensions(void **state)
{
	static const uint8_t id20[22] = { 4, 20 }, id19[21] = { 4, 19 }, id21[23] = { 4, 21 };
	static const struct {
		struct raw_ext ext[2];
		size_t n;
		int want;
	} rows[] = {
		{ { { OID "3", DS_SPAN_ARRAY(id20), false } }, 1, 0 },
		{ { { OID "3", DS_SPAN_ARRAY(id20), false },
		    { OID "4", { (const uint8_t *)"\x04\x01u", 3 }, false } },
		  2,
		  0 },
		{ { { OID "3", DS_SPAN_ARRAY(id19), false } }, 1, -EBADMSG },
		{ { { OID "3", DS_SPAN_ARRAY(id21), false } }, 1, -EFBIG },
		/* twice */
		{ { { OID "3", DS_SPAN_ARRAY(id20), false },
		    { OID "3", DS_SPAN_ARRAY(id20), false } },
		  2,
		  -EBADMSG },
		{ { { OID "8", { (const uint8_t *)"\x04\x01u", 3 }, false },
		    { OID "8", { (const uint8_t *)"\x04\x01u", 3 }, false } },
		  2,
		  -EBADMSG },
		/* not wrapped, wrapped in something else, empty, bytes behind, cut */
		{ { { OID "8", { (const uint8_t *)"raw", 3 }, false } }, 1, -EBADMSG },
		{ { { OID "8", { (const uint8_t *)"\x0c\x01u", 3 }, false } }, 1, -EBADMSG },
		{ { { OID "8", { (const uint8_t *)"\x04\x00", 2 }, false } }, 1, -EBADMSG },
		{ { { OID "8", { (const uint8_t *)"\x04\x01uu", 4 }, false } }, 1, -EBADMSG },
		{ { { OID "8", { (const uint8_t *)"\x04\x02u", 3 }, false } }, 1, -EBADMSG },
		/* a usage with a blank, with NUL */
		{ { { OID "4", { (const uint8_t *)"\x04\x03u v", 5 }, false } }, 1, -EBADMSG },
		{ { { OID "4", { (const uint8_t *)"\x04\x03u\0v", 5 }, false } }, 1, -EBADMSG },
		{ { { OID "4", { (const uint8_t *)"\x04\x01\x7f", 3 }, false } }, 1, -EBADMSG },
		/* extended key usage that is no SEQUENCE */
		{ { { "2.5.29.37", { (const uint8_t *)"\x04\x00", 2 }, false } }, 1, -EBADMSG },
		/* subjectAltName twice, malformed, an address of 5 bytes, an empty name, NUL inside
		 */
		{ { { "2.5.29.17", { (const uint8_t *)"\x30\x03\x82\x01z", 5 }, false } }, 1, 0 },
		{ { { "2.5.29.17", { (const uint8_t *)"\x30\x03\x82\x01z", 5 }, false },
		    { "2.5.29.17", { (const uint8_t *)"\x30\x03\x82\x01z", 5 }, false } },
		  2,
		  -EBADMSG },
		{ { { "2.5.29.17", { (const uint8_t *)"\x30\x03\x82\x02z", 5 }, false } },
		  1,
		  -EBADMSG },
		{ { { "2.5.29.17", { (const uint8_t *)"\x30\x07\x87\x05\1\2\3\4\5", 9 }, false } },
		  1,
		  -EBADMSG },
		{ { { "2.5.29.17", { (const uint8_t *)"\x30\x02\x82\x00", 4 }, false } },
		  1,
		  -EBADMSG },
		{ { { "2.5.29.17", { (const uint8_t *)"\x30\x05\x82\x03z\0z", 7 }, false } },
		  1,
		  -EBADMSG },
		/* basicConstraints that is no SEQUENCE */
		{ { { "2.5.29.19", { (const uint8_t *)"\x04\x00", 2 }, true } }, 1, -EBADMSG },
	};
	DS_CLEANUP(party_done) struct party p;

	party_key(&p);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
		DS_BUF struct ds_buf der = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;

		issue_raw(&der, "x", "x", &p, &p, rows[i].ext, rows[i].n);
		assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), rows[i].want);
		if (rows[i].want)
			assert_null(info.spki.p);
	}
}

/* What is there and does not count: a kind of name that we do not know, a CA flag that is false. */
static void neither_name_nor_ca(void **state)
{
	static const struct raw_ext ext[] = {
		{ "2.5.29.17", { (const uint8_t *)"\x30\x06\x81\x01m\x82\x01z", 8 }, false },
		{ "2.5.29.19", { (const uint8_t *)"\x30\x00", 2 }, true },
	};
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_CLEANUP(party_done) struct party p;
	DS_BUF struct ds_buf der = DS_BUF_NULL;

	party_key(&p);
	issue_raw(&der, "x", "x", &p, &p, ext, 2);
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, NULL), 0);
	assert_int_equal(info.n_alt_names, 1);
	assert_string_equal(info.alt_names[0], "z");
	assert_false(info.is_ca);
}

/* Bytes of a certificate changed where OpenSSL does not look when it reads. */
static void changed_bytes(void **state)
{
	static const struct {
		const char *find;
		size_t n, at;
		uint8_t value;
		int want;
		bool p256;
	} rows[] = {
		{ "\x17\x0d", 2, 1, 0x0d, 0, true }, /* as it is */
		{ "\x17\x0d"
		  "231114",
		  8, 2, 'x', -EBADMSG, false },				     /* from */
		{ "\x30\x1e\x17\x0d", 4, 4 + 13 + 2, 'x', -EBADMSG, false }, /* to */
		{ "\x03\x42\x00\x04", 4, 3, 0x05, 0, false },		    /* no form of a point */
		{ "\x55\x04\x03\x0c\x03nam", 8, 3, 0x1e, -EBADMSG, false }, /* half a letter */
	};
	DS_CLEANUP(party_done) struct party p;

	party_key(&p);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
		DS_BUF struct ds_buf der = DS_BUF_NULL;
		uint8_t *at;

		issue_raw(&der, "nam", "x", &p, &p, NULL, 0);
		at = memmem(der.p, der.n, rows[i].find, rows[i].n);
		assert_non_null(at);
		at[rows[i].at] = rows[i].value;
		if (ds_cert_parse(ds_buf_span(&der), &info, NULL) != rows[i].want ||
		    info.is_p256 != rows[i].p256)
			fail_msg("row %zu", i);
	}
}

/* Points that are no key of ours: written in the hybrid form, and off the curve. */
static void other_points(void **state)
{
	DS_CLEANUP(party_done) struct party p;

	party_key(&p);
	for (int off = 0; off < 2; off++) {
		DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
		DS_BUF struct ds_buf der = DS_BUF_NULL;
		uint8_t *at;

		issue_raw(&der, "x", "x", &p, &p, NULL, 0);
		at = memmem(der.p, der.n, p.spki + 26, 65);
		assert_non_null(at);
		if (off)
			at[64] ^= 1;
		else
			at[0] = (uint8_t)(6 | (at[64] & 1));
		assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, NULL), 0);
		assert_false(info.is_p256);
	}
}

/* Names that are too long, too many, or that end early for a C program. */
static void names_are_bounded(void **state)
{
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_BUF struct ds_buf der = DS_BUF_NULL, sans = DS_BUF_NULL;
	struct raw_ext ext = { "2.5.29.17", DS_SPAN_NULL, false };
	DS_CLEANUP(party_done) struct party p;
	struct ds_err err = DS_ERR_NULL;
	char cn[257];

	party_key(&p);
	memset(cn, 'n', sizeof(cn));
	cn[256] = '\0';
	issue_raw(&der, cn, "x", &p, &p, NULL, 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), -EBADMSG);
	cn[255] = '\0';
	der.n = 0;
	issue_raw(&der, cn, "x", &p, &p, NULL, 0);
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), 0);
	assert_int_equal(strlen(info.cn), 255);
	ds_cert_info_done(&info);
	/* an organization of 256 letters */
	cn[255] = 'n';
	der.n = 0;
	issue_raw(&der, cn, "x", &p, &p, NULL, 0);
	((uint8_t *)memmem(der.p, der.n, "\x55\x04\x03\x0c\x82", 5))[2] = 0x0a;
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), -EBADMSG);
	/* an alternative name of 253 letters, and of 254 */
	for (unsigned int n = 253; n < 255; n++) {
		sans.n = 0;
		der.n = 0;
		assert_int_equal(ds_buf_add(&sans,
					    (uint8_t[]){ 0x30, 0x82, 0x01, (uint8_t)(n + 3 - 256),
							 0x82, 0x81, (uint8_t)n },
					    7),
				 0);
		assert_int_equal(ds_buf_add(&sans, cn, n), 0);
		ext.value = ds_buf_span(&sans);
		issue_raw(&der, "x", "x", &p, &p, &ext, 1);
		assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err),
				 n == 253 ? 0 : -EBADMSG);
		ds_cert_info_done(&info);
	}
	/* a NUL in the middle; nobody checks the signature here */
	der.n = 0;
	issue_raw(&der, "good.example!evil", "x", &p, &p, NULL, 0);
	*(char *)memmem(der.p, der.n, "!", 1) = '\0';
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), -EBADMSG);
	/* 64 and 65 names of one letter */
	for (unsigned int n = 64; n < 66; n++) {
		sans.n = 0;
		der.n = 0;
		assert_int_equal(ds_buf_add(&sans, (uint8_t[]){ 0x30, 0x81, (uint8_t)(3 * n) }, 3),
				 0);
		for (unsigned int i = 0; i < n; i++)
			assert_int_equal(ds_buf_add_span(&sans, DS_SPAN_LIT("\x82\x01z")), 0);
		ext.value = ds_buf_span(&sans);
		issue_raw(&der, "x", "x", &p, &p, &ext, 1);
		assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err),
				 n == 64 ? 0 : -EBADMSG);
	}
}

/* Older releases: quote and log in .1 and .2. */
static void older_form(void **state)
{
	static const struct raw_ext ext[] = {
		{ OID "1", { (const uint8_t *)"\x04\x05quote", 7 }, false },
		{ OID "2", { (const uint8_t *)"\x04\x02[]", 4 }, false },
	};
	DS_CERT_INFO struct ds_cert_info info = DS_CERT_INFO_NULL;
	DS_CLEANUP(party_done) struct party p;
	DS_BUF struct ds_buf der = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	party_key(&p);
	issue_raw(&der, "x", "x", &p, &p, ext, 2);
	assert_int_equal(ds_cert_parse(ds_buf_span(&der), &info, &err), 0);
	assert_int_equal(info.quote.n, 5);
	assert_int_equal(info.event_log.n, 2);
	assert_int_equal(info.attestation.n, 0);
}

/* spec/guest-api 6.1, row 28 */
static void ratls_report_data(void **state)
{
	uint8_t out[64], spki[DS_P256_SPKI_SIZE];

	ds_p256_spki_from_xy(hex("eae0e028e950f924c8981753232d9bf171e04706b17673d55649e81458358593"
				 "08456ec98d66006f076cf7c65970b61de1e5f619480c3a911a700234360d2857")
				     .p,
			     spki);
	assert_int_equal(ds_ratls_report_data(DS_SPAN_ARRAY(spki), out), 0);
	assert_hex(out, 64,
		   "ef6f24a35a41609d2dc6d314306fd31e72fd2b79fec1ca291e18904581442b8e"
		   "58f6e9d2d3fa35b238ead6074040bccc1031ddd2532730a0e2959d05e2507b29");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_ca_and_leaf), cmocka_unit_test(reading_what_was_issued),
		cmocka_unit_test(issue_refusals),	cmocka_unit_test(issued_by_another_process),
		cmocka_unit_test(cut_and_extended),	cmocka_unit_test(malformed_extensions),
		cmocka_unit_test(neither_name_nor_ca),	cmocka_unit_test(changed_bytes),
		cmocka_unit_test(other_points),		cmocka_unit_test(names_are_bounded),
		cmocka_unit_test(older_form),		cmocka_unit_test(ratls_report_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
