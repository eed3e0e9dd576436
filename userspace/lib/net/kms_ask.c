// SPDX-License-Identifier: Apache-2.0
/* A guest's call of its KMS, again if there was no place for it. */
#include <ds/crypto/rand.h>
#include <ds/net/kms.h>
#include <time.h>

#define FIRST_MS   250u
#define MOST_MS	   8000u
#define MOST_CALLS 10u
#define SILENCES   2u

unsigned ds_kms_again(int r, unsigned tried)
{
	unsigned ms = MOST_MS, random = 0;

	/* a silence has had its own time already */
	if (r == -ETIMEDOUT ? tried > SILENCES : r != -ECONNRESET && r != -EPIPE)
		return 0;
	if (!tried || tried >= MOST_CALLS)
		return 0;
	if (tried < 6)
		ms = FIRST_MS << (tried - 1);
	/* without random numbers all wait the longest: no harm but delay */
	if (ds_rand(&random, sizeof(random)))
		return ms;
	return ms / 2 + random % (ms / 2 + 1);
}

int ds_kms_ask(const struct ds_client_cfg *cfg, const char *base, const char *method,
	       struct ds_span body, ds_kms_wait_fn waits, void *arg, struct ds_buf *ret,
	       struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	int status = 0, r = 0;
	char why[120];

	DS_TRY(ds_kms_url(base, method, &url));
	for (unsigned tried = 1, ms = 1; ms; tried++) {
		struct timespec ts;

		*err = DS_ERR_NULL;
		r = ds_call(cfg, ds_buf_cstr(&url), body, ret, &status, err);
		ms = ds_kms_again(r, tried);
		if (ms && waits)
			waits(arg, ms);
		ts = (struct timespec){ ms / 1000, (long)(ms % 1000) * 1000000 };
		while (ms && nanosleep(&ts, &ts) && errno == EINTR)
			;
	}
	if (!r && status != 200)
		r = ds_err_set(err, -EPERM, "kms", 0, "%s refused: %s", method,
			       ds_kms_error(status, ds_buf_span(ret), why, sizeof(why)));
	return r;
}
