// SPDX-License-Identifier: Apache-2.0
/* Tests of dstack-mr against the values of spec/boot.md 5.3 to 5.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "mr.h"

#include <ds/base/file.h>
#include <ds/base/rd.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

static const struct ds_tdvf firmware = {
	.n = 4,
	.s = {
		{ .gpa = 0x810000, .mem_size = 0x10000, .type = DS_TDVF_TEMP_MEM },
		{ .gpa = 0x80b000, .mem_size = 0x2000, .type = DS_TDVF_TEMP_MEM },
		{ .gpa = 0x809000, .mem_size = 0x2000, .type = DS_TDVF_TD_HOB },
		{ .gpa = 0x800000, .mem_size = 0x6000, .type = DS_TDVF_TEMP_MEM },
	},
};

static int measure(uint64_t memory, enum mr_platform platform, struct mr_result *ret)
{
	struct mr_source src = { .tdvf = firmware };
	struct mr_machine m = { .memory = memory, .cpus = 1, .platform = platform };

	for (size_t i = 0; i < MR_ACPI_BLOBS; i++)
		memset(m.acpi[i], (int)i + 1, MR_SIZE);
	return mr_measure(&src, &m, ret, NULL);
}

static void rtmr0_events_are_the_known_ones(void **state)
{
	static const char *const prefix[] = {
		"0b8772e5b0b41b83", "344bc51c980ba621", "9dc3a1f80bcec915", "6f2e3cbc14f9def8",
		"d607c0efb41c0d75", "08a74f8963b337ac", "18cc6e01f0c6ea99", "394341b7182cd227",
		"0101010101010101", "0202020202020202", "0303030303030303", "1dd6f7b457ad880d",
		"23ada07f5261f12f",
	};
	struct mr_result mr;
	char hex[17];

	assert_int_equal(measure(2ull << 30, MR_QEMU, &mr), 0);
	assert_int_equal(mr.events[0].n, DS_ARRAY_SIZE(prefix));
	for (size_t i = 0; i < DS_ARRAY_SIZE(prefix); i++)
		assert_string_equal(ds_hex_encode(mr.events[0].ev[i].digest, 8, hex), prefix[i]);
	/* the emulated platform: the same without ACPI */
	assert_int_equal(measure(2ull << 30, MR_EMULATED, &mr), 0);
	assert_int_equal(mr.events[0].n, DS_ARRAY_SIZE(prefix) - MR_ACPI_BLOBS);
	for (size_t i = 0, k = 0; i < mr.events[0].n; i++, k++) {
		k += k == 8 ? MR_ACPI_BLOBS : 0;
		assert_string_equal(ds_hex_encode(mr.events[0].ev[i].digest, 8, hex), prefix[k]);
	}
}

