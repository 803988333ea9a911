/* SPDX-License-Identifier: Apache-2.0 */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *text, const char *file, int line, const char *function)
{
    (void)fprintf(stderr, "netra: bug: %s:%d: %s: check failed: %s\n", file, line, function, text);
    abort();
}

void check_cmp_failed(const char *text, long long a, long long b, const char *file, int line,
                      const char *function)
{
    (void)fprintf(stderr, "netra: bug: %s:%d: %s: check failed: %s (%lld, %lld)\n", file, line,
                  function, text, a, b);
    abort();
}
