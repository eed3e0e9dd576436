/* SPDX-License-Identifier: Apache-2.0 */
/* Offsets in a TDREPORT (spec/dcap.md 1.7) and the check of one, for the pki_*.c files. */
#ifndef DS_LIB_X509_PKI_TDREPORT_H
#define DS_LIB_X509_PKI_TDREPORT_H

#include <ds/base/base.h>

#define TDR_DOMAIN	  "tdreport"
#define TDR_CPUSVN	  16
#define TDR_TCB_INFO_HASH 32
#define TDR_TDINFO_HASH	  80
#define TDR_REPORTDATA	  128
#define TDR_TCB_INFO	  256
#define TDR_TCB_INFO_SIZE 239
#define TDR_TCB_SVN	  264
#define TDR_MRSEAM	  280
#define TDR_TCB_SVN2	  384
#define TDR_TDINFO	  512
#define TDR_TDINFO_SIZE	  512
#define TDR_SERVTD_HASH	  912

/* Size, type, the emulator's MRSEAM, both hashes. */
DS_MUST int pki_tdreport_check(struct ds_span in, struct ds_err *err);

#endif
