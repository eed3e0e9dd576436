/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Userspace interface of tdx_emul.ko, the TDX module in software.
 *
 * /dev/tdx_emul_qe is where a test quoting enclave serves TDG.VP.VMCALL<GetQuote>. See
 * Documentation/ABI/testing/dev-tdx-emul-qe.
 */
#ifndef _UAPI_TDX_EMUL_H
#define _UAPI_TDX_EMUL_H

#include <linux/types.h>

#define TDX_EMUL_QE_DEVICE	"/dev/tdx_emul_qe"

/*
 * MRSEAM of every report made by the emulator:
 * SHA-384("dstack tdx_emul: emulated TDX module, no security"). A verifier that meets it must say
 * "emulated", whatever trust anchors it was given.
 */
#define DSTACK_EMUL_MRSEAM { \
	0xd6, 0x51, 0x46, 0xd9, 0x73, 0x2e, 0x4a, 0x68, \
	0xef, 0x12, 0xa5, 0xf3, 0x64, 0x31, 0x84, 0x98, \
	0x72, 0x27, 0x97, 0xad, 0xe1, 0x4b, 0xfe, 0x82, \
	0xf2, 0x3d, 0x21, 0xb7, 0x39, 0xfe, 0x1b, 0x26, \
	0x2b, 0x70, 0xb2, 0x95, 0xb9, 0xb3, 0x49, 0xd3, \
	0x62, 0x60, 0xa4, 0xa5, 0xec, 0xad, 0xb6, 0x70, \
}

/* The biggest GHCI buffer accepted, and so a bound for quotes; the driver of 7.3 uses this much. */
#define TDX_EMUL_QUOTE_MAX	(128 * 1024)

/**
 * struct tdx_emul_qe_request - one read() from the device
 * @id: names the request in the reply
 * @tdreport: a TDREPORT whose REPORTMAC the emulator has verified
 */
struct tdx_emul_qe_request {
	__u64 id;
	__u8 tdreport[1024];
};

/* Values of tdx_emul_qe_reply.status. */
#define TDX_EMUL_QE_OK			0
#define TDX_EMUL_QE_ERROR		1	/* the guest sees GET_QUOTE_ERROR */
#define TDX_EMUL_QE_UNAVAILABLE		2	/* the guest sees GET_QUOTE_SERVICE_UNAVAILABLE */

/**
 * struct tdx_emul_qe_reply - one write() to the device, this head and then the quote
 * @id: the request this answers
 * @status: TDX_EMUL_QE_*
 * @quote_len: bytes that follow; zero unless @status is TDX_EMUL_QE_OK
 */
struct tdx_emul_qe_reply {
	__u64 id;
	__u32 status;
	__u32 quote_len;
};

#endif /* _UAPI_TDX_EMUL_H */
