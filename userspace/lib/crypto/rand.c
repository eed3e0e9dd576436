// SPDX-License-Identifier: Apache-2.0
/* Random bytes, see ds/crypto/rand.h. */
#include <ds/crypto/rand.h>

#include <sys/random.h>

#include <ds/base/secret.h>

int ds_rand(void *out, size_t n)
{
	uint8_t *p = out;

	for (size_t done = 0; done < n;) {
		ssize_t got = getrandom(p + done, n - done, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int r = -errno;

			ds_wipe(out, n);
			return r;
		}
		done += (size_t)got;
	}
	return 0;
}
