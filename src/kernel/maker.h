/* SPDX-License-Identifier: GPL-2.0-or-later
 * Who makes rules of a script: this kernel, and this libnftables.
 */
#ifndef FWC_MAKER_H
#define FWC_MAKER_H

/* "6.1.0-18-amd64 libnftables.so.1.1.0 1234567 1700000000": release of the kernel, the file of the
 * library, its size and its time. The same as long as neither was changed. Found out once, by the
 * first call, which has to be made before the process is confined. */
const char *kernel_maker(void);

#endif
