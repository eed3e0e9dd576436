/* SPDX-License-Identifier: Apache-2.0 */
/* Command line of dstack-mr. */
#ifndef DSTACK_MR_OPTIONS_H
#define DSTACK_MR_OPTIONS_H

#include "mr.h"

#define DEFAULT_FIRMWARE "/usr/share/ovmf/OVMF.fd"

/* Where pages are added in: as --qemu-version says, or as told. */
enum page_order { ORDER_DEFAULT, ORDER_SINGLE, ORDER_TWO };

struct options {
	const char *command;
	const char *operand; /* DIR of image, hash; NULL */
	const char *firmware, *kernel, *initrd, *cmdline;
	const char *image, *material;
	const char *acpi, *acpi_log;
	const char *quote, *registers, *event_log;
	const char *qemu, *output;
	struct mr_machine machine;
	enum page_order order;
	unsigned int qemu_version; /* 100 * major + minor; 0: not given */
	/* SEV-SNP */
	struct mr_snp snp;
	/* devices of the VM whose ACPI tables are wanted */
	uint64_t gpus, nics, volumes, hole64;
	bool hotplug_off, share_disk, pic_off;
	bool json, help, version;
};

/* 0, or EXIT_USAGE with a message on stderr. */
DS_MUST int options_parse(int argc, char **argv, struct options *ret);
extern const char options_help[];

#endif