/* Event 0 of real quotes from machines of 2 and 64 GiB (spec/boot.md 5.3). */
static void hob_equals_real_quotes(void **state)
{
	static const struct {
		uint64_t memory;
		const char *digest;
	} v[] = {
		{ 2ull << 30, "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fd"
			      "acbb37948f821ebaf8bc9c938ba8a749" },
		{ 64ull << 30, "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2a"
			       "de19b6a62a203fc3c3bbdaae80af596d" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(v); i++) {
		char hex[2 * MR_SIZE + 1];
		uint8_t d[MR_SIZE];

		assert_int_equal(mr_hob_digest(&firmware, v[i].memory, d, NULL), 0);
		assert_string_equal(ds_hex_encode(d, MR_SIZE, hex), v[i].digest);
	}
}

/*
 * The reference's vector of 2 CPUs and 2 GiB on QEMU 8.2.2 (spec/boot.md 5.7), from its published
 * material; the three ACPI digests are those of its event log.
 */
static void lite_vector_is_reproduced(void **state)
{
	static const char material[] =
		"a36776657273696f6e0365696d616765a36e636d646c696e655f73686133383458307862"
		"80842b7364287a3a70d96f7e309252857beb45fb1f91314a2ea863db0adc04c8431ecbf2"
		"9a966405604631a5aab8736b65726e656c5f61757468656e7469636f64655830ac7e632d"
		"cf5cd2a1fe5c1f41f4d9b8219570e64ed3c61038fdbf25404e6f542ffd57f276bc507630"
		"7efaf882e6d641776d696e697472645f73686133383458304fe4f7710134a61d7def357a"
		"dd6ac50bdbfeee5032a4c100375e207216ffe42a3bd5822b24e679f91501fff795b81521"
		"6474647666a3646f766d6669707265323032353035646d727464a26b73696e676c655f70"
		"6173735830a6f2ac9451810686a4db259fe8fa5438dc4a58bda9fd2f5b1fb09283357055"
		"00d29a15c92387416a2f52dddce99c83f86874776f5f706173735830fd685522ce791dfe"
		"f67414614eb07d03fc07a32c5a66f36288b329dab92b724b1564c73d436ffb9ea84488c5"
		"1ac5a1c56674645f686f624c80100904000609020b021010";
	static const char *const acpi[MR_ACPI_BLOBS] = {
		"095d04cf26fe03aef6e3561fa24c1aa1cea93f4aeaf563b1f9f7616184c53454"
		"875925759434769cec2490acb563a337",
		"8d9a4d4777a1bc77ecd9d8d37a4628129a80052a510320159a20a923bd07a0e9"
		"0d8d1f2e1ebf088992b25f0d0fa672ef",
		"3070721e169bc41884724cb0e6b3082e1baf249083d8b389181ba50b9afa9510"
		"57876c380b8870e8c2facf2eff67a2b6",
	};
	static const char *const want[] = {
		"fd685522ce791dfef67414614eb07d03fc07a32c5a66f36288b329dab92b724b"
		"1564c73d436ffb9ea84488c51ac5a1c5",
		"f8438db36b96f85d8752ff7f24a89ec05c79ec9eda2ba732c897fb970ca42936"
		"5b7471b1c054cb84f17b1c2b23ba6640",
		"2023546e7f3b9d1228e274f70c44d481162540f8452544520a796a52f0687970"
		"9b81a824a26792a7822327504b0d2aee",
		"4c1b739ed451a637b0f82642e48a5ea83925d23633c72e7385c8e9aca4175e13"
		"3ed1625b7d92eb39edf509c27ff392dc",
	};
	struct mr_machine m = {
		.memory = 2ull << 30, .cpus = 2, .platform = MR_QEMU, .two_pass = true
	};
	DS_BUF struct ds_buf cbor = DS_BUF_NULL;
	struct mr_source src;
	struct mr_result mr;
	struct ds_err err = DS_ERR_NULL;
	char hex[2 * MR_SIZE + 1];

	assert_int_equal(ds_hex_decode_buf(material, sizeof(material) - 1, 1024, &cbor), 0);
	for (size_t i = 0; i < MR_ACPI_BLOBS; i++)
		assert_int_equal(ds_hex_decode_exact(acpi[i], m.acpi[i], MR_SIZE), 0);
	assert_int_equal(mr_source_material(ds_buf_span(&cbor), m.memory, &src, &err), 0);
	assert_int_equal(mr_measure(&src, &m, &mr, &err), 0);
	assert_string_equal(ds_hex_encode(mr.mrtd, MR_SIZE, hex), want[0]);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(ds_hex_encode(mr.rtmr[i], MR_SIZE, hex), want[1 + i]);
	/* the kernel's digest is that of 2 GiB or 2816 MiB and more */
	assert_int_equal(mr_source_material(ds_buf_span(&cbor), 0xb0000000ull, &src, &err), 0);
	assert_int_equal(mr_source_material(ds_buf_span(&cbor), 0xaff00000ull, &src, &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "2815 MiB"));
}

/*
 * RTMR0 of the other vectors of 5.7: release 0.5.5 with 1 CPU, and 16 CPUs, 64 GiB and a GPU. The ACPI digests are of
 * tables that "dstack-mr acpi" had QEMU 8.2.2 make (13-measurements); the log of the second has the same.
 */
static void rtmr0_of_real_tables(void **state)
{
	static const struct {
		uint64_t memory;
		const char *acpi[MR_ACPI_BLOBS], *want;
	} rows[] = {
		{ 2ull << 30,
		  { "39740da2ea1e7e6c69e5e6569755b2ad6d622a8a9983a2c5b32d5574"
			  "659dbdc4ca8b95b1c766bd610bc5c26dcde842f8",
		    "6385b89d2decb3de678d51faba0ff3506835915818fd3ee53a739aa6"
			  "78cd9c76bdd755adfa0aa714cf35a1abe062b253",
		    "05705c3ca9d71e908d5ce70d4331b6aadce5331b9a6a546f222f017f"
			  "b0e1797b951a3dac72f59cb197a0c897a201ca07" },
		  "68102e7b524af310f7b7d426ce75481e36c40f5d513a9009c046e9d3"
			  "7e31551f0134d954b496a3357fd61d03f07ffe96" },
		{ 64ull << 30,
		  { "2065dd48d647e4377db277ba203526901a17845e93e0df4c2dfc3ce1"
			  "36e0910324ead1e1c86b8d90c2acdf9c85ffac53",
		    "772b0169c66b52e4453fff9e3c6257635ea950ebcc8edd7ef2e2f824"
			  "1cf6a155f39df01a7c7a194b6bc0abe5de11861d",
		    "abfb2256644b5786eefdcb92303d2008c36cb9500d98997e215ef508"
			  "0745d4bf2e5b3629090918e193e7f05b173d48c5" },
		  "2e3843265f8ecdd4e2282694747f6f2f111605c33f2a8882f5734ee6"
			  "f3a6ce63d8f34aeef06093dcda76fa5f9d33d8d6" },
	};
	struct mr_source src = { .tdvf = firmware };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct mr_machine m = { .memory = rows[i].memory, .cpus = 1, .platform = MR_QEMU };
		char hex[2 * MR_SIZE + 1];
		struct mr_result mr;

		for (size_t k = 0; k < MR_ACPI_BLOBS; k++)
			assert_int_equal(ds_hex_decode_exact(rows[i].acpi[k], m.acpi[k], MR_SIZE), 0);
		assert_int_equal(mr_measure(&src, &m, &mr, NULL), 0);
		assert_string_equal(ds_hex_encode(mr.rtmr[0], MR_SIZE, hex), rows[i].want);
	}
}

