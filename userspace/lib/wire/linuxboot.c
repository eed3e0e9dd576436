// SPDX-License-Identifier: Apache-2.0
/*
 * The x86 setup header as QEMU fills it, see ds/wire/linuxboot.h and the kernel's
 * Documentation/arch/x86/boot.rst.
 */
#include <ds/base/rd.h>
#include <ds/wire/linuxboot.h>

#define DOMAIN "kernel"
/* Offsets of the setup header. */
#define HDR_MAGIC	0x202
#define HDR_VERSION	0x206
#define HDR_LOADER	0x210
#define HDR_LOADFLAGS	0x211
#define HDR_RAMDISK	0x218
#define HDR_RAMDISK_LEN 0x21c
#define HDR_HEAP_END	0x224
#define HDR_CMDLINE	0x228
#define HDR_INITRD_MAX	0x22c
#define HDR_XLOADFLAGS	0x236
#define HDR_END		0x268

#define LOADER_QEMU	   0xb0
#define LOADED_HIGH	   0x01
#define CAN_USE_HEAP	   0x80
#define XLF_ABOVE_4G	   0x40 /* the bit that the reference tests */
#define INITRD_MAX_DEFAULT 0x37ffffffu
#define ACPI_DATA_SIZE	   0x28000u
#define LOW_TOP		   0xB0000000u
#define LOW_SPLIT	   0x80000000u

static uint32_t initrd_limit(const uint8_t *k, uint16_t version)
{
	uint32_t max;

	if (version >= 0x20c)
		return ds_get_u16le(k + HDR_XLOADFLAGS) & XLF_ABOVE_4G ? UINT32_MAX
								       : INITRD_MAX_DEFAULT;
	max = ds_get_u32le(k + HDR_INITRD_MAX);
	return max ? max : INITRD_MAX_DEFAULT;
}

int ds_linux_patch(uint8_t *k, size_t n, uint64_t initrd_size, uint64_t memory, struct ds_err *err)
{
	uint32_t low = memory < LOW_TOP ? LOW_TOP : LOW_SPLIT, below, avail, limit;
	uint32_t real = 0x90000, cmdline = 0x9a000;
	uint16_t version;

	if (n < HDR_END || memcmp(k + HDR_MAGIC, "HdrS", 4) != 0)
		return ds_err_set(err, -EBADMSG, DOMAIN, HDR_MAGIC,
				  "no Linux setup header in %zu bytes", n);
	version = ds_get_u16le(k + HDR_VERSION);
	if (version < 0x203)
		return ds_err_set(err, -EBADMSG, DOMAIN, HDR_VERSION,
				  "boot protocol 0x%x, expected 0x203 or later", version);
	below = memory < low ? (uint32_t)memory : low;
	if (below <= ACPI_DATA_SIZE)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "%llu bytes of memory",
				  (unsigned long long)memory);
	avail = below - ACPI_DATA_SIZE;
	limit = initrd_limit(k, version);
	if (limit >= avail)
		limit = avail - 1;
	if (!initrd_size || initrd_size > limit)
		return ds_err_set(err, -EFBIG, DOMAIN, HDR_INITRD_MAX,
				  "initrd of %llu bytes, 1 to %u fit",
				  (unsigned long long)initrd_size, limit);
	if (k[HDR_LOADFLAGS] & LOADED_HIGH) {
		real = 0x10000;
		cmdline = 0x20000;
	}
	k[HDR_LOADER] = LOADER_QEMU;
	k[HDR_LOADFLAGS] |= CAN_USE_HEAP;
	ds_put_u32le(k + HDR_HEAP_END, cmdline - real - 0x200);
	ds_put_u32le(k + HDR_CMDLINE, cmdline);
	ds_put_u32le(k + HDR_RAMDISK, (limit - (uint32_t)initrd_size) & ~4095u);
	ds_put_u32le(k + HDR_RAMDISK_LEN, (uint32_t)initrd_size);
	return 0;
}
