// SPDX-License-Identifier: Apache-2.0
/* Info and Version (spec/guest-api 8). Registers come from a TDREPORT, which costs no quote. */
#include <ds/attest/eventlog.h>
#include <ds/base/file.h>
#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/wire/compose.h>
#include <ds/wire/tdreport.h>
#include <ds/wire/vmconfig.h>

#include "agent.h"

struct facts {
	struct ds_tdreport td;
	uint8_t report[DS_KERNEL_REPORT_SIZE];
	struct ds_eventlog log;
	uint8_t mr_aggregated[32];
	uint8_t device_id[32]; /* of nothing: the platform's id is in no verified report here */
	struct ds_vm_config vm;
};

static int set_str(json_t *o, const char *key, const char *s)
{
	return json_object_set_new(o, key, json_string(s)) ? -ENOMEM : 0;
}

static int set_hex(json_t *o, const char *key, struct ds_span s)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;

	DS_TRY(ds_buf_add_hex(&hex, s));
	return ds_buf_cstr(&hex) ? set_str(o, key, ds_buf_cstr(&hex)) : -ENOMEM;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	uint8_t x = 0;

	while (n--)
		x |= *p++;
	return !x;
}

static int aggregate(const struct ds_td_body *b, uint8_t ret[32])
{
	struct ds_span parts[] = { DS_SPAN_ARRAY(b->mr_td),    DS_SPAN_ARRAY(b->rt_mr[0]),
				   DS_SPAN_ARRAY(b->rt_mr[1]), DS_SPAN_ARRAY(b->rt_mr[2]),
				   DS_SPAN_ARRAY(b->rt_mr[3]), DS_SPAN_ARRAY(b->mr_config_id),
				   DS_SPAN_ARRAY(b->mr_owner), DS_SPAN_ARRAY(b->mr_owner_config) };
	bool plain = all_zero(b->mr_config_id, 48) && all_zero(b->mr_owner, 48) &&
		     all_zero(b->mr_owner_config, 48);

	return ds_sha256(parts, plain ? 5 : DS_ARRAY_SIZE(parts), ret);
}

static int gather(struct agent *a, struct facts *f, struct ds_err *err)
{
	static const uint8_t nothing[64];
	size_t log_len;

	DS_TRY(ds_kernel_report(NULL, nothing, f->report, &log_len, err));
	DS_TRY(ds_tdreport_parse(DS_SPAN_ARRAY(f->report), &f->td, err));
	DS_TRY(ds_kernel_log(NULL, log_len, &f->log, err));
	DS_TRY(ds_vm_config_parse(ds_buf_span(&a->cfg.vm_config), &f->vm, err));
	DS_TRY(ds_sha256_1(DS_SPAN_NULL, f->device_id));
	return aggregate(&f->td.body, f->mr_aggregated);
}

static struct ds_span payload(const struct facts *f, const char *name)
{
	const struct ds_event *ev = ds_eventlog_find(&f->log, name);

	return ev ? ds_buf_span(&ev->payload) : DS_SPAN_NULL;
}

static struct ds_span image_hash(const struct facts *f)
{
	return f->vm.has_os_image_hash ? DS_SPAN_ARRAY(f->vm.os_image_hash) : DS_SPAN_NULL;
}