static void replay_is_the_extend_rule(void **state)
{
	struct mr_events e = { .ev = { { "a", { 1 } }, { "b", { 2 } } }, .n = 0 };
	uint8_t reg[MR_SIZE], old[2 * MR_SIZE] = { 0 }, want[MR_SIZE];

	assert_int_equal(mr_replay(&e, reg), 0);
	assert_memory_equal(reg, old, MR_SIZE);
	memcpy(old + MR_SIZE, e.ev[0].digest, MR_SIZE);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(old), want), 0);
	memcpy(old, want, MR_SIZE);
	memcpy(old + MR_SIZE, e.ev[1].digest, MR_SIZE);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(old), want), 0);
	e.n = 2;
	assert_int_equal(mr_replay(&e, reg), 0);
	assert_memory_equal(reg, want, MR_SIZE);
}

/* A PE file with a Linux setup header: MZ at 0, PE header behind the setup header. */
#define KERNEL_SIZE 0x800u
#define PE	    0x280u

static void make_kernel(uint8_t *k)
{
	for (size_t i = 0; i < KERNEL_SIZE; i++)
		k[i] = (uint8_t)(i * 3);
	memset(k, 0, 0x400);
	memcpy(k, "MZ", 2);
	ds_put_u32le(k + 60, PE);
	memcpy(k + 0x202, "HdrS", 4);
	ds_put_u16le(k + 0x206, 0x20f);
	k[0x211] = 1;
	ds_put_u16le(k + 0x236, 0x7f);
	memcpy(k + PE, "PE\0\0", 4);
	ds_put_u16le(k + PE + 6, 1);
	ds_put_u16le(k + PE + 20, 160);
	ds_put_u16le(k + PE + 24, 0x20b);
	ds_put_u32le(k + PE + 24 + 60, 0x400);
	ds_put_u32le(k + PE + 24 + 108, 6);
	ds_put_u32le(k + PE + 24 + 160 + 16, 0x400);
	ds_put_u32le(k + PE + 24 + 160 + 20, 0x400);
}

