// SPDX-License-Identifier: Apache-2.0
/* judge RECORDS: our verdict on each record (record.h), one line: label, ok or refused, status,
 * reason or advisories. */
#include <stdio.h>

#include <ds/attest/verify.h>
#include <ds/base/file.h>

#include "record.h"

/* What the peers mean by ok: everything but the status is right. */
static void print(const struct record *r, const struct ds_verdict *v)
{
	bool ok = v->accepted || v->reason == DS_REASON_TCB_STATUS;

	printf("%.*s\t%s\t%s\t", (int)r->label.n, (const char *)r->label.p, ok ? "ok" : "refused",
	       *v->tcb_status ? v->tcb_status : "-");
	if (!ok)
		printf("%s", ds_reason_name(v->reason));
	for (size_t i = 0; ok && i < v->n_advisories; i++)
		printf("%s%s", i ? "," : "", v->advisories[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	DS_BUF struct ds_buf file = DS_BUF_NULL;
	struct ds_verdict v;
	struct record r;
	struct ds_rd rd;

	if (argc != 2 || ds_read_file(AT_FDCWD, argv[1], 1u << 30, &file)) {
		fprintf(stderr, "usage: judge RECORDS\n");
		return 2;
	}
	rd = ds_rd_init(ds_buf_span(&file));
	while (ds_rd_left(&rd)) {
		struct ds_verify_opts opts = { 0 };

		if (record_next(&rd, &r))
			return 2;
		opts.root_ca = r.root;
		opts.time = r.time;
		if (ds_attest_quote(r.quote, r.collateral, &opts, &v))
			return 2;
		print(&r, &v);
	}
	return 0;
}
