// SPDX-License-Identifier: Apache-2.0
/* The MessagePack form of the attestation blob. */
#include "../crypto/vec_test.h"

#include <ds/base/limits.h>
#include <ds/wire/attestation.h>
#include <ds/wire/msgpack.h>

static void key(struct ds_buf *b, const char *name)
{
	assert_int_equal(ds_mp_add_str(b, DS_SPAN_STR(name)), 0);
}

/* The MessagePack form, as the reference writes it: quote and report data as arrays of integers. */
struct v1 {
	const char *platform, *stack;
	unsigned int version; /* of the events */
	unsigned int extra;   /* "version" so many times more */
	unsigned int n_digest, n_report_data, n_name, n_config;
};

static const struct v1 v1_good = { "tdx", "dstack", 1, 0, 48, 64, 6, 2 };

static void text(struct ds_buf *b, size_t n)
{
	DS_BUF struct ds_buf s = DS_BUF_NULL;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(ds_buf_add_u8(&s, 't'), 0);
	assert_int_equal(ds_mp_add_str(b, ds_buf_span(&s)), 0);
}

static void v1_blob(struct ds_buf *b, const struct v1 *v)
{
	static const uint8_t digest[64] = { 0xd1 };

	assert_int_equal(ds_mp_add_map(b, 3 + v->extra), 0);
	for (unsigned int i = 0; i <= v->extra; i++) {
		key(b, "version");
		assert_int_equal(ds_mp_add_uint(b, 1), 0);
	}
	key(b, "platform");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, v->platform);
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "quote");
	assert_int_equal(ds_mp_add_array(b, 3), 0);
	for (unsigned int i = 126; i < 129; i++)
		assert_int_equal(ds_mp_add_uint(b, i), 0);
	key(b, "event_log");
	assert_int_equal(ds_mp_add_array(b, 1), 0);
	assert_int_equal(ds_mp_add_map(b, 7), 0);
	key(b, "imr");
	assert_int_equal(ds_mp_add_uint(b, 3), 0);
	key(b, "event_type");
	assert_int_equal(ds_mp_add_uint(b, DS_EV_RUNTIME), 0);
	key(b, "digest");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN(digest, v->n_digest)), 0);
	key(b, "event");
	text(b, v->n_name);
	key(b, "event_payload");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("pp")), 0);
	key(b, "version");
	assert_int_equal(ds_mp_add_uint(b, v->version), 0);
	key(b, "preimage");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("pre")), 0);
	key(b, "stack");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, v->stack);
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "report_data");
	assert_int_equal(ds_mp_add_array(b, v->n_report_data), 0);
	for (unsigned int i = 0; i < v->n_report_data; i++)
		assert_int_equal(ds_mp_add_uint(b, 200), 0);
	key(b, "runtime_events");
	assert_int_equal(ds_mp_add_array(b, 1), 0);
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "event");
	key(b, "app-id");
	key(b, "payload");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("pp")), 0);
	key(b, "version");
	assert_int_equal(ds_mp_add_uint(b, v->version), 0);
	key(b, "config");
	text(b, v->n_config);
}

/* The data of a platform "sev-snp" in the middle of an otherwise good blob. */
static void v1_snp_blob(struct ds_buf *b, uint32_t n_certs)
{
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "version");
	assert_int_equal(ds_mp_add_uint(b, 1), 0);
	key(b, "platform");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, "sev-snp");
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "report");
	assert_int_equal(ds_mp_add_bin(b, DS_SPAN_LIT("report")), 0);
	key(b, "cert_chain");
	assert_int_equal(ds_mp_add_array(b, n_certs), 0);
	for (uint32_t i = 0; i < n_certs; i++) {
		assert_int_equal(ds_mp_add_array(b, 1), 0);
		assert_int_equal(ds_mp_add_uint(b, i), 0);
	}
	key(b, "mr_config");
	key(b, "{}");
	key(b, "stack");
	assert_int_equal(ds_mp_add_map(b, 2), 0);
	key(b, "kind");
	key(b, "dstack");
	key(b, "data");
	assert_int_equal(ds_mp_add_map(b, 3), 0);
	key(b, "report_data");
	assert_int_equal(ds_mp_add_array(b, 64), 0);
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(ds_mp_add_uint(b, 200), 0);
	key(b, "runtime_events");
	assert_int_equal(ds_mp_add_array(b, 0), 0);
	key(b, "config");
	key(b, "{}");
}

