/* SPDX-License-Identifier: GPL-2.0-or-later
 * uname(2), the file that the dynamic linker has loaded -> a name.
 */
#include "kernel/maker.h"

#include <dlfcn.h>
#include <limits.h>
#include <nftables/libnftables.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

static const char *base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *kernel_maker(void)
{
	static char name[600];
	char path[PATH_MAX] = "";
	struct utsname u;
	struct stat st = {0};
	Dl_info lib;

	if (*name)
		return name;
	if (dladdr((void *)(uintptr_t)nft_ctx_new, &lib) && lib.dli_fname &&
	    !realpath(lib.dli_fname, path))
		*path = '\0';
	if (uname(&u) < 0 || !*path || stat(path, &st) < 0)
		return "";
	snprintf(name, sizeof(name), "%s %.200s %lld %lld", u.release, base(path),
		 (long long)st.st_size, (long long)st.st_mtime);
	return name;
}
