// SPDX-License-Identifier: Apache-2.0
/* dstack-mr: what MRTD, RTMR0-2 and launch digests must be. See dstack-mr(1). */
#include "command.h"

#include <ds/base/file.h>
#include <ds/base/log.h>

static const struct {
	const char *name;
	int (*run)(const struct options *o, struct ds_buf *out, struct ds_err *err);
} commands[] = {
	{ "measure", run_measure }, { "compare", run_compare },	  { "image", run_image },
	{ "hash", run_hash },	    { "material", run_material }, { "snp", run_snp },
	{ "acpi", run_acpi },
};

static int fail(int r, const struct ds_err *err)
{
	if (err->code)
		ds_log(DS_LOG_ERR, "%s: %s", err->domain, err->msg);
	else
		ds_log(DS_LOG_ERR, "%s", strerror(-r));
	return 1;
}

int main(int argc, char **argv)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	struct options o;
	int r;

	ds_log_init("dstack-mr");
	r = options_parse(argc, argv, &o);
	if (r)
		return r;
	if (o.help || o.version) {
		fputs(o.help ? options_help : "dstack-mr " DS_VERSION "\n", stdout);
		return 0;
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, o.command))
			continue;
		r = commands[i].run(&o, &out, &err);
		if (r < 0)
			return fail(r, &err);
		if (ds_write_full(STDOUT_FILENO, out.p, out.n))
			return fail(-errno, &err);
		return r; /* 0, or what differs */
	}
	return EXIT_USAGE;
}
