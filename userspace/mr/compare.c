// SPDX-License-Identifier: Apache-2.0
/* What differs between an expected and an actual TD, and what usually makes it differ. */
#include "compare.h"

#include <stdarg.h>

#define MIB	   (1ull << 20)
#define MAX_GUESS  (2048ull << 30)
#define FINE_GUESS (32ull << 30) /* up to here each multiple of 64 MiB is tried */

static const struct {
	const char *name, *cause;
} causes[] = {
	{ "td-hob", "another amount of memory, or firmware with another memory layout" },
	{ "cfv", "firmware of another build: its variable store is not that of the reference" },
	{ "secure-boot", "Secure Boot is set up: this variable is not empty" },
	{ "pk", "a platform key is enrolled" },
	{ "kek", "a key exchange key is enrolled" },
	{ "db", "the signature database is not empty" },
	{ "dbx", "the forbidden signature database is not empty" },
	{ "separator", "the firmware reported an error before this point" },
	{ "acpi-loader", "number of CPUs, devices, or another QEMU: the tables have other sizes" },
	{ "acpi-rsdp", "number of CPUs, devices, or another QEMU: the tables have other sizes" },
	{ "acpi-tables",
	  "number of CPUs, memory, devices, 64-bit PCI window, or another QEMU version" },
	{ "boot-order", "the firmware has more or other boot options" },
	{ "boot0000", "the first boot option is another: firmware of another build" },
	{ "kernel", "another kernel, an initrd of another size, or below 2816 MiB other memory" },
	{ "boot-option", "the boot path is another: not a directly booted kernel" },
	{ "exit-boot-services", "the boot path is another: not a directly booted kernel" },
	{ "exit-boot-services-done", "the boot path is another: not a directly booted kernel" },
	{ "cmdline", "another kernel command line (the image's metadata.json)" },
	{ "initrd", "another initrd" },
};

static const char *cause_of(const char *name)
{
	for (size_t i = 0; i < DS_ARRAY_SIZE(causes); i++)
		if (!strcmp(causes[i].name, name))
			return causes[i].cause;
	return "an event that this profile does not have";
}

static void say(char out[MR_CAUSE], const char *fmt, ...) DS_PRINTF(2, 3);
static void say(char out[MR_CAUSE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(out, MR_CAUSE, fmt, ap);
	va_end(ap);
}

/* Which amount of memory has this HOB? 0: none that was tried. */
static uint64_t guess_memory(const struct mr_source *src, const uint8_t digest[MR_SIZE])
{
	uint8_t d[MR_SIZE];

	for (uint64_t m = 64 * MIB; m <= MAX_GUESS; m += m < FINE_GUESS ? 64 * MIB : 1024 * MIB)
		if (!mr_hob_digest(&src->tdvf, m, d, NULL) && !memcmp(d, digest, MR_SIZE))
			return m;
	return 0;
}

static void explain_event(const struct mr_source *src, const struct mr_machine *m,
			  struct mr_diff *d, struct mr_diff_event *e)
{
	uint64_t memory;

	say(e->cause, "%s", cause_of(e->name));
	if (!e->actual)
		say(e->cause, "missing in the log: %s",
		    strncmp(e->name, "acpi", 4) ? "the boot ended earlier or took another path"
						: "an emulated TD has no ACPI events");
	else if (!e->expected)
		say(e->cause, "%s", cause_of(""));
	else if (!strcmp(e->name, "td-hob") && (memory = guess_memory(src, e->got)))
		say(e->cause, "the TD has %llu MiB of memory, expected %llu MiB",
		    (unsigned long long)(memory / MIB), (unsigned long long)(m->memory / MIB));
	else if ((!strcmp(e->name, "acpi-loader") || !strcmp(e->name, "acpi-rsdp")) && d->cpus)
		say(e->cause, "the TD's tables: %u CPUs, DSDT %u bytes, interrupts as QEMU %s",
		    d->cpus, d->layout.dsdt, d->layout_old ? "before 9.2" : "9.2 and later");
}

/* The log's extended events of one register, up to limit. */
static size_t pick(const struct ds_eventlog *log, uint32_t imr, const struct ds_event **ret,
		   size_t limit)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n && n < limit; i++)
		if (log->ev[i].imr == imr && log->ev[i].type != DS_EV_NO_ACTION)
			ret[n++] = &log->ev[i];
	return n;
}

static int replays(const struct ds_event *const *ev, size_t n, const uint8_t want[MR_SIZE],
		   bool *ret)
{
	uint8_t reg[MR_SIZE] = { 0 };

	for (size_t i = 0; i < n; i++)
		DS_TRY(mr_fold(reg, ev[i]->digest));
	*ret = !memcmp(reg, want, MR_SIZE);
	return 0;
}

