/*
 * Any bytes as evidence.json and samples.csv (cut at the first NUL): what is taken can be judged,
 * and judged again with the same result, and each written form of it is well-formed; what was
 * written is read again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "verify/evidence_rows.h"
#include "json/json_read.h"

#define OUT_BYTES_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct evidence *parse(struct str json, struct str csv)
{
    struct evidence *evidence = NULL;
    struct error error;

    check(evidence_new(&evidence) == OK);
    int code = evidence_parse(json, evidence, &error);
    code = code ? code : evidence_parse_samples(csv, evidence, &error);
    if (code) {
        check(code == ERR_INVALID || code == ERR_LIMIT);
        evidence_free(evidence);
        return NULL;
    }
    return evidence;
}

static void check_texts(const struct evidence *evidence)
{
    static int (*const writers[])(const struct evidence *, struct buf *) = {evidence_write_markdown,
                                                                            evidence_write_junit};
    struct buf out;

    buf_init(&out, OUT_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_LENGTH(writers); i++) {
        buf_clear(&out);
        check(writers[i](evidence, &out) == OK);
        check(str_is_utf8(buf_str(&out)));
    }
    buf_clear(&out);
    check(evidence_print(evidence, /* uses_colour */ false, &out) == OK);
    check(str_is_utf8(buf_str(&out)));
    for (size_t i = 0; i < out.length; i++) {
        unsigned char c = (unsigned char)out.data[i];

        check(c == '\n' || (c >= ' ' && c != 0x7f));
    }
    buf_done(&out);
}

static void check_again(const struct evidence *evidence)
{
    struct buf json;
    struct buf csv;

    buf_init(&json, OUT_BYTES_MAX);
    buf_init(&csv, OUT_BYTES_MAX);
    check(evidence_write_json(evidence, &json) == OK);
    check(evidence_write_samples(evidence, &csv) == OK);
    struct evidence *again = parse(buf_str(&json), buf_str(&csv));
    check(again);
    check(evidence_judge(again) == OK);
    check(again->summary == evidence->summary);
    evidence_free(again);
    buf_done(&json);
    buf_done(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size ? memchr(data, '\0', size) : NULL;
    size_t json_bytes = nul ? (size_t)(nul - data) : size;
    struct str json = {(const char *)data, json_bytes};
    struct str csv = {nul ? (const char *)nul + 1 : "", nul ? size - json_bytes - 1 : 0};
    struct evidence *evidence = parse(json, csv);

    if (evidence) {
        check(evidence_judge(evidence) == OK);
        check_texts(evidence);
        check_again(evidence);
        evidence_free(evidence);
    }
    return 0;
}
