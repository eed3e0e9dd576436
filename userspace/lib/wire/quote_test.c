// SPDX-License-Identifier: Apache-2.0
/* Tests of lib/wire/quote.c and tdreport.c on quotes built here, byte by byte as spec/dcap 1.1-1.6
 * says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/limits.h>
#include <ds/base/rd.h>
#include <ds/wire/quote.h>
#include <ds/wire/tdreport.h>

#include "../base/edge_test.h"

/* What a built quote says; zero fields take the right value. */
struct shape {
	uint16_t version, key_type, body_type, outer_type, inner_type;
	uint32_t tee_type, body_size, auth_extra, outer_extra, inner_extra;
	size_t body_len, auth_len, cert_len, pad;
	uint8_t vendor0, pad_byte;
};

static uint8_t next_byte;

/* Counting bytes, so that every field has a value of its own. */
static void add_count(struct ds_buf *b, size_t n)
{
	while (n--)
		assert_int_equal(ds_buf_add_u8(b, next_byte++), 0);
}

static void build(const struct shape *s, struct ds_buf *b)
{
	static const uint8_t vendor[15] = { 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94,
					    0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	uint16_t version = s->version ? s->version : 4;
	size_t body = s->body_len ? s->body_len : version == 5 ? 648 : 584;
	size_t auth = s->auth_len ? s->auth_len : 32, cert = s->cert_len ? s->cert_len : 100;
	size_t inner = cert, outer = 384 + 64 + 2 + auth + 6 + inner, sig = 64 + 64 + 6 + outer;

	next_byte = 1;
	assert_int_equal(ds_buf_add_u16le(b, version), 0);
	assert_int_equal(ds_buf_add_u16le(b, s->key_type ? s->key_type : 2), 0);
	assert_int_equal(ds_buf_add_u32le(b, s->tee_type ? s->tee_type : 0x81), 0);
	add_count(b, 4);
	assert_int_equal(ds_buf_add_u8(b, s->vendor0 ? s->vendor0 : 0x93), 0);
	assert_int_equal(ds_buf_add(b, vendor, sizeof(vendor)), 0);
	add_count(b, 20);
	if (version == 5) {
		assert_int_equal(ds_buf_add_u16le(b, s->body_type ? s->body_type : 3), 0);
		assert_int_equal(ds_buf_add_u32le(b, s->body_size ? s->body_size : (uint32_t)body),
				 0);
	}
	add_count(b, body);
	assert_int_equal(ds_buf_add_u32le(b, (uint32_t)sig + s->auth_extra), 0);
	add_count(b, 128);
	assert_int_equal(ds_buf_add_u16le(b, s->outer_type ? s->outer_type : 6), 0);
	assert_int_equal(ds_buf_add_u32le(b, (uint32_t)outer + s->outer_extra), 0);
	add_count(b, 384 + 64);
	assert_int_equal(ds_buf_add_u16le(b, (uint16_t)auth), 0);
	add_count(b, auth);
	assert_int_equal(ds_buf_add_u16le(b, s->inner_type ? s->inner_type : 5), 0);
	assert_int_equal(ds_buf_add_u32le(b, (uint32_t)inner + s->inner_extra), 0);
	add_count(b, cert);
	for (size_t i = 0; i < s->pad; i++)
		assert_int_equal(ds_buf_add_u8(b, i + 1 == s->pad ? s->pad_byte : 0), 0);
}

static void faults_are_named(void **state)
{
	static const struct {
		const char *what;
		struct shape s;
		enum ds_quote_fault want;
	} rows[] = {
		{ "v4", { 0 }, DS_QUOTE_OK },
		{ "v5 type 3", { .version = 5 }, DS_QUOTE_OK },
		{ "v5 type 2", { .version = 5, .body_type = 2, .body_len = 584 }, DS_QUOTE_OK },
		{ "v5 type 4", { .version = 5, .body_type = 4, .body_len = 885 }, DS_QUOTE_OK },
		{ "zeros behind", { .pad = 70 }, DS_QUOTE_OK },
		{ "no type named 7", { .inner_type = 7 }, DS_QUOTE_OK },
		{ "junk behind", { .pad = 70, .pad_byte = 1 }, DS_QUOTE_F_TRAILING },
		{ "version 3", { .version = 3 }, DS_QUOTE_F_VERSION },
		{ "version 6", { .version = 6 }, DS_QUOTE_F_VERSION },
		{ "P-384", { .key_type = 3 }, DS_QUOTE_F_KEY_TYPE },
		{ "SGX", { .tee_type = 1 }, DS_QUOTE_F_TEE_TYPE },
		{ "vendor", { .vendor0 = 0x94 }, DS_QUOTE_F_VENDOR },
		{ "body type 1", { .version = 5, .body_type = 1 }, DS_QUOTE_F_BODY },
		{ "body type 5", { .version = 5, .body_type = 5 }, DS_QUOTE_F_BODY },
		{ "body size", { .version = 5, .body_size = 584 }, DS_QUOTE_F_BODY },
		{ "type 2 of 648", { .version = 5, .body_type = 2 }, DS_QUOTE_F_BODY },
		{ "body size max", { .version = 5, .body_size = UINT32_MAX }, DS_QUOTE_F_BODY },
		{ "outer type", { .outer_type = 5 }, DS_QUOTE_F_CERT_TYPE },
		{ "inner type 6", { .inner_type = 6 }, DS_QUOTE_F_CERT_TYPE },
		{ "inner type 8", { .inner_type = 8 }, DS_QUOTE_F_CERT_TYPE },
		{ "auth length + 1", { .auth_extra = 1, .pad = 8 }, DS_QUOTE_F_AUTH_LEN },
		{ "auth length - 1", { .auth_extra = UINT32_MAX }, DS_QUOTE_F_AUTH_LEN },
		{ "auth length max", { .auth_extra = 0x7fffffff }, DS_QUOTE_F_TRUNCATED },
		{ "outer length + 1", { .outer_extra = 1 }, DS_QUOTE_F_AUTH_LEN },
		{ "outer length - 1", { .outer_extra = UINT32_MAX }, DS_QUOTE_F_AUTH_LEN },
		{ "inner length + 1", { .inner_extra = 1 }, DS_QUOTE_F_AUTH_LEN },
		{ "inner length - 1", { .inner_extra = UINT32_MAX }, DS_QUOTE_F_AUTH_LEN },
		{ "v5 body in v4", { .body_len = 648 }, DS_QUOTE_F_TRUNCATED },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		enum ds_quote_fault fault = 99;
		struct ds_quote q;
		int r;

		build(&rows[i].s, &b);
		r = ds_quote_parse_fault(ds_buf_span(&b), &q, &fault, &err);
		if (fault != rows[i].want || (r == 0) != (fault == DS_QUOTE_OK))
			fail_msg("%s: expected %d, got %d (%s)", rows[i].what, rows[i].want, fault,
				 err.msg);
		assert_int_equal(err.msg[0] != '\0', r != 0);
	}
}

static void fields_point_into_the_input(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_quote q;

	build(&(struct shape){ .version = 5, .body_type = 4, .body_len = 885 }, &b);
	assert_int_equal(ds_quote_parse(ds_buf_span(&b), &q, NULL), 0);
	assert_ptr_equal(q.signed_part.p, b.p);
	assert_int_equal(q.signed_part.n, 48 + 6 + 885);
	assert_ptr_equal(q.signature.p, b.p + 943);
	assert_ptr_equal(q.attest_key.p, q.signature.p + 64);
	assert_ptr_equal(q.qe_report.p, q.attest_key.p + 64 + 6);
	assert_ptr_equal(q.qe_report_sig.p, q.qe_report.p + 384);
	assert_ptr_equal(q.qe_auth.p, q.qe_report_sig.p + 66);
	assert_int_equal(q.qe_auth.n, 32);
	assert_ptr_equal(q.cert_data.p, q.qe_auth.p + 32 + 6);
	assert_int_equal(q.cert_data.n, 100);
	assert_int_equal(q.used, b.n);
	assert_int_equal(q.ext.n, 237);
	/* spec/dcap 1.3, relative to the body at 54 */
	assert_memory_equal(q.body.tee_tcb_svn, b.p + 54, 16);
	assert_memory_equal(q.body.mr_seam, b.p + 54 + 16, 48);
	assert_memory_equal(q.body.mr_signer_seam, b.p + 54 + 64, 48);
	assert_memory_equal(q.body.seam_attributes, b.p + 54 + 112, 8);
	assert_memory_equal(q.body.td_attributes, b.p + 54 + 120, 8);
	assert_memory_equal(q.body.xfam, b.p + 54 + 128, 8);
	assert_memory_equal(q.body.mr_td, b.p + 54 + 136, 48);
	assert_memory_equal(q.body.mr_config_id, b.p + 54 + 184, 48);
	assert_memory_equal(q.body.mr_owner_config, b.p + 54 + 280, 48);
	assert_memory_equal(q.body.rt_mr[3], b.p + 54 + 472, 48);
	assert_memory_equal(q.body.report_data, b.p + 54 + 520, 64);
	assert_true(q.body.has_svn2);
	assert_memory_equal(q.body.tee_tcb_svn2, b.p + 54 + 584, 16);
	assert_memory_equal(q.body.mr_service_td, b.p + 54 + 600, 48);
	assert_ptr_equal(q.ext.p, b.p + 54 + 648);
}

static void every_truncation_is_refused(void **state)
{
	static const struct shape shapes[] = { { 0 }, { .version = 5 } };
	static const struct {
		size_t to[2]; /* exclusive, by shape */
		const char *says;
	} parts[] = {
		{ { 48, 48 }, "header: " },
		{ { 48, 54 }, "body descriptor: " },
		{ { 48 + 584, 54 + 648 }, "TD report: " },
		{ { 48 + 584 + 4, 54 + 648 + 4 }, "signature data length: " },
		{ { SIZE_MAX, SIZE_MAX }, "signature data: " },
	};

	for (size_t s = 0; s < DS_ARRAY_SIZE(shapes); s++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_quote q;
		size_t k = 0;

		build(&shapes[s], &b);
		for (size_t n = 0; n < b.n; n++) {
			struct ds_err err = DS_ERR_NULL;

			assert_int_equal(ds_quote_parse(at_edge(b.p, n), &q, &err), -EBADMSG);
			while (n >= parts[k].to[s])
				k++;
			if (strncmp(err.msg, parts[k].says, strlen(parts[k].says)))
				fail_msg("%zu bytes: %s", n, err.msg);
		}
	}
}

/* Signature data cut anywhere, with outer lengths that agree: which part does not fit, and where. */
static void every_part_has_to_fit(void **state)
{
	const size_t at = 48 + 584 + 4, report = 134, auth = report + 450, type = auth + 32;
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	build(&(struct shape){ 0 }, &b);
	for (size_t n = 0; at + n < b.n; n++) {
		const char *says = n < report	     ? "signature data length (at least)"
				   : n < type + 6 ? "QE certification data is short"
						     : "inner certification data size";
		size_t where = n < report	     ? at - 4
			       : n < auth	     ? at + report
			       : n < type	     ? at + auth
			       : n < type + 6 ? at + type
						     : at + type + 2;
		struct ds_err err = DS_ERR_NULL;
		enum ds_quote_fault fault;
		struct ds_quote q;

		ds_put_u32le(b.p + at - 4, (uint32_t)n);
		if (n >= report)
			ds_put_u32le(b.p + at + 130, (uint32_t)(n - report));
		assert_int_equal(ds_quote_parse_fault(at_edge(b.p, at + n), &q, &fault, &err),
				 -EBADMSG);
		assert_int_equal(fault, DS_QUOTE_F_AUTH_LEN);
		if (strncmp(err.msg, says, strlen(says)) || err.offset != where)
			fail_msg("%zu bytes: expected '%s' at %zu, got '%s' at %zu", n, says, where,
				 err.msg, err.offset);
	}
}

static void inner_type_zero(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	enum ds_quote_fault fault;
	struct ds_quote q;

	build(&(struct shape){ 0 }, &b);
	ds_put_u16le(b.p + 48 + 584 + 4 + 134 + 450 + 32, 0);
	assert_int_equal(ds_quote_parse_fault(ds_buf_span(&b), &q, &fault, NULL), -EBADMSG);
	assert_int_equal(fault, DS_QUOTE_F_CERT_TYPE);
}

static void size_is_capped(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	enum ds_quote_fault fault;
	struct ds_quote q;

	build(&(struct shape){ 0 }, &b);
	assert_int_equal(ds_buf_add_zero(&b, DS_MAX_QUOTE - b.n), 0);
	assert_int_equal(ds_quote_parse(ds_buf_span(&b), &q, NULL), 0);
	assert_int_equal(ds_buf_add_u8(&b, 0), 0);
	assert_int_equal(ds_quote_parse_fault(ds_buf_span(&b), &q, &fault, NULL), -EBADMSG);
	assert_int_equal(fault, DS_QUOTE_F_SIZE);
}

/* Types without a size of ours, saying that their size is zero. */
static void body_types_without_size(void **state)
{
	static const uint16_t types[] = { 0, 1, 5, 99, UINT16_MAX };

	for (size_t i = 0; i < DS_ARRAY_SIZE(types); i++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		enum ds_quote_fault fault;
		struct ds_quote q;

		build(&(struct shape){ .version = 5 }, &b);
		ds_put_u16le(b.p + 48, types[i]);
		ds_put_u32le(b.p + 50, 0);
		assert_int_equal(ds_quote_parse_fault(ds_buf_span(&b), &q, &fault, NULL), -EBADMSG);
		assert_int_equal(fault, DS_QUOTE_F_BODY);
	}
}

static void tdreport_fields(void **state)
{
	uint8_t raw[DS_TDREPORT_SIZE];
	struct ds_tdreport t;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i * 7 + i / 256);
	raw[0] = 0x81;
	assert_int_equal(ds_tdreport_parse(DS_SPAN_ARRAY(raw), &t, NULL), 0);
	/* spec/dcap 1.7 */
	assert_int_equal(t.version, raw[2]);
	assert_memory_equal(t.cpu_svn, raw + 16, 16);
	assert_memory_equal(t.tee_tcb_info_hash, raw + 32, 48);
	assert_memory_equal(t.td_info_hash, raw + 80, 48);
	assert_memory_equal(t.body.report_data, raw + 128, 64);
	assert_memory_equal(t.mac, raw + 224, 32);
	assert_memory_equal(t.body.tee_tcb_svn, raw + 264, 16);
	assert_memory_equal(t.body.mr_seam, raw + 280, 48);
	assert_memory_equal(t.body.seam_attributes, raw + 376, 8);
	assert_memory_equal(t.body.tee_tcb_svn2, raw + 384, 16);
	assert_memory_equal(t.body.td_attributes, raw + 512, 8);
	assert_memory_equal(t.body.mr_td, raw + 528, 48);
	assert_memory_equal(t.body.mr_config_id, raw + 576, 48);
	assert_memory_equal(t.body.rt_mr[0], raw + 720, 48);
	assert_memory_equal(t.body.rt_mr[3], raw + 864, 48);
	assert_memory_equal(t.body.mr_service_td, raw + 912, 48);
	assert_ptr_equal(t.tee_tcb_info.p, raw + 256);
	assert_int_equal(t.tee_tcb_info.n, 239);
	assert_ptr_equal(t.td_info.p, raw + 512);
	assert_int_equal(t.td_info.n, 512);
	for (size_t n = 0; n < sizeof(raw); n++)
		assert_int_equal(ds_tdreport_parse(DS_SPAN(raw, n), &t, NULL), -EBADMSG);
	{
		uint8_t longer[DS_TDREPORT_SIZE + 1] = { 0x81 };

		assert_int_equal(ds_tdreport_parse(DS_SPAN_ARRAY(longer), &t, NULL), -EBADMSG);
	}
	raw[0] = 0;
	assert_int_equal(ds_tdreport_parse(DS_SPAN_ARRAY(raw), &t, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(fields_point_into_the_input),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_part_has_to_fit),
		cmocka_unit_test(inner_type_zero),
		cmocka_unit_test(size_is_capped),
		cmocka_unit_test(body_types_without_size),
		cmocka_unit_test(tdreport_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