static void v1_snp(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL, many = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	v1_snp_blob(&b, 8);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &att, &err), 0);
	assert_int_equal(att.kind, DS_ATTESTATION_SNP);
	assert_int_equal(att.n_cert, 8);
	assert_int_equal(att.cert[7].p[0], 7);
	assert_true(ds_span_eq(ds_buf_span(&att.quote), DS_SPAN_LIT("report")));
	assert_true(ds_span_eq(ds_buf_span(&att.mr_config), DS_SPAN_LIT("{}")));
	for (size_t n = 0; n < b.n; n++)
		assert_int_not_equal(ds_attestation_decode(DS_SPAN(b.p, n), &none, &err), 0);
	v1_snp_blob(&many, 9);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&many), &none, &err), -EFBIG);
}

static void v1_decodes(void **state)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL, none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct v1 v = v1_good;

	v.version = 2;
	v1_blob(&b, &v);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &att, &err), 0);
	assert_hex(att.quote.p, att.quote.n, "7e7f80");
	assert_int_equal(att.log.n, 1);
	assert_int_equal(att.log.ev[0].version, 2);
	assert_int_equal(att.log.ev[0].preimage.n, 3);
	assert_int_equal(att.log.ev[0].digest[0], 0xd1);
	assert_string_equal(att.log.ev[0].name, "tttttt");
	assert_int_equal(att.runtime_events.n, 1);
	assert_string_equal(att.runtime_events.ev[0].name, "app-id");
	assert_int_equal(att.runtime_events.ev[0].version, 2);
	assert_int_equal(att.report_data[63], 200);
	assert_int_equal(att.config.n, 2);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(ds_attestation_decode(DS_SPAN(b.p, n), &none, &err), -EBADMSG);
	assert_int_equal(ds_buf_add_u8(&b, 0xc0), 0);
	assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &none, &err), -EBADMSG);
}

#define PLATFORM "platform data: malformed or too large"
#define STACK	 "stack data: malformed or too large"

static void v1_refused(void **state)
{
	static const struct {
		struct v1 v;
		int want;
		const char *msg;
	} rows[] = {
		{ { "tdx", "dstack", 1, 0, 48, 64, 64, 32768 }, 0, "" },
		{ { "tdx", "dstack", 1, 0, 0, 64, 0, 0 }, 0, "" },
		{ { "gcp-tdx", "dstack", 1, 0, 48, 64, 6, 2 },
		  -EOPNOTSUPP,
		  "platform kind gcp-tdx, expected tdx or sev-snp" },
		{ { "sev-snp", "dstack", 1, 0, 48, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack-pod", 1, 0, 48, 64, 6, 2 },
		  -EOPNOTSUPP,
		  "stack kind dstack-pod, expected dstack" },
		{ { "tdx", "dstack", 3, 0, 48, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 0, 0, 48, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 1, 48, 64, 6, 2 }, -EBADMSG, "V1: malformed or cut short" },
		{ { "tdx", "dstack", 1, 0, 47, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 0, 49, 64, 6, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 0, 48, 63, 6, 2 }, -EBADMSG, STACK },
		{ { "tdx", "dstack", 1, 0, 48, 65, 6, 2 }, -EFBIG, STACK },
		{ { "tdx", "dstack", 1, 0, 48, 64, 65, 2 }, -EBADMSG, PLATFORM },
		{ { "tdx", "dstack", 1, 0, 48, 64, 6, 32769 }, -EFBIG, STACK },
	};
	struct ds_err err = DS_ERR_NULL;
	struct ds_attestation none = DS_ATTESTATION_NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
		DS_BUF struct ds_buf b = DS_BUF_NULL;

		v1_blob(&b, &rows[i].v);
		assert_int_equal(ds_attestation_decode(ds_buf_span(&b), &att, &err), rows[i].want);
		if (rows[i].want)
			assert_string_equal(err.msg, rows[i].msg);
	}
	/* a key twice, a missing key, another version */
	assert_int_equal(
		ds_attestation_decode(hex("82a776657273696f6e01a776657273696f6e01"), &none, &err),
		-EBADMSG);
	assert_int_equal(ds_attestation_decode(hex("81a776657273696f6e01"), &none, &err), -EBADMSG);
	assert_int_equal(ds_attestation_decode(hex("83a776657273696f6e02a8706c6174666f726d80"
						   "a5737461636b80"),
					       &none, &err),
			 -EOPNOTSUPP);
}

