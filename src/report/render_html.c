/* SPDX-License-Identifier: Apache-2.0 */
#include "report/report.h"
void report_render_html(const struct report *report, struct buf *out)
{
    (void)report;
    out->status = ERR_UNSUPPORTED;
}
