// SPDX-License-Identifier: Apache-2.0
/* Tests of the comparison: each kind of difference is named and given its usual cause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "compare.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define GIB (1ull << 30)

/* A VM with a HOB of the usual shape, and ACPI digests of 2 CPUs on QEMU before 9.2. */
static void make_machine(struct mr_source *src, struct mr_machine *m)
{
	static const struct ds_acpi_layout layout = { 8285, 238 };
	DS_BUF struct ds_buf loader = DS_BUF_NULL, rsdp = DS_BUF_NULL;
	struct ds_acpi a;

	memset(src, 0, sizeof(*src));
	src->tdvf.n = 1;
	src->tdvf.s[0] = (struct ds_tdvf_section){ .gpa = 0x809000,
						   .mem_size = 0x2000,
						   .type = DS_TDVF_TD_HOB };
	src->mrtd[1][0] = 1;
	*m = (struct mr_machine){ .memory = 2 * GIB, .cpus = 2, .platform = MR_QEMU };
	m->acpi_from = "tables";
	ds_acpi_from_layout(layout, &a);
	assert_int_equal(ds_acpi_loader(&a, &loader), 0);
	assert_int_equal(ds_acpi_rsdp(&a, &rsdp), 0);
	assert_int_equal(ds_sha384_1(ds_buf_span(&loader), m->acpi[0]), 0);
	assert_int_equal(ds_sha384_1(ds_buf_span(&rsdp), m->acpi[1]), 0);
}

/* A TD measured like this, and its log. */
static void make_td(const struct mr_source *src, const struct mr_machine *m,
		    struct mr_registers *got, struct ds_eventlog *log)
{
	struct mr_result mr;

	assert_int_equal(mr_measure(src, m, &mr, NULL), 0);
	memcpy(got->mrtd, mr.mrtd, MR_SIZE);
	memcpy(got->rtmr, mr.rtmr, sizeof(got->rtmr));
	for (uint32_t r = 0; r < 3; r++)
		for (size_t i = 0; i < mr.events[r].n; i++) {
			const struct mr_event *e = &mr.events[r].ev[i];
			bool acpi = !strncmp(e->name, "acpi", 4);

			assert_int_equal(ds_eventlog_add(log, r, acpi ? MR_EV_ACPI : 1, e->digest,
							 "", DS_SPAN_NULL, NULL),
					 0);
		}
}

static const struct mr_diff_event *find(const struct mr_diff_register *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->ev[i].name, name))
			return &r->ev[i];
	fail();
	return NULL;
}

static void compare(const struct mr_source *src, const struct mr_machine *m,
		    const struct mr_registers *got, const struct ds_eventlog *log,
		    struct mr_result *want, struct mr_diff *d)
{
	assert_int_equal(mr_measure(src, m, want, NULL), 0);
	assert_int_equal(mr_compare(src, m, want, got, log, d), 0);
}

/*
 * Layouts of three captures and the digests of etc/table-loader and etc/acpi/rsdp in their event
 * logs (spec/boot.md 5.3): 16 CPUs on QEMU 9.2.1, 2 CPUs on 8.2.2, 8 CPUs before 9.2.
 */