/* The blob with [from, to) replaced. */
static int decode_with(const struct ds_buf *in, size_t from, size_t to, struct ds_span put)
{
	DS_ATTESTATION struct ds_attestation none = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;

	assert_int_equal(ds_buf_add(&b, in->p, from), 0);
	assert_int_equal(ds_buf_add_span(&b, put), 0);
	assert_int_equal(ds_buf_add(&b, in->p + to, in->n - to), 0);
	return ds_attestation_decode(ds_buf_span(&b), &none, &err);
}

/* Other things in the place of a value with this head, the same in everything but the type. */
static size_t v1_other(const struct ds_mp *mp, struct ds_buf other[3])
{
	for (int i = 0; i < 3; i++)
		other[i] = DS_BUF_NULL;
	assert_int_equal(ds_mp_add_nil(&other[0]), 0);
	switch (mp->type) {
	case DS_MP_STR:
		assert_int_equal(ds_mp_add_bin(&other[1], mp->str), 0);
		assert_int_equal(ds_mp_add_str(&other[2], mp->str), 0);
		other[2].p[other[2].n - 1] = 0xff; /* not UTF-8 */
		return 3;
	case DS_MP_BIN:
		assert_int_equal(ds_mp_add_str(&other[1], mp->str), 0);
		return 2;
	case DS_MP_UINT:
		assert_int_equal(ds_mp_add_uint(&other[1], (UINT64_C(1) << 32) + mp->num), 0);
		assert_int_equal(ds_buf_add_u8(&other[2], 0xc3), 0); /* true */
		return 3;
	default:
		assert_int_equal(ds_mp_add_uint(&other[1], mp->num), 0);
		return 2;
	}
}

/* Nor a whole list or map nothing, or its number. */
static void assert_nothing_instead(const struct ds_buf *b, size_t from)
{
	struct ds_rd rd = ds_rd_init(DS_SPAN(b->p + from, b->n - from));
	static const char *const instead[] = { "c0", "00" };

	assert_int_equal(ds_mp_skip(&rd), 0);
	for (size_t i = 0; from && i < DS_ARRAY_SIZE(instead); i++)
		if (decode_with(b, from, from + ds_rd_pos(&rd), hex(instead[i])) != -EBADMSG)
			fail_msg("value at %zu, %s instead", from, instead[i]);
}

/* No value of the MessagePack form can be of another type. */
static void v1_types(void **state)
{
	for (int snp = 0; snp < 2; snp++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_span before = DS_SPAN_NULL;
		struct ds_rd rd;

		if (snp)
			v1_snp_blob(&b, 2);
		else
			v1_blob(&b, &v1_good);
		rd = ds_rd_init(ds_buf_span(&b));
		while (ds_rd_left(&rd)) {
			size_t from = ds_rd_pos(&rd), n;
			struct ds_buf other[3];
			struct ds_mp mp;
			bool optional = ds_span_eq(before, DS_SPAN_LIT("preimage"));

			assert_int_equal(ds_mp_rd(&rd, &mp), 0);
			if (mp.type == DS_MP_ARRAY || mp.type == DS_MP_MAP)
				assert_nothing_instead(&b, from);
			before = mp.type == DS_MP_STR ? mp.str : DS_SPAN_NULL;
			n = v1_other(&mp, other);
			for (size_t i = 0; i < n; i++) {
				bool fine =
					(!i && optional) ||
					/* another key, and this one may be missing */
					(i == 2 && (ds_span_eq(before, DS_SPAN_LIT("version")) ||
						    ds_span_eq(before, DS_SPAN_LIT("preimage"))));

				if (!fine && decode_with(&b, from, ds_rd_pos(&rd),
							 ds_buf_span(&other[i])) != -EBADMSG)
					fail_msg("value at %zu, change %zu", from, i);
				ds_buf_done(&other[i]);
			}
		}
	}
}

