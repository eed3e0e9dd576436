// SPDX-License-Identifier: Apache-2.0
/*
 * TDREPORTs of the emulator: layout, checks, and one made up for host-side tests (spec/dcap.md
 * 1.7).
 */
#include "pki_int.h"
#include "pki_tdreport.h"

#include <uapi/tdx_emul.h>

#include <ds/crypto/hash.h>

static const uint8_t emul_mrseam[48] = DSTACK_EMUL_MRSEAM;
static const uint8_t report_type[4] = { 0x81 }; /* TDX, no subtype, version 0: no service TDs */
static const uint8_t valid_bits[8] = { 0xff, 0x01, 0x03 };
static const uint8_t tcb_svn[16] = { PKI_MOD_SVN, 1, PKI_TDX_SVN };

static int check_hash(struct ds_span part, const uint8_t *stored, const char *what,
		      struct ds_err *err)
{
	uint8_t hash[DS_SHA384_SIZE];

	DS_TRY(ds_sha384_1(part, hash));
	if (memcmp(hash, stored, sizeof(hash)) != 0)
		return ds_err_set(err, -EBADMSG, TDR_DOMAIN, 0,
				  "stored hash of %s is not that of its bytes", what);
	return 0;
}

int pki_tdreport_check(struct ds_span in, struct ds_err *err)
{
	if (in.n != DS_TDREPORT_SIZE)
		return ds_err_set(err, -EBADMSG, TDR_DOMAIN, 0, "%zu bytes, expected %u", in.n,
				  DS_TDREPORT_SIZE);
	if (in.p[0] != report_type[0])
		return ds_err_set(err, -EBADMSG, TDR_DOMAIN, 0,
				  "report type 0x%02x, expected 0x%02x (TDX)", in.p[0],
				  report_type[0]);
	if (memcmp(in.p + TDR_MRSEAM, emul_mrseam, sizeof(emul_mrseam)) != 0)
		return ds_err_set(err, -EBADMSG, TDR_DOMAIN, TDR_MRSEAM,
				  "MRSEAM is not the emulator's: only emulated TDs are signed for");
	DS_TRY(check_hash(DS_SPAN(in.p + TDR_TCB_INFO, TDR_TCB_INFO_SIZE), in.p + TDR_TCB_INFO_HASH,
			  "TEE_TCB_INFO", err));
	return check_hash(DS_SPAN(in.p + TDR_TDINFO, TDR_TDINFO_SIZE), in.p + TDR_TDINFO_HASH,
			  "TDINFO", err);
}

void ds_emul_td_init(struct ds_emul_td *ret)
{
	static const uint8_t attributes[8] = { 0, 0, 0, 0x10 }; /* SEPT_VE_DISABLE */
	static const uint8_t xfam[8] = { 0xe7, 0x02, 0x06, 0, 0, 0, 0, 0 };

	*ret = (struct ds_emul_td){ 0 };
	memcpy(ret->td_attributes, attributes, sizeof(attributes));
	memcpy(ret->xfam, xfam, sizeof(xfam));
}

int ds_emul_tdreport(const struct ds_emul_td *td, uint8_t ret[DS_TDREPORT_SIZE])
{
	uint8_t *info = ret + TDR_TDINFO;

	memset(ret, 0, DS_TDREPORT_SIZE);
	memcpy(ret, report_type, sizeof(report_type));
	memcpy(ret + TDR_CPUSVN, pki_cpusvn, sizeof(pki_cpusvn));
	memcpy(ret + TDR_REPORTDATA, td->report_data, sizeof(td->report_data));
	memcpy(ret + TDR_TCB_INFO, valid_bits, sizeof(valid_bits));
	memcpy(ret + TDR_TCB_SVN, tcb_svn, sizeof(tcb_svn));
	memcpy(ret + TDR_MRSEAM, emul_mrseam, sizeof(emul_mrseam));
	memcpy(ret + TDR_TCB_SVN2, tcb_svn, sizeof(tcb_svn));
	memcpy(info, td->td_attributes, 8);
	memcpy(info + 8, td->xfam, 8);
	memcpy(info + 16, td->mr_td, 48);
	memcpy(info + 64, td->mr_config_id, 48);
	memcpy(info + 112, td->mr_owner, 48);
	memcpy(info + 160, td->mr_owner_config, 48);
	memcpy(info + 208, td->rt_mr, sizeof(td->rt_mr));
	DS_TRY(ds_sha384_1(DS_SPAN(ret + TDR_TCB_INFO, TDR_TCB_INFO_SIZE),
			   ret + TDR_TCB_INFO_HASH));
	return ds_sha384_1(DS_SPAN(info, TDR_TDINFO_SIZE), ret + TDR_TDINFO_HASH);
}