/* A firmware of one descriptor: TD HOB and one page of code. */
static void make_firmware(uint8_t *fw, size_t n)
{
	static const uint8_t tail[] = {
		0,    0,    0,	  0,	22,   0,    0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
		0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2, 40,   0,    0xde, 0x82, 0xb5, 0x96,
		0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d
	};
	uint8_t *d = fw + n - 0x200;

	memset(fw, 0x5a, n);
	memcpy(fw + n - 32 - sizeof(tail), tail, sizeof(tail));
	ds_put_u32le(fw + n - 32 - sizeof(tail), 0x200);
	memset(d, 0, 16 + 64);
	memcpy(d, "TDVF", 4);
	ds_put_u32le(d + 4, 16 + 64);
	ds_put_u32le(d + 8, 1);
	ds_put_u32le(d + 12, 2);
	ds_put_u32le(d + 16 + 4, 0x2000);
	ds_put_u32le(d + 16 + 8, 0xffffe000);
	ds_put_u32le(d + 16 + 16, 0x2000);
	ds_put_u32le(d + 16 + 28, DS_TDVF_MR_EXTEND);
	ds_put_u32le(d + 48 + 8, 0x809000);
	ds_put_u32le(d + 48 + 16, 0x2000);
	ds_put_u32le(d + 48 + 24, DS_TDVF_TD_HOB);
}

static void kernel_is_hashed_as_patched(void **state)
{
	static const char initrd[] = "not really an initrd";
	uint8_t k[KERNEL_SIZE], fw[0x2000], want[MR_SIZE];
	struct mr_input in = { .kernel = DS_SPAN_ARRAY(k), .cmdline = "a" };
	struct mr_source src;
	struct ds_span parts[3];

	make_kernel(k);
	make_firmware(fw, sizeof(fw));
	in.firmware = DS_SPAN_ARRAY(fw);
	in.initrd = DS_SPAN(initrd, sizeof(initrd) - 1);
	assert_int_equal(mr_source_files(&in, 2ull << 30, &src, NULL), 0);
	/* What the VMM writes, by hand. */
	k[0x210] = 0xb0;
	k[0x211] = 0x81;
	ds_put_u32le(k + 0x218, 0x7ffd7000);
	ds_put_u32le(k + 0x21c, sizeof(initrd) - 1);
	ds_put_u32le(k + 0x224, 0xfe00);
	ds_put_u32le(k + 0x228, 0x20000);
	parts[0] = DS_SPAN(k, PE + 24 + 64);
	parts[1] = DS_SPAN(k + PE + 24 + 68, 112 + 32 - 68);
	parts[2] = DS_SPAN(k + PE + 24 + 112 + 40, KERNEL_SIZE - (PE + 24 + 112 + 40));
	assert_int_equal(ds_sha384(parts, 3, want), 0);
	assert_memory_equal(src.kernel, want, MR_SIZE);
	assert_memory_not_equal(src.mrtd[0], src.mrtd[1], MR_SIZE); /* more than one page */
}

static void cmdline_and_initrd_are_hashed(void **state)
{
	/* "a initrd=initrd" in UTF-16LE with its terminator */
	static const uint8_t options[] = "a\0 \0i\0n\0i\0t\0r\0d\0=\0i\0n\0i\0t\0r\0d\0\0";
	uint8_t k[KERNEL_SIZE], fw[0x2000], want[MR_SIZE];
	struct mr_input in = { .cmdline = "a", .initrd = DS_SPAN_LIT("i") };
	struct ds_err err = DS_ERR_NULL;
	struct mr_source src;

	make_kernel(k);
	make_firmware(fw, sizeof(fw));
	in.kernel = DS_SPAN_ARRAY(k);
	in.firmware = DS_SPAN_ARRAY(fw);
	assert_int_equal(mr_source_files(&in, 2ull << 30, &src, NULL), 0);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(options), want), 0);
	assert_memory_equal(src.cmdline, want, MR_SIZE);
	assert_int_equal(ds_sha384_1(DS_SPAN_LIT("i"), want), 0);
	assert_memory_equal(src.initrd, want, MR_SIZE);
	in.cmdline = "a\n";
	assert_int_equal(mr_source_files(&in, 2ull << 30, &src, &err), -EBADMSG);
	in.cmdline = "\xc3\xa9";
	assert_int_equal(mr_source_files(&in, 2ull << 30, &src, &err), -EBADMSG);
}