/* Each value that is longer than it may be; n: of bytes, or of elements that are nil. */
static void v1_limits(void **state)
{
	static const struct {
		bool snp;
		const char *key;
		enum ds_mp_type type;
		uint32_t n;
	} rows[] = {
		{ false, "quote", DS_MP_BIN, DS_MAX_QUOTE + 1 },
		{ false, "event_log", DS_MP_ARRAY, DS_MAX_EVENTS + 1 },
		{ false, "digest", DS_MP_BIN, DS_MAX_EVENT_LOG + 1 },
		{ false, "event_payload", DS_MP_BIN, DS_MAX_EVENT_LOG + 1 },
		{ false, "preimage", DS_MP_BIN, DS_MAX_EVENT_LOG + 1 },
		{ false, "report_data", DS_MP_BIN, 65 },
		{ false, "runtime_events", DS_MP_ARRAY, DS_MAX_EVENTS + 1 },
		{ false, "payload", DS_MP_BIN, DS_MAX_EVENT_LOG + 1 },
		{ false, "config", DS_MP_STR, DS_MAX_SYS_CONFIG + 1 },
		{ true, "report", DS_MP_BIN, 4096 + 1 },
		{ true, "cert_chain", DS_MP_ARRAY, DS_ATTESTATION_MAX_CERTS + 1 },
		{ true, "cert_chain", DS_MP_NIL, 16384 + 1 }, /* one of so many bytes */
		{ true, "mr_config", DS_MP_STR, DS_MAX_SYS_CONFIG + 1 },
	};
	DS_BUF struct ds_buf fill = DS_BUF_NULL;

	assert_int_equal(ds_buf_add_zero(&fill, DS_MAX_EVENT_LOG + 1), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_span some = DS_SPAN(fill.p, rows[i].n);
		DS_BUF struct ds_buf b = DS_BUF_NULL, put = DS_BUF_NULL;
		struct ds_rd rd;
		struct ds_mp mp;
		size_t from;

		if (rows[i].snp)
			v1_snp_blob(&b, 1);
		else
			v1_blob(&b, &v1_good);
		memset(fill.p, rows[i].type == DS_MP_ARRAY ? 0xc0 : 't', rows[i].n);
		if (rows[i].type == DS_MP_NIL)
			assert_int_equal(ds_mp_add_array(&put, 1), 0);
		if (rows[i].type == DS_MP_STR)
			assert_int_equal(ds_mp_add_str(&put, some), 0);
		else if (rows[i].type == DS_MP_BIN)
			assert_int_equal(ds_mp_add_bin(&put, some), 0);
		else
			assert_int_equal(
				ds_mp_add_array(&put, rows[i].n) || ds_buf_add_span(&put, some), 0);
		rd = ds_rd_init(ds_buf_span(&b));
		do
			assert_int_equal(ds_mp_rd(&rd, &mp), 0);
		while (mp.type != DS_MP_STR || !ds_span_eq(mp.str, DS_SPAN_STR(rows[i].key)));
		from = ds_rd_pos(&rd);
		assert_int_equal(ds_mp_skip(&rd), 0);
		if (decode_with(&b, from, ds_rd_pos(&rd), ds_buf_span(&put)) != -EFBIG)
			fail_msg("%s", rows[i].key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_snp),     cmocka_unit_test(v1_decodes),
		cmocka_unit_test(v1_refused), cmocka_unit_test(v1_types),
		cmocka_unit_test(v1_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
