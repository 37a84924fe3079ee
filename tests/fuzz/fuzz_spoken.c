/* SPDX-License-Identifier: GPL-2.0-or-later
 * Any bytes as what nft printed: no rule's text commands the terminal.
 */
#include <stdlib.h>
#include <string.h>

#include "nft/spoken.h"
#include "util/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new();
	struct spoken s;

	spoken_read(&s, a, arena_strndup(a, (const char *)data, size));
	for (uint64_t handle = 0; handle < 32; handle++) {
		const char *text = spoken_rule(&s, "ip", "t", "c", handle);

		for (; text && *text; text++)
			if ((unsigned char)*text < 0x20 || *text == 0x7f)
				abort();
	}
	arena_free(a);
	return 0;
}
