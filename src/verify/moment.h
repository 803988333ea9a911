/*
 * moment: what time it is, for what is measured and written down here. Wall clock and monotonic
 * clock are both kept of everything, so that evidence whose clocks disagree is found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NETRA_VERIFY_MOMENT_H
#define NETRA_VERIFY_MOMENT_H

#include <stdint.h>

int64_t moment_wall_us(void);      /* UTC, since 1970 */
int64_t moment_monotonic_us(void); /* since some moment; never goes back */

#endif
