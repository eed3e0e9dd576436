// SPDX-License-Identifier: Apache-2.0
/* Tests of lib/wire/pckext.c on extensions encoded here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/wire/pckext.h>

static const uint8_t base[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01 };

static void add(struct ds_buf *b, const void *p, size_t n)
{
	assert_int_equal(ds_buf_add(b, p, n), 0);
}

static void tlv(struct ds_buf *b, uint8_t tag, const void *p, size_t n)
{
	uint8_t head[4] = { tag, (uint8_t)n };
	size_t len = 2;

	if (n > 255) {
		head[1] = 0x82;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		len = 4;
	} else if (n > 127) {
		head[1] = 0x81;
		head[2] = (uint8_t)n;
		len = 3;
	}
	add(b, head, len);
	add(b, p, n);
}

/* SEQUENCE { OID base.arc1[.arc2], value } */
static void pair(struct ds_buf *b, int arc1, int arc2, const struct ds_buf *value)
{
	DS_BUF struct ds_buf oid = DS_BUF_NULL, in = DS_BUF_NULL;

	add(&oid, base, sizeof(base));
	assert_int_equal(ds_buf_add_u8(&oid, (uint8_t)arc1), 0);
	if (arc2)
		assert_int_equal(ds_buf_add_u8(&oid, (uint8_t)arc2), 0);
	tlv(&in, 0x06, oid.p, oid.n);
	add(&in, value->p, value->n);
	tlv(b, 0x30, in.p, in.n);
}

/* What to do wrong. */
enum fault {
	FINE,
	NO_PPID,
	PPID_15,
	FMSPC_5,
	TWICE,
	UNKNOWN,
	SVN_256,
	SVN_NEGATIVE,
	SVN_PADDED,
	NO_SVN_7,
	BOOL_1,
	NO_CONFIG,
	TYPE_3,
	TRAILING,
	PROCESSOR,
};

static void octets(struct ds_buf *b, int arc, size_t n, uint8_t first)
{
	DS_BUF struct ds_buf v = DS_BUF_NULL;
	uint8_t bytes[16];

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)(first + i);
	tlv(&v, 0x04, bytes, n);
	pair(b, arc, 0, &v);
}

static void add_svn(struct ds_buf *seq, int i, enum fault f)
{
	DS_BUF struct ds_buf v = DS_BUF_NULL;
	uint8_t wide[3] = { 0, (uint8_t)(i == 17 ? 0xff : 0x80 + i), 0xfe };

	if (i == 7 && f == NO_SVN_7)
		return;
	if (i == 3 && f == SVN_256)
		tlv(&v, 0x02, "\1\0", 2);
	else if (i == 3 && f == SVN_NEGATIVE)
		tlv(&v, 0x02, "\x80", 1);
	else if (i == 3 && f == SVN_PADDED)
		tlv(&v, 0x02, "\0\1", 2);
	else
		tlv(&v, 0x02, wide, i == 17 ? 3 : 2); /* above 127: a leading zero */
	pair(seq, 2, i, &v);
}

static void add_tcb(struct ds_buf *b, enum fault f)
{
	DS_BUF struct ds_buf seq = DS_BUF_NULL, v = DS_BUF_NULL, cpusvn = DS_BUF_NULL;

	for (int i = 1; i <= 17; i++)
		add_svn(&seq, i, f);
	tlv(&cpusvn, 0x04, "0123456789abcdef", 16);
	pair(&seq, 2, 18, &cpusvn);
	tlv(&v, 0x30, seq.p, seq.n);
	pair(b, 2, 0, &v);
}

static void add_config(struct ds_buf *b, enum fault f)
{
	DS_BUF struct ds_buf seq = DS_BUF_NULL, v = DS_BUF_NULL;

	for (int i = 1; i <= 3; i++) {
		DS_BUF struct ds_buf flag = DS_BUF_NULL;

		tlv(&flag, 0x01, i == 2 ? (f == BOOL_1 ? "\1" : "\0") : "\xff", 1);
		pair(&seq, 7, i, &flag);
	}
	tlv(&v, 0x30, seq.p, seq.n);
	pair(b, 7, 0, &v);
}