/* Find the three ACPI digests of the log and what they say. */
static void read_layout(const struct ds_eventlog *log, struct mr_diff *d)
{
	const struct ds_event *ev[MR_MAX_DIFF];
	size_t n = pick(log, 0, ev, MR_MAX_DIFF);

	for (size_t i = 0; i + 1 < n; i++) {
		if (ev[i]->type != MR_EV_ACPI || ev[i + 1]->type != MR_EV_ACPI)
			continue;
		if (!mr_acpi_layout(ev[i]->digest, ev[i + 1]->digest, &d->layout, &d->cpus,
				    &d->layout_old))
			d->cpus = 0;
		return;
	}
}

static int compare_events(const struct mr_source *src, const struct mr_machine *m,
			  const struct mr_events *want, const uint8_t got[MR_SIZE],
			  const struct ds_eventlog *log, uint32_t index, struct mr_diff *d)
{
	const struct ds_event *ev[MR_MAX_DIFF];
	struct mr_diff_register *reg = &d->rtmr[index];
	size_t n = pick(log, index, ev, MR_MAX_DIFF);

	DS_TRY(replays(ev, n, got, &reg->log_replays));
	reg->n = n > want->n ? n : want->n;
	for (size_t i = 0; i < reg->n; i++) {
		struct mr_diff_event *e = &reg->ev[i];

		e->expected = i < want->n;
		e->actual = i < n;
		e->name = e->expected ? want->ev[i].name : "";
		if (e->expected)
			memcpy(e->want, want->ev[i].digest, MR_SIZE);
		if (e->actual)
			memcpy(e->got, ev[i]->digest, MR_SIZE);
		e->equal = e->expected && e->actual && !memcmp(e->want, e->got, MR_SIZE);
		if (!e->equal)
			explain_event(src, m, d, e);
	}
	return 0;
}

static size_t count_actual(const struct mr_diff_register *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->ev[i].actual;
	return n;
}

static size_t count_different(const struct mr_diff_register *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += !r->ev[i].equal;
	return n;
}

static void explain_register(const struct mr_result *want, struct mr_diff *d, size_t index)
{
	static const char *const made_of[] = {
		"memory, firmware, ACPI tables (CPUs, devices, QEMU)",
		"kernel, size of the initrd, below 2816 MiB also memory",
		"command line, initrd",
	};
	struct mr_diff_register *reg = &d->rtmr[index];

	if (!d->has_log)
		say(reg->cause, "made of %s; --event-log says which", made_of[index]);
	else if (!reg->log_replays)
		say(reg->cause, "the log does not replay to this register: it proves nothing here");
	else if (reg->ev[reg->n - 1].expected != reg->ev[reg->n - 1].actual)
		say(reg->cause,
		    "%zu events expected, %zu in the log: another --platform or boot path",
		    want->events[index].n,
		    reg->ev[reg->n - 1].expected ? count_actual(reg) : reg->n);
	else
		say(reg->cause, "%zu of %zu events differ", count_different(reg), reg->n);
}

static void explain_mrtd(const struct mr_source *src, const struct mr_machine *m,
			 const struct mr_registers *got, struct mr_diff *d)
{
	if (!memcmp(src->mrtd[!m->two_pass], got->mrtd, MR_SIZE))
		say(d->mrtd_cause, "same firmware, pages added %s: use --%s",
		    m->two_pass ? "in a single pass (QEMU 9 and later)"
				: "in two passes (QEMU before 9)",
		    m->two_pass ? "single-pass" : "two-pass");
	else
		say(d->mrtd_cause, "another firmware file");
}

int mr_compare(const struct mr_source *src, const struct mr_machine *m,
	       const struct mr_result *want, const struct mr_registers *got,
	       const struct ds_eventlog *log, struct mr_diff *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->has_log = log;
	ret->acpi_from = m->platform == MR_QEMU ? m->acpi_from : NULL;
	ret->mrtd_equal = !memcmp(want->mrtd, got->mrtd, MR_SIZE);
	ret->equal = ret->mrtd_equal;
	if (!ret->mrtd_equal)
		explain_mrtd(src, m, got, ret);
	if (log)
		read_layout(log, ret);
	for (uint32_t i = 0; i < 3; i++) {
		ret->rtmr[i].equal = !memcmp(want->rtmr[i], got->rtmr[i], MR_SIZE);
		ret->equal &= ret->rtmr[i].equal;
		if (log)
			DS_TRY(compare_events(src, m, &want->events[i], got->rtmr[i], log, i, ret));
		if (!ret->rtmr[i].equal)
			explain_register(want, ret, i);
	}
	return 0;
}
