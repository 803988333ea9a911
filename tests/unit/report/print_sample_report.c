/*
 * Prints the sample report, to look at it:
 *
 *     print_sample_report term|plain|md|json|html|guidance [WIDTH] [NAME [modelled]]
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "sample_report.h"

#define OUTPUT_BYTES_MAX (size_t)(64u << 20)

static void render(const struct report *report, const char *format, unsigned width, struct buf *out)
{
    struct term_options options = {width, /* colour */ strcmp(format, "term") == 0};

    if (strcmp(format, "md") == 0) {
        report_render_markdown(report, out);
    } else if (strcmp(format, "json") == 0) {
        report_render_json(report, out);
    } else if (strcmp(format, "html") == 0) {
        report_render_html(report, out);
    } else {
        report_render_term(report, &options, out);
    }
}

int main(int argc, char **argv)
{
    cleanup(report_free_pointer) struct report *report = NULL;
    const char *format = argc > 1 ? argv[1] : "term";
    unsigned width = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100;
    struct error error = {0};
    struct buf out;
    bool modelled = argc > 4 && strcmp(argv[4], "modelled") == 0;
    int code = strcmp(format, "guidance") == 0 ? sample_guidance_new(&report)
               : modelled ? sample_report_modelled_new(str_from(argv[3]), &report)
               : argc > 3 ? sample_report_named_new(str_from(argv[3]), &report)
                          : sample_report_new(&report);

    if (code || report_gate(report, NULL, &error)) {
        (void)fprintf(stderr, "%s\n", code ? error_code_text(code) : error.message);
        return 1;
    }
    buf_init(&out, OUTPUT_BYTES_MAX);
    render(report, format, width, &out);
    bool complete = buf_status(&out) == OK && fwrite(out.data, 1, out.length, stdout) == out.length;
    buf_done(&out);
    return complete ? 0 : 1;
}