static void build(enum fault f, struct ds_buf *out)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, type = DS_BUF_NULL;

	if (f != NO_PPID)
		octets(&b, 1, f == PPID_15 ? 15 : 16, 0x10);
	add_tcb(&b, f);
	octets(&b, 3, 2, 0x30);
	octets(&b, 4, f == FMSPC_5 ? 5 : 6, 0x40);
	tlv(&type, 0x0a, f == TYPE_3 ? "\3" : "\1", 1);
	pair(&b, 5, 0, &type);
	if (f != PROCESSOR) {
		octets(&b, 6, 16, 0x60);
		if (f != NO_CONFIG)
			add_config(&b, f);
	}
	if (f == TWICE)
		octets(&b, 4, 6, 0x40);
	if (f == UNKNOWN)
		octets(&b, 8, 6, 0x40);
	tlv(out, 0x30, b.p, b.n);
	if (f == TRAILING)
		assert_int_equal(ds_buf_add_u8(out, 0), 0);
}

static void reads_both_kinds(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, p = DS_BUF_NULL;
	struct ds_pck_ext e;

	build(FINE, &b);
	assert_int_equal(ds_pck_ext_parse(ds_buf_span(&b), &e, NULL), 0);
	assert_int_equal(e.ppid[15], 0x1f);
	assert_int_equal(e.tcb[0], 0x81);
	assert_int_equal(e.tcb[15], 0x90);
	assert_int_equal(e.pcesvn, 0xfffe);
	assert_memory_equal(e.cpusvn, "0123456789abcdef", 16);
	assert_memory_equal(e.pceid, "\x30\x31", 2);
	assert_memory_equal(e.fmspc, "\x40\x41\x42\x43\x44\x45", 6);
	assert_int_equal(e.sgx_type, 1);
	assert_true(e.platform);
	assert_int_equal(e.instance[0], 0x60);
	assert_true(e.dynamic_platform && !e.cached_keys && e.smt);
	build(PROCESSOR, &p);
	assert_int_equal(ds_pck_ext_parse(ds_buf_span(&p), &e, NULL), 0);
	assert_false(e.platform);
}

static void refuses_the_rest(void **state)
{
	for (enum fault f = NO_PPID; f < PROCESSOR; f++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		struct ds_pck_ext e;

		build(f, &b);
		if (ds_pck_ext_parse(ds_buf_span(&b), &e, &err) != -EBADMSG || !err.msg[0])
			fail_msg("fault %d was accepted", f);
	}
}

/* Where another refusal would follow, it is the first that is said. */
static void faults_are_named(void **state)
{
	static const struct {
		size_t at; /* of a byte that changes */
		const char *says;
	} rows[] = {
		{ 0, "not one DER SEQUENCE" },
		{ 4, "not a pair of SGX object id and value" },	  /* tag of the first pair */
		{ 6, "not a pair of SGX object id and value" },	  /* of its id */
		{ 8, "not a pair of SGX object id and value" },	  /* the id */
		{ 18, "item 1: unknown, repeated or malformed" }, /* tag of its value */
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf b = DS_BUF_NULL;
		struct ds_err err = DS_ERR_NULL;
		struct ds_pck_ext e;

		build(FINE, &b);
		b.p[rows[i].at] ^= 0x40;
		assert_int_equal(ds_pck_ext_parse(ds_buf_span(&b), &e, &err), -EBADMSG);
		assert_string_equal(err.msg, rows[i].says);
	}
}

static void truncated_or_indefinite(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	struct ds_pck_ext e;

	build(FINE, &b);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, b.p, n);
		assert_int_equal(ds_pck_ext_parse(DS_SPAN(copy, n), &e, NULL), -EBADMSG);
		free(copy);
	}
	b.p[1] = 0x80; /* indefinite length is not DER */
	assert_int_equal(ds_pck_ext_parse(ds_buf_span(&b), &e, NULL), -EBADMSG);
}

/* Tags, lengths and object ids have one right value each; only bytes of values may differ. */
static void only_values_are_free(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	unsigned int free_bytes = 0;
	struct ds_pck_ext e;

	build(FINE, &b);
	for (size_t i = 0; i < b.n; i++) {
		uint8_t right = b.p[i];
		bool any = false;

		for (unsigned int x = 1; x < 256; x++) {
			b.p[i] = (uint8_t)(right ^ x);
			any |= !ds_pck_ext_parse(ds_buf_span(&b), &e, NULL);
		}
		b.p[i] = right;
		free_bytes += any;
	}
	/* PPID, 16 components, PCESVN, CPUSVN, PCEID, FMSPC, type, instance, three flags */
	assert_int_equal(free_bytes, 16 + 16 + 2 + 16 + 2 + 6 + 1 + 16 + 3);
}