static void derived_blobs_equal_real_logs(void **state)
{
	static const struct {
		struct ds_acpi_layout layout;
		uint32_t rsdt, cpus;
		bool old;
		const char *loader, *rsdp;
	} v[] = {
		{ { 9098, 240 },
		  9746,
		  16,
		  false,
		  "2065dd48d647e4377db277ba",
		  "772b0169c66b52e4453fff9e" },
		{ { 8285, 238 },
		  8931,
		  2,
		  true,
		  "095d04cf26fe03aef6e3561f",
		  "8d9a4d4777a1bc77ecd9d8d3" },
		{ { 8802, 286 },
		  9496,
		  8,
		  true,
		  "6dae15170c9fea6455681e3f",
		  "b3a62232ef6be064cce25a8b" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		struct ds_acpi_layout found;
		uint8_t digests[2][48];
		uint32_t cpus;
		bool old;
		DS_BUF struct ds_buf loader = DS_BUF_NULL, rsdp = DS_BUF_NULL;
		char hex[25];
		struct ds_acpi a;

		ds_acpi_from_layout(v[i].layout, &a);
		assert_int_equal(a.t[a.n - 1].off, v[i].rsdt);
		assert_int_equal(ds_acpi_loader(&a, &loader), 0);
		assert_int_equal(loader.n, DS_ACPI_LOADER_SIZE);
		assert_int_equal(ds_sha384_1(ds_buf_span(&loader), digests[0]), 0);
		assert_string_equal(ds_hex_encode(digests[0], 12, hex), v[i].loader);
		assert_int_equal(ds_acpi_rsdp(&a, &rsdp), 0);
		assert_int_equal(rsdp.n, DS_ACPI_RSDP_SIZE);
		assert_int_equal(ds_sha384_1(ds_buf_span(&rsdp), digests[1]), 0);
		assert_string_equal(ds_hex_encode(digests[1], 12, hex), v[i].rsdp);
		assert_true(mr_acpi_layout(digests[0], digests[1], &found, &cpus, &old));
		assert_int_equal(found.dsdt, v[i].layout.dsdt);
		assert_int_equal(found.apic, v[i].layout.apic);
		assert_int_equal(cpus, v[i].cpus);
		assert_int_equal(old, v[i].old);
	}
}

static void equal_is_equal(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct mr_registers got;
	struct mr_source src;
	struct mr_machine m;
	struct mr_result want;
	static struct mr_diff d;

	make_machine(&src, &m);
	make_td(&src, &m, &got, &log);
	compare(&src, &m, &got, &log, &want, &d);
	assert_true(d.equal && d.rtmr[0].log_replays);
	assert_int_equal(d.cpus, 2);
	assert_true(d.layout_old);
	assert_int_equal(mr_diff_text(&d, &want, &got, &text), 0);
	assert_string_equal(ds_buf_cstr(&text), "mrtd   equal\nrtmr0  equal\nrtmr1  equal\n"
						"rtmr2  equal\nequal\n");
}

static void each_difference_is_named(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct mr_registers got;
	struct mr_source src, other;
	struct mr_machine m, expect;
	struct mr_result want;
	static struct mr_diff d;

	make_machine(&src, &m);
	make_td(&src, &m, &got, &log);
	other = src;
	memset(other.kernel, 1, MR_SIZE);
	memset(other.initrd, 1, MR_SIZE);
	expect = m;
	expect.memory = 8 * GIB;
	expect.two_pass = true;
	memset(expect.acpi, 9, sizeof(expect.acpi));
	compare(&other, &expect, &got, &log, &want, &d);
	assert_false(d.equal || d.mrtd_equal);
	assert_non_null(strstr(d.mrtd_cause, "--single-pass"));
	assert_non_null(
		strstr(find(&d.rtmr[0], "td-hob")->cause, "2048 MiB of memory, expected 8192"));
	assert_non_null(strstr(find(&d.rtmr[0], "acpi-loader")->cause, "2 CPUs, DSDT 8285 bytes"));
	assert_non_null(strstr(find(&d.rtmr[0], "acpi-tables")->cause, "QEMU version"));
	assert_true(find(&d.rtmr[0], "cfv")->equal);
	assert_non_null(strstr(d.rtmr[0].cause, "4 of 13"));
	assert_non_null(strstr(find(&d.rtmr[1], "kernel")->cause, "another kernel"));
	assert_true(find(&d.rtmr[2], "cmdline")->equal);
	assert_false(find(&d.rtmr[2], "initrd")->equal);
}

static void every_event_has_a_cause(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct mr_registers got;
	struct mr_source src;
	struct mr_machine m;
	struct mr_result want;
	static struct mr_diff d;

	make_machine(&src, &m);
	make_td(&src, &m, &got, &log);
	for (size_t i = 0; i < log.n; i++)
		log.ev[i].digest[0] ^= 1;
	compare(&src, &m, &got, &log, &want, &d);
	for (size_t r = 0; r < 3; r++)
		for (size_t i = 0; i < d.rtmr[r].n; i++) {
			assert_false(d.rtmr[r].ev[i].equal);
			assert_true(strlen(d.rtmr[r].ev[i].cause) > 8);
			assert_null(strstr(d.rtmr[r].ev[i].cause, "does not have"));
		}
}

/* A log is believed for the registers that it replays to, and for no others. */
static void forged_log_proves_nothing(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	struct mr_registers got;
	struct mr_source src;
	struct mr_machine m;
	struct mr_result want;
	static struct mr_diff d;

	make_machine(&src, &m);
	make_td(&src, &m, &got, &log);
	got.rtmr[0][0] ^= 1;
	compare(&src, &m, &got, &log, &want, &d);
	assert_false(d.equal || d.rtmr[0].equal || d.rtmr[0].log_replays);
	assert_true(d.rtmr[1].equal && d.rtmr[1].log_replays);
	assert_non_null(strstr(d.rtmr[0].cause, "proves nothing"));
	assert_int_equal(mr_diff_text(&d, &want, &got, &text), 0);
	assert_null(strstr(ds_buf_cstr(&text), "td-hob"));
	compare(&src, &m, &got, NULL, &want, &d);
	assert_non_null(strstr(d.rtmr[0].cause, "--event-log"));
}

static void other_number_of_events(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	struct mr_registers got;
	struct mr_source src;
	struct mr_machine m, emulated;
	struct mr_result want;
	static struct mr_diff d;

	make_machine(&src, &m);
	emulated = m;
	emulated.platform = MR_EMULATED;
	make_td(&src, &m, &got, &log);
	compare(&src, &emulated, &got, &log, &want, &d);
	assert_non_null(strstr(d.rtmr[0].cause, "10 events expected, 13 in the log"));
	ds_eventlog_done(&log);
	log = DS_EVENTLOG_NULL;
	make_td(&src, &emulated, &got, &log);
	compare(&src, &m, &got, &log, &want, &d);
	assert_non_null(strstr(d.rtmr[0].cause, "13 events expected, 10 in the log"));
	assert_int_equal(d.cpus, 0);
}

static void text_fits_and_json_is_whole(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL, json = DS_BUF_NULL;
	char hex[2 * MR_SIZE + 1];
	struct mr_registers got;
	struct mr_source src;
	struct mr_machine m;
	struct mr_result want;
	static struct mr_diff d;
	size_t col = 0;

	make_machine(&src, &m);
	make_td(&src, &m, &got, &log);
	src.cmdline[0] = 1;
	m.memory = 5 * GIB;
	compare(&src, &m, &got, &log, &want, &d);
	assert_int_equal(mr_diff_text(&d, &want, &got, &text), 0);
	for (size_t i = 0; i < text.n; i++) {
		col = text.p[i] == '\n' ? 0 : col + 1;
		assert_true(col < 80);
	}
	assert_int_equal(mr_diff_json(&d, &want, &got, &json), 0);
	assert_non_null(strstr(ds_buf_cstr(&json), ds_hex_encode(got.rtmr[2], MR_SIZE, hex)));
	assert_non_null(strstr(ds_buf_cstr(&json), "\"verdict\":\"different\""));
	assert_non_null(strstr(ds_buf_cstr(&json), "\"acpi_layout\":{\"cpu_count\":2"));
}

static void report(const struct mr_diff *d, const struct mr_result *want,
		   const struct mr_registers *got, struct ds_buf *text, struct ds_buf *json)
{
	ds_buf_done(text);
	ds_buf_done(json);
	assert_int_equal(mr_diff_text(d, want, got, text) | mr_diff_json(d, want, got, json), 0);
	assert_true(ds_buf_cstr(text) && ds_buf_cstr(json));
}

/* With the ACPI digests of the TD's own log, any tables are equal to the expected ones. */
static void who_vouches_for_acpi_is_said(void **state)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf text = DS_BUF_NULL, json = DS_BUF_NULL;
	struct mr_registers got;
	struct mr_source src;
	struct mr_machine m;
	struct mr_result want;
	static struct mr_diff d;

	make_machine(&src, &m);
	make_td(&src, &m, &got, &log);
	compare(&src, &m, &got, NULL, &want, &d);
	report(&d, &want, &got, &text, &json);
	assert_true(d.equal && !strstr((char *)text.p, "devices not verified"));
	assert_non_null(strstr((char *)json.p, "\"equal\",\"acpi\":\"tables\""));
	m.acpi_from = MR_ACPI_LOG;
	compare(&src, &m, &got, NULL, &want, &d);
	report(&d, &want, &got, &text, &json);
	assert_true(d.equal && strstr((char *)text.p, "devices not verified\nequal\n"));
	assert_non_null(strstr((char *)json.p, "\"equal\",\"acpi\":\"event-log\""));
	m.platform = MR_EMULATED; /* has none */
	compare(&src, &m, &got, NULL, &want, &d);
	report(&d, &want, &got, &text, &json);
	assert_true(!strstr((char *)text.p, "devices not") && !strstr((char *)json.p, "\"acpi\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_blobs_equal_real_logs),
		cmocka_unit_test(equal_is_equal),
		cmocka_unit_test(each_difference_is_named),
		cmocka_unit_test(every_event_has_a_cause),
		cmocka_unit_test(forged_log_proves_nothing),
		cmocka_unit_test(other_number_of_events),
		cmocka_unit_test(text_fits_and_json_is_whole),
		cmocka_unit_test(who_vouches_for_acpi_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
