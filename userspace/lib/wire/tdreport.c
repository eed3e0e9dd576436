// SPDX-License-Identifier: Apache-2.0
/* TDREPORT, see ds/wire/tdreport.h; offsets of spec/dcap 1.7. */
#include <ds/base/rd.h>
#include <ds/wire/tdreport.h>

#define DOMAIN		 "tdreport"
#define TYPE_TDX	 0x81
#define TEE_TCB_INFO_LEN 239
#define TD_INFO_LEN	 512

static int mac_struct(struct ds_rd *rd, struct ds_tdreport *t, uint8_t *ret_type)
{
	DS_TRY(ds_rd_u8(rd, ret_type));
	DS_TRY(ds_rd_u8(rd, &t->subtype));
	DS_TRY(ds_rd_u8(rd, &t->version));
	DS_TRY(ds_rd_skip(rd, 1 + 12));
	DS_TRY(ds_rd_copy(rd, t->cpu_svn, sizeof(t->cpu_svn)));
	DS_TRY(ds_rd_copy(rd, t->tee_tcb_info_hash, sizeof(t->tee_tcb_info_hash)));
	DS_TRY(ds_rd_copy(rd, t->td_info_hash, sizeof(t->td_info_hash)));
	DS_TRY(ds_rd_copy(rd, t->body.report_data, sizeof(t->body.report_data)));
	DS_TRY(ds_rd_skip(rd, 32));
	return ds_rd_copy(rd, t->mac, sizeof(t->mac));
}

static int tee_tcb_info(struct ds_span in, struct ds_td_body *b)
{
	struct ds_rd rd = ds_rd_init(in);

	DS_TRY(ds_rd_skip(&rd, 8)); /* valid bits */
	DS_TRY(ds_rd_copy(&rd, b->tee_tcb_svn, sizeof(b->tee_tcb_svn)));
	DS_TRY(ds_rd_copy(&rd, b->mr_seam, sizeof(b->mr_seam)));
	DS_TRY(ds_rd_copy(&rd, b->mr_signer_seam, sizeof(b->mr_signer_seam)));
	DS_TRY(ds_rd_copy(&rd, b->seam_attributes, sizeof(b->seam_attributes)));
	b->has_svn2 = true;
	return ds_rd_copy(&rd, b->tee_tcb_svn2, sizeof(b->tee_tcb_svn2));
}

static int td_info(struct ds_span in, struct ds_td_body *b)
{
	struct ds_rd rd = ds_rd_init(in);

	DS_TRY(ds_rd_copy(&rd, b->td_attributes, sizeof(b->td_attributes)));
	DS_TRY(ds_rd_copy(&rd, b->xfam, sizeof(b->xfam)));
	DS_TRY(ds_rd_copy(&rd, b->mr_td, sizeof(b->mr_td)));
	DS_TRY(ds_rd_copy(&rd, b->mr_config_id, sizeof(b->mr_config_id)));
	DS_TRY(ds_rd_copy(&rd, b->mr_owner, sizeof(b->mr_owner)));
	DS_TRY(ds_rd_copy(&rd, b->mr_owner_config, sizeof(b->mr_owner_config)));
	DS_TRY(ds_rd_copy(&rd, b->rt_mr, sizeof(b->rt_mr)));
	return ds_rd_copy(&rd, b->mr_service_td, sizeof(b->mr_service_td));
}

int ds_tdreport_parse(struct ds_span in, struct ds_tdreport *ret, struct ds_err *err)
{
	struct ds_rd rd = ds_rd_init(in);
	struct ds_tdreport t = { 0 };
	uint8_t type;

	if (in.n != DS_TDREPORT_SIZE)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "size: expected %u, got %zu",
				  DS_TDREPORT_SIZE, in.n);
	DS_TRY(mac_struct(&rd, &t, &type));
	if (type != TYPE_TDX)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "type: expected 0x%02x, got 0x%02x",
				  TYPE_TDX, type);
	DS_TRY(ds_rd_span(&rd, TEE_TCB_INFO_LEN, &t.tee_tcb_info));
	DS_TRY(ds_rd_skip(&rd, 17));
	DS_TRY(ds_rd_span(&rd, TD_INFO_LEN, &t.td_info));
	DS_TRY(ds_rd_end(&rd));
	DS_TRY(tee_tcb_info(t.tee_tcb_info, &t.body));
	DS_TRY(td_info(t.td_info, &t.body));
	*ret = t;
	return 0;
}