/* What can be done to one element; the lengths around it agree afterwards. */
enum change { DROP, AGAIN, TAG, LONGER, SHORTER, EMPTY, FOLLOWED, CHANGES };

/* Copies elements with a change to the one numbered target; returns how many there were. */
static unsigned int copy(const uint8_t *p, size_t n, unsigned int first, unsigned int target,
			 enum change how, bool *ret_number, struct ds_buf *out)
{
	unsigned int count = first;

	for (size_t at = 0; at < n;) {
		DS_BUF struct ds_buf in = DS_BUF_NULL;
		size_t wide = p[at + 1] & 0x80 ? p[at + 1] & 0x7f : 0, len = wide ? 0 : p[at + 1];
		bool here = count++ == target;
		uint8_t tag = p[at];

		for (size_t i = 0; i < wide; i++)
			len = len << 8 | p[at + 2 + i];
		at += 2 + wide;
		if (tag == 0x30)
			count = copy(p + at, len, count, target, how, ret_number, &in);
		else
			add(&in, p + at, len);
		at += len;
		*ret_number |= here && tag == 0x02;
		if (here && how == LONGER)
			add(&in, "", 1);
		if (here && (how == SHORTER || how == EMPTY))
			in.n = how == EMPTY ? 0 : in.n - 1;
		if (here && how == TAG)
			tag ^= 0x40;
		for (int i = 0; i < (!here ? 1 : how == DROP ? 0 : how == AGAIN ? 2 : 1); i++)
			tlv(out, tag, in.p, in.n);
		if (here && how == FOLLOWED)
			add(out, "\5\0", 2);
	}
	return count;
}

static void every_element_counts(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, same = DS_BUF_NULL;
	bool number = false;
	unsigned int n;

	build(FINE, &b);
	n = copy(b.p, b.n, 0, UINT32_MAX, DROP, &number, &same);
	assert_true(n > 80 && ds_span_eq(ds_buf_span(&b), ds_buf_span(&same)));
	for (unsigned int i = 0; i < n; i++) {
		for (enum change how = DROP; how < CHANGES; how++) {
			DS_BUF struct ds_buf wrong = DS_BUF_NULL;
			struct ds_pck_ext e;

			number = false;
			copy(b.p, b.n, 0, i, how, &number, &wrong);
			if (number && how == SHORTER)
				continue; /* another number */
			if (ds_pck_ext_parse(ds_buf_span(&wrong), &e, NULL) != -EBADMSG)
				fail_msg("element %u, change %d", i, how);
		}
	}
}

static void lengths_are_minimal(void **state)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, wide = DS_BUF_NULL;
	struct ds_pck_ext e;
	size_t n;

	build(FINE, &b);
	n = b.n - 4; /* 30 82 xx xx */
	add(&wide, "\x30\x83\0", 3);
	assert_int_equal(ds_buf_add_u8(&wide, (uint8_t)(n >> 8)), 0);
	assert_int_equal(ds_buf_add_u8(&wide, (uint8_t)n), 0);
	add(&wide, b.p + 4, n);
	assert_int_equal(ds_pck_ext_parse(ds_buf_span(&wide), &e, NULL), -EBADMSG);
	/* the PPID's pair in long form: 30 len 06 ... becomes 30 81 len 06 ... */
	wide.n = 0;
	add(&wide, "\x30\x82", 2);
	assert_int_equal(ds_buf_add_u8(&wide, (uint8_t)((n + 1) >> 8)), 0);
	assert_int_equal(ds_buf_add_u8(&wide, (uint8_t)(n + 1)), 0);
	add(&wide, "\x30\x81", 2);
	add(&wide, b.p + 5, n - 1);
	assert_int_equal(ds_pck_ext_parse(ds_buf_span(&wide), &e, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_are_named),	cmocka_unit_test(reads_both_kinds),
		cmocka_unit_test(refuses_the_rest),	cmocka_unit_test(truncated_or_indefinite),
		cmocka_unit_test(only_values_are_free), cmocka_unit_test(lengths_are_minimal),
		cmocka_unit_test(every_element_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
