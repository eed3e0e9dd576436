// SPDX-License-Identifier: Apache-2.0
/* The machine behind the digests of etc/acpi/rsdp and etc/table-loader. */
#include "compare.h"

#include <ds/crypto/hash.h>

#define MAX_RSDT      (DS_ACPI_MAX_BLOB / 8)
#define MAX_XAPIC     255u
#define APIC_FIXED    62u /* header, I/O APIC, NMI */
#define OVERRIDE      10u
#define OVERRIDES     5u  /* QEMU: five interrupts have one */
#define OVERRIDES_OLD 16u /* TDX branches before 9.2: all */

static bool gives(const uint8_t want[MR_SIZE], int (*make)(const struct ds_acpi *, struct ds_buf *),
		  struct ds_acpi_layout l)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;
	uint8_t digest[MR_SIZE];
	struct ds_acpi acpi;

	ds_acpi_from_layout(l, &acpi);
	return !make(&acpi, &buf) && !ds_sha384_1(ds_buf_span(&buf), digest) &&
	       !memcmp(digest, want, MR_SIZE);
}

static bool search_apic(const uint8_t loader[MR_SIZE], uint32_t rest, uint32_t overrides,
			struct ds_acpi_layout *ret, uint32_t *ret_cpus)
{
	for (uint32_t cpus = 1; cpus <= MAX_XAPIC; cpus++) {
		uint32_t apic = APIC_FIXED + OVERRIDE * overrides + 8 * cpus;
		struct ds_acpi_layout l = { .dsdt = rest - apic, .apic = apic };

		if (apic >= rest)
			return false;
		if (!gives(loader, ds_acpi_loader, l))
			continue;
		*ret = l;
		*ret_cpus = cpus;
		return true;
	}
	return false;
}

bool mr_acpi_layout(const uint8_t loader[MR_SIZE], const uint8_t rsdp[MR_SIZE],
		    struct ds_acpi_layout *ret, uint32_t *ret_cpus, bool *ret_old)
{
	struct ds_acpi_layout l = { .apic = APIC_FIXED };
	uint32_t rest; /* DSDT and APIC */

	for (rest = 2 * APIC_FIXED; rest < MAX_RSDT; rest++) {
		l.dsdt = rest - l.apic;
		if (gives(rsdp, ds_acpi_rsdp, l))
			break;
	}
	if (rest == MAX_RSDT)
		return false;
	*ret_old = !search_apic(loader, rest, OVERRIDES, ret, ret_cpus);
	return !*ret_old || search_apic(loader, rest, OVERRIDES_OLD, ret, ret_cpus);
}