/* What an image says about itself gives the registers that its files give. */
static void material_equals_files(void **state)
{
	uint8_t k[KERNEL_SIZE], fw[0x2000];
	struct mr_input in = { .cmdline = "quiet", .initrd = DS_SPAN_LIT("i") };
	DS_BUF struct ds_buf cbor = DS_BUF_NULL;
	struct mr_source files, material;
	struct mr_machine m = { .memory = 4ull << 30, .cpus = 1 };
	struct mr_result a, b;

	make_kernel(k);
	make_firmware(fw, sizeof(fw));
	in.kernel = DS_SPAN_ARRAY(k);
	in.firmware = DS_SPAN_ARRAY(fw);
	assert_int_equal(mr_material(&in, &cbor, NULL), 0);
	for (int pass = 0; pass < 2; pass++) {
		m.two_pass = pass;
		assert_int_equal(mr_source_files(&in, m.memory, &files, NULL), 0);
		assert_int_equal(mr_source_material(ds_buf_span(&cbor), m.memory, &material, NULL),
				 0);
		assert_int_equal(mr_measure(&files, &m, &a, NULL), 0);
		assert_int_equal(mr_measure(&material, &m, &b, NULL), 0);
		assert_memory_equal(a.mrtd, b.mrtd, MR_SIZE);
		assert_memory_equal(a.rtmr, b.rtmr, sizeof(a.rtmr));
	}
}

/* The real launch of spec/boot.md 8: its report's MEASUREMENT. */
static void snp_vector_is_reproduced(void **state)
{
	static const char cmdline[] =
		"console=ttyS0 init=/init panic=1 net.ifnames=0 biosdevname=0 mce=off oops=panic "
		"pci=noearly pci=nommconf random.trust_cpu=y random.trust_bootloader=n "
		"tsc=reliable no-kvmclock dstack.rootfs_hash="
		"ca5adaef0ac3a36108035925763b48a5818f634e700fbaab561d419fd30d7121 "
		"dstack.rootfs_size=490713088";
	struct ds_snp_material m = {
		.cmdline = { (const uint8_t *)cmdline, sizeof(cmdline) - 1 },
		.hashes_gpa = 8457216,
		.reset_eip = 8433668,
		.s = { { 8388608, 36864, DS_SNP_SEC_MEMORY },
		       { 8429568, 12288, DS_SNP_SEC_MEMORY },
		       { 8441856, 4096, DS_SNP_SECRETS },
		       { 8445952, 4096, DS_SNP_CPUID },
		       { 8450048, 4096, DS_SNP_SVSM_CAA },
		       { 8458240, 61440, DS_SNP_SEC_MEMORY },
		       { 8454144, 4096, DS_SNP_KERNEL_HASHES } },
		.n = 7,
	};
	struct mr_snp vm = { .vcpus = 2, .vcpu_sig = MR_SNP_EPYC_V4, .features = 1 };
	uint8_t ld[MR_SIZE], other[MR_SIZE];
	char hex[2 * MR_SIZE + 1];

	assert_int_equal(ds_hex_decode_exact("ffb57e393469a497c0e3b07bd1c97d8611e555f464d14491"
					     "837665893ac642b263a71f9507ff100a847897fe0c3f8c6f",
					     m.ovmf, 48),
			 0);
	assert_int_equal(ds_hex_decode_exact("dd9ea274ce9a07090b22e8284b0c841b"
					     "65c021c2d15ca57d0f16731089dd226c",
					     m.kernel, 32),
			 0);
	assert_int_equal(ds_hex_decode_exact("5f844c4a2ca5a3d0711b3db38293b21b"
					     "a929bb8e0b3c5bc1a779a57f69221c19",
					     m.initrd, 32),
			 0);
	assert_int_equal(mr_snp_launch(&m, &vm, ld, NULL), 0);
	assert_string_equal(ds_hex_encode(ld, MR_SIZE, hex),
			    "7f51e17f72a04d5422cb2c00998166536019a217376f3aa4"
			    "5a630e59c805a599847ff250dbffcd07e1ba639771d6f05d");
	vm.vcpus = 1;
	assert_int_equal(mr_snp_launch(&m, &vm, other, NULL), 0);
	assert_memory_not_equal(ld, other, MR_SIZE);
	vm.vcpus = 0;
	assert_int_equal(mr_snp_launch(&m, &vm, other, NULL), -EINVAL);
	vm.vcpus = MR_SNP_MAX_VCPUS + 1;
	assert_int_equal(mr_snp_launch(&m, &vm, other, NULL), -EINVAL);
	vm.vcpus = 1;
	m.n = 6;
	assert_int_equal(mr_snp_launch(&m, &vm, other, NULL), -EBADMSG);
}