static int tcb_info(struct agent *a, const struct facts *f, json_t *o)
{
	const struct ds_td_body *b = &f->td.body;
	DS_BUF struct ds_buf log = DS_BUF_NULL;
	DS_JSON json_t *t = json_object();
	char name[8] = "rtmr0", *text;
	int r;

	if (!t)
		return -ENOMEM;
	DS_TRY(set_hex(t, "mrtd", DS_SPAN_ARRAY(b->mr_td)));
	for (int i = 0; i < 4; i++) {
		name[4] = (char)('0' + i);
		DS_TRY(set_hex(t, name, DS_SPAN_ARRAY(b->rt_mr[i])));
	}
	DS_TRY(set_hex(t, "mr_aggregated", DS_SPAN_ARRAY(f->mr_aggregated)));
	DS_TRY(set_hex(t, "os_image_hash", image_hash(f)));
	DS_TRY(set_hex(t, "compose_hash", payload(f, "compose-hash")));
	DS_TRY(set_hex(t, "device_id", DS_SPAN_ARRAY(f->device_id)));
	DS_TRY(ds_eventlog_to_json(&f->log, &log));
	if (json_object_set_new(t, "event_log", json_loadb((const char *)log.p, log.n, 0, NULL)))
		return -ENOMEM;
	DS_TRY(set_str(t, "app_compose", ds_buf_cstr(&a->cfg.compose)));
	text = json_dumps(t, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	r = text ? set_str(o, "tcb_info", text) : -ENOMEM;
	free(text);
	return r;
}

static int set_dmi(json_t *o, const char *key, const char *file)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;
	char path[64], shown[128];
	struct ds_span s;

	snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", file);
	if (ds_read_file(AT_FDCWD, path, 4096, &b))
		ds_buf_done(&b);
	s = ds_buf_span(&b);
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ' '))
		s.n--;
	return set_str(o, key, ds_escape(s, shown, sizeof(shown)));
}

static int set_name(struct agent *a, json_t *o)
{
	struct ds_compose c;
	int r;

	DS_TRY(ds_compose_parse(ds_buf_span(&a->cfg.compose), &c, NULL));
	r = set_str(o, "app_name", c.name);
	ds_compose_done(&c);
	return r;
}

static int set_provider(const struct facts *f, json_t *o)
{
	struct ds_span p = payload(f, "key-provider");
	json_t *s = json_stringn((const char *)p.p, p.n); /* NULL if it is not UTF-8 */

	return json_object_set_new(o, "key_provider_info", s ? s : json_string("")) ? -ENOMEM : 0;
}

static int fill(struct agent *a, const struct facts *f, json_t *o)
{
	const char *cert = a->app_cert.n ? ds_buf_cstr(&a->app_cert) : "";

	DS_TRY(set_hex(o, "app_id", payload(f, "app-id")));
	DS_TRY(set_hex(o, "instance_id", payload(f, "instance-id")));
	DS_TRY(set_str(o, "app_cert", cert ? cert : ""));
	DS_TRY(tcb_info(a, f, o));
	DS_TRY(set_name(a, o));
	DS_TRY(set_hex(o, "device_id", DS_SPAN_ARRAY(f->device_id)));
	DS_TRY(set_hex(o, "mr_aggregated", DS_SPAN_ARRAY(f->mr_aggregated)));
	DS_TRY(set_hex(o, "os_image_hash", image_hash(f)));
	DS_TRY(set_provider(f, o));
	DS_TRY(set_hex(o, "compose_hash", payload(f, "compose-hash")));
	DS_TRY(set_str(o, "vm_config", ds_buf_cstr(&a->cfg.vm_config)));
	DS_TRY(set_dmi(o, "cloud_vendor", "sys_vendor"));
	return set_dmi(o, "cloud_product", "product_name");
}

void rpc_info(void *ctx, struct ds_req *req, json_t *args)
{
	DS_FREE struct facts *f = calloc(1, sizeof(*f));
	struct ds_err err = DS_ERR_NULL;
	struct agent *a = ctx;
	DS_JSON json_t *o = json_object();
	int r = f && o ? gather(a, f, &err) : -ENOMEM;

	app_cert_refresh(a);
	if (!r)
		r = fill(a, f, o);
	if (f)
		ds_eventlog_done(&f->log);
	if (r)
		ds_req_fail(req, 400, "info: %s", err.msg[0] ? err.msg : strerror(-r));
	else
		ds_req_reply_json(req, 200, o);
}

void rpc_version(void *ctx, struct ds_req *req, json_t *args)
{
	DS_JSON json_t *o = json_pack("{s:s,s:s}", "version", DS_VERSION, "rev", "unknown");

	if (o)
		ds_req_reply_json(req, 200, o);
	else
		ds_req_fail(req, 400, "not enough memory");
}
