// SPDX-License-Identifier: Apache-2.0
/* A comparison for people (80 columns, digests cut) and for machines (JSON, whole digests). */
#include "compare.h"

#include <ds/base/text.h>

#define WIDTH	 79
#define INDENT	 4
#define CUT	 5 /* bytes of a digest shown to people */
#define NAME_FMT "%-23s"

/* Text in lines of at most WIDTH columns, each indented; a word is not split. */
static int add_wrapped(struct ds_buf *buf, size_t indent, const char *text)
{
	size_t col = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (col && col + 1 + n > WIDTH) {
			DS_TRY(ds_buf_add(buf, "\n", 1));
			col = 0;
		}
		if (col)
			DS_TRY(ds_buf_add(buf, " ", 1));
		else
			DS_TRY(ds_buf_addf(buf, "%*s", (int)indent, ""));
		col = (col ? col + 1 : indent) + n;
		DS_TRY(ds_buf_add(buf, text, n));
		text += n;
		text += strspn(text, " ");
	}
	return col ? ds_buf_add(buf, "\n", 1) : 0;
}

static int add_pair(struct ds_buf *buf, const uint8_t *want, const uint8_t *got)
{
	char hex[2 * CUT + 1];

	DS_TRY(ds_buf_addf(buf, "differs  expected %s..",
			   want ? ds_hex_encode(want, CUT, hex) : "-"));
	return ds_buf_addf(buf, "  actual %s..\n", got ? ds_hex_encode(got, CUT, hex) : "-");
}

static int event_text(const struct mr_diff_event *e, struct ds_buf *buf)
{
	DS_TRY(ds_buf_addf(buf, "%*s" NAME_FMT " ", INDENT, "",
			   *e->name ? e->name : "(unexpected)"));
	if (e->equal)
		return ds_buf_addf(buf, "equal\n");
	DS_TRY(add_pair(buf, e->expected ? e->want : NULL, e->actual ? e->got : NULL));
	return add_wrapped(buf, (size_t)2 * INDENT, e->cause);
}

static int register_text(const char *name, bool equal, const uint8_t *want, const uint8_t *got,
			 const char *cause, struct ds_buf *buf)
{
	DS_TRY(ds_buf_addf(buf, "%-5s  ", name));
	if (equal)
		return ds_buf_addf(buf, "equal\n");
	DS_TRY(add_pair(buf, want, got));
	return add_wrapped(buf, INDENT, cause);
}

int mr_diff_text(const struct mr_diff *d, const struct mr_result *want,
		 const struct mr_registers *got, struct ds_buf *buf)
{
	static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2" };

	DS_TRY(register_text("mrtd", d->mrtd_equal, want->mrtd, got->mrtd, d->mrtd_cause, buf));
	for (size_t i = 0; i < 3; i++) {
		const struct mr_diff_register *r = &d->rtmr[i];

		DS_TRY(register_text(names[i], r->equal, want->rtmr[i], got->rtmr[i], r->cause,
				     buf));
		for (size_t k = 0; !r->equal && r->log_replays && k < r->n; k++)
			DS_TRY(event_text(&r->ev[k], buf));
	}
	/* these tables are code that the guest's kernel runs: whose they are belongs to the verdict */
	if (d->acpi_from && !strcmp(d->acpi_from, MR_ACPI_LOG))
		DS_TRY(ds_buf_addf(buf, MR_ACPI_NOTE));
	return ds_buf_addf(buf, "%s\n", d->equal ? "equal" : "different");
}

static int member_hex(struct ds_buf *buf, const char *name, const uint8_t *p)
{
	if (!p)
		return ds_buf_addf(buf, ",\"%s\":null", name);
	DS_TRY(ds_buf_addf(buf, ",\"%s\":\"", name));
	DS_TRY(ds_buf_add_hex(buf, DS_SPAN(p, MR_SIZE)));
	return ds_buf_add(buf, "\"", 1);
}

static int members(struct ds_buf *buf, const char *name, bool equal, const uint8_t *want,
		   const uint8_t *got, const char *cause)
{
	DS_TRY(ds_buf_addf(buf, "{\"name\":\"%s\",\"equal\":%s", name, equal ? "true" : "false"));
	DS_TRY(member_hex(buf, "expected", want));
	DS_TRY(member_hex(buf, "actual", got));
	/* causes are our own texts: printable, no quotes or backslashes */
	return equal ? 0 : ds_buf_addf(buf, ",\"cause\":\"%s\"", cause);
}

static int register_json(const struct mr_diff_register *r, struct ds_buf *buf)
{
	DS_TRY(ds_buf_addf(buf, ",\"log_replays\":%s,\"events\":[",
			   r->log_replays ? "true" : "false"));
	for (size_t k = 0; k < r->n; k++) {
		const struct mr_diff_event *e = &r->ev[k];

		if (k)
			DS_TRY(ds_buf_add(buf, ",", 1));
		DS_TRY(members(buf, e->name, e->equal, e->expected ? e->want : NULL,
			       e->actual ? e->got : NULL, e->cause));
		DS_TRY(ds_buf_add(buf, "}", 1));
	}
	return ds_buf_add(buf, "]", 1);
}

int mr_diff_json(const struct mr_diff *d, const struct mr_result *want,
		 const struct mr_registers *got, struct ds_buf *buf)
{
	static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2" };

	DS_TRY(ds_buf_addf(buf, "{\"verdict\":\"%s\"", d->equal ? "equal" : "different"));
	if (d->acpi_from)
		DS_TRY(ds_buf_addf(buf, ",\"acpi\":\"%s\"", d->acpi_from));
	if (d->cpus)
		DS_TRY(ds_buf_addf(buf,
				   ",\"acpi_layout\":{\"cpu_count\":%u,\"dsdt\":%u,\"apic\":%u,"
				   "\"before_qemu_9_2\":%s}",
				   d->cpus, d->layout.dsdt, d->layout.apic,
				   d->layout_old ? "true" : "false"));
	DS_TRY(ds_buf_addf(buf, ",\"registers\":["));
	DS_TRY(members(buf, "mrtd", d->mrtd_equal, want->mrtd, got->mrtd, d->mrtd_cause));
	for (size_t i = 0; i < 3; i++) {
		const struct mr_diff_register *r = &d->rtmr[i];

		DS_TRY(ds_buf_addf(buf, "},"));
		DS_TRY(members(buf, names[i], r->equal, want->rtmr[i], got->rtmr[i], r->cause));
		if (d->has_log)
			DS_TRY(register_json(r, buf));
	}
	return ds_buf_addf(buf, "}]}\n");
}