static void snp_firmware_is_whole_pages(void **state)
{
	static const uint8_t fw[8192] = { 1 };
	uint8_t info[0x70] = { 0 }, page[MR_SIZE], ld[MR_SIZE], want[MR_SIZE];

	assert_int_equal(ds_sha384_1(DS_SPAN(fw, 4096), page), 0);
	memcpy(info + 48, page, MR_SIZE);
	info[96] = 0x70;
	info[98] = 1;
	ds_put_u64le(info + 104, 0xfffff000);
	assert_int_equal(ds_sha384_1(DS_SPAN_ARRAY(info), want), 0);
	assert_int_equal(mr_snp_firmware(DS_SPAN(fw, 4096), ld, NULL), 0);
	assert_memory_equal(ld, want, MR_SIZE);
	assert_int_equal(mr_snp_firmware(DS_SPAN(fw, 4097), ld, NULL), -EBADMSG);
	assert_int_equal(mr_snp_firmware(DS_SPAN(fw, 0), ld, NULL), -EBADMSG);
}

static void put(int dir, const char *name, const void *p, size_t n)
{
	assert_int_equal(ds_write_file_atomic(dir, name, DS_SPAN(p, n), 0644), 0);
}

static void image_hash_is_that_of_the_list(void **state)
{
	static const char meta[] = "{\"cmdline\":\"console=ttyS0\",\"kernel\":\"bzImage\"}";
	static const struct mr_machine m = { .memory = 2ull << 30, .cpus = 1 };
	char tmp[] = "/tmp/mr-test-XXXXXX", hex[65], path[64];
	DS_BUF struct ds_buf list = DS_BUF_NULL, json = DS_BUF_NULL, json2 = DS_BUF_NULL,
			     want = DS_BUF_NULL;
	static const char *const names[] = { "ovmf.fd",		  "bzImage",
					     "initramfs.cpio.gz", "metadata.json",
					     "measurement.json",  "sha256sum.txt" };
	uint8_t k[KERNEL_SIZE], fw[0x2000], hash[32], again[32];
	struct ds_err err = DS_ERR_NULL;
	struct mr_result mr;
	int dir;

	assert_non_null(mkdtemp(tmp));
	dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	make_kernel(k);
	make_firmware(fw, sizeof(fw));
	put(dir, "bzImage", k, sizeof(k));
	put(dir, "metadata.json", meta, sizeof(meta) - 1);
	put(dir, "ovmf.fd", fw, sizeof(fw));
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "initramfs.cpio.gz"));
	put(dir, "initramfs.cpio.gz", "x", 1);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), 0);

	assert_int_equal(ds_read_file(dir, "measurement.json", 4096, &json), 0);
	assert_int_equal(mr_json(&mr, &m, &json2), 0);
	assert_true(ds_span_eq(ds_buf_span(&json), ds_buf_span(&json2)));
	assert_int_equal(ds_read_file(dir, "sha256sum.txt", 4096, &list), 0);
	for (int i = 0; i < 5; i++) {
		DS_BUF struct ds_buf f = DS_BUF_NULL;

		assert_int_equal(ds_read_file(dir, names[i], 1 << 20, &f), 0);
		assert_int_equal(ds_sha256_1(ds_buf_span(&f), again), 0);
		assert_int_equal(
			ds_buf_addf(&want, "%s  %s\n", ds_hex_encode(again, 32, hex), names[i]), 0);
	}
	assert_true(ds_span_eq(ds_buf_span(&list), ds_buf_span(&want)));
	assert_int_equal(ds_sha256_1(ds_buf_span(&list), again), 0);
	assert_memory_equal(hash, again, 32);

	put(dir, "metadata.json", "{\"cmdline\":\"a\",\"kernel\":\"other\"}", 32);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	put(dir, "metadata.json", "{\"cmdline\":\"a\",\"cmdline\":\"b\"}", 29);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	put(dir, "metadata.json", "{\"cmdline\":\"a\\u0000b\"}", 22);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	put(dir, "metadata.json", "[]", 2);
	assert_int_equal(mr_image(dir, "/nonexistent", &m, hash, &mr, &err), -EBADMSG);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", tmp, names[i]);
		unlink(path);
	}
	close(dir);
	assert_int_equal(rmdir(tmp), 0);
}

