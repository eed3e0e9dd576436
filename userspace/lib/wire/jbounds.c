// SPDX-License-Identifier: Apache-2.0
/* See ds/wire/jbounds.h. */
#include <ds/wire/jbounds.h>

#define DOM "json"

int ds_json_bounds(struct ds_span text, size_t depth, size_t values, struct ds_err *err)
{
	size_t open = 0, n = 0;
	bool str = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (str) {
			i += c == '\\';
			str = c != '"';
			continue;
		}
		str = c == '"';
		open += c == '{' || c == '[';
		open -= (c == '}' || c == ']') && open;
		n += c == '{' || c == '[' || c == ',';
		if (open > depth)
			return ds_err_set(err, -EBADMSG, DOM, i, "JSON nested deeper than %zu",
					  depth);
		if (n > values)
			return ds_err_set(err, -EFBIG, DOM, i, "JSON of more than %zu values",
					  values);
	}
	return 0;
}