static int note(void *ctx, const char *name, enum mr_file_state state, const uint8_t listed[32],
		const uint8_t actual[32])
{
	return ds_buf_addf(ctx, "%s=%d ", name, state);
}

static void listed_files_are_checked(void **state)
{
	static const char *const names[] = { "a", "digest.txt", "sha256sum.txt" };
	static const char good[] =
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n"
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  gone\n";
	static const char *const bad[] = {
		"",
		"ca97",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb *a\n",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  \n",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  ../a\n",
		"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  b/a\n",
		"xa978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  a\n",
	};
	char tmp[] = "/tmp/mr-test-XXXXXX", hex[65], path[64];
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	uint8_t hash[32], want[32];
	int dir;

	assert_non_null(mkdtemp(tmp));
	dir = open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "a", "a", 1);
	put(dir, "sha256sum.txt", good, sizeof(good) - 1);
	assert_int_equal(ds_sha256_1(DS_SPAN_STR(good), want), 0);
	put(dir, "digest.txt", ds_hex_encode(want, 32, hex), 64);
	assert_int_equal(mr_image_hash(dir, note, &out, hash, NULL), 0);
	assert_memory_equal(hash, want, 32);
	assert_string_equal(ds_buf_cstr(&out), "a=0 gone=2 digest.txt=0 ");
	out.n = 0;
	put(dir, "a", "b", 1);
	hex[0] ^= 1;
	put(dir, "digest.txt", hex, 64);
	assert_int_equal(mr_image_hash(dir, note, &out, hash, NULL), 0);
	assert_string_equal(ds_buf_cstr(&out), "a=1 gone=2 digest.txt=1 ");
	for (size_t i = 0; i < DS_ARRAY_SIZE(bad); i++) {
		put(dir, "sha256sum.txt", bad[i], strlen(bad[i]));
		assert_int_equal(mr_image_hash(dir, note, &out, hash, NULL), -EBADMSG);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", tmp, names[i]);
		unlink(path);
	}
	assert_int_equal(mr_image_hash(dir, note, &out, hash, NULL), -ENOENT);
	close(dir);
	assert_int_equal(rmdir(tmp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtmr0_events_are_the_known_ones),
		cmocka_unit_test(rtmr0_of_real_tables),
		cmocka_unit_test(hob_equals_real_quotes),
		cmocka_unit_test(lite_vector_is_reproduced),
		cmocka_unit_test(replay_is_the_extend_rule),
		cmocka_unit_test(kernel_is_hashed_as_patched),
		cmocka_unit_test(cmdline_and_initrd_are_hashed),
		cmocka_unit_test(material_equals_files),
		cmocka_unit_test(snp_vector_is_reproduced),
		cmocka_unit_test(snp_firmware_is_whole_pages),
		cmocka_unit_test(image_hash_is_that_of_the_list),
		cmocka_unit_test(listed_files_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
