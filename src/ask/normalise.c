/*
 * Three linear passes: decode and map each code point (ASCII takes a short cut), then replace
 * look-alikes word by word. A word counts as disguised when it mixes Latin with Cyrillic or Greek
 * letters; whole Russian or Greek words stay as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/normalise.h"

#include <stdbool.h>

#include <utf8proc.h>

#include "base/error.h"

#define EXPANSION_MAX                                                                              \
    4 /* code points that one may become; longer ligatures are kept as they are                    \
       */
#define CODE_POINT_BYTES 4
#define REPLACEMENT      0xFFFD

struct writer {
    char *data;
    uint32_t *origin;
    size_t length;
};

static void write_byte(struct writer *w, char c, size_t origin)
{
    w->data[w->length] = c;
    w->origin[w->length] = (uint32_t)origin;
    w->length++;
}

static void write_code_point(struct writer *w, int32_t c, size_t origin)
{
    utf8proc_uint8_t bytes[CODE_POINT_BYTES];
    utf8proc_ssize_t count = utf8proc_encode_char(c, bytes);

    for (utf8proc_ssize_t i = 0; i < count; i++) {
        write_byte(w, (char)bytes[i], origin);
    }
}

/* Marks without weight for recognition: accents of Latin, Greek and Cyrillic, Arabic vowels. */
static bool is_dropped_mark(int32_t c)
{
    return (c >= 0x0300 && c <= 0x036F) || (c >= 0x064B && c <= 0x065F) || c == 0x0670 ||
           c == 0x0640;
}

static bool is_invisible(int32_t c)
{
    return c == 0xAD || c == 0x34F || c == 0x180E || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0xE0000 && c <= 0xE007F) || is_dropped_mark(c);
}

/* The ASCII digit of a decimal digit of another script, or 0. */
static char ascii_digit(int32_t c)
{
    static const int32_t zeros[] = {0x0660, 0x06F0, 0x0966, 0x09E6, 0x0E50, 0xFF10};

    for (size_t i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        if (c >= zeros[i] && c <= zeros[i] + 9) {
            return (char)('0' + (c - zeros[i]));
        }
    }
    return 0;
}

/* Punctuation and letters that compatibility decomposition leaves apart. */
static const char *plain_form(int32_t c)
{
    static const struct {
        int32_t from;
        const char *to;
    } forms[] = {
        {0x066A, "%"},
        {0x066B, "."},
        {0x066C, ","},
        {0x060C, ","},
        {0x061B, ";"},
        {0x061F, "?"},
        {0x06D4, "."},
        {0x0964, "."},
        {0x2010, "-"},
        {0x2011, "-"},
        {0x2012, "-"},
        {0x2013, "-"},
        {0x2014, "-"},
        {0x2015, "-"},
        {0x2212, "-"},
        {0x2018, "'"},
        {0x2019, "'"},
        {0x02BC, "'"},
        {0x00B4, "'"},
        {0x201C, "\""},
        {0x201D, "\""},
        {0x201E, "\""},
        {0x00AB, "\""},
        {0x00BB, "\""},
        {0x00D7, "x"},
        {0x2264, "<="},
        {0x2265, ">="},
        {0x2266, "<="},
        {0x2267, ">="},
        {0x3001, ","},
        {0x3002, "."},
        {0x2044, "/"},
        {0x2192, " to "},
        {0x0142, "l"},
        {0x00F8, "o"},
        {0x0111, "d"},
        {0x0131, "i"},
        {0x0649, "\xD9\x8A"},
        {0x0629, "\xD9\x87"},
        {0x00BF, " "},
        {0x00A1, " "},
        {0x2022, ";"},
        {0x30FC, "\xE3\x83\xBC"},
    };

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (forms[i].from == c) {
            return forms[i].to;
        }
    }
    return NULL;
}

static void write_mapped(struct writer *w, int32_t c, size_t origin)
{
    const char *plain = plain_form(c);
    char digit = ascii_digit(c);

    if (digit) {
        write_byte(w, digit, origin);
    } else if (plain) {
        for (; *plain; plain++) {
            write_byte(w, *plain, origin);
        }
    } else if (c >= 'A' && c <= 'Z') {
        write_byte(w, (char)(c + 32), origin);
    } else if (!is_invisible(c)) {
        write_code_point(w, c, origin);
    }
}

static void write_folded(struct writer *w, int32_t c, size_t origin)
{
    utf8proc_int32_t parts[EXPANSION_MAX];
    int boundary = 0;
    utf8proc_category_t category = utf8proc_category(c);

    if (is_invisible(c)) {
        return;
    }
    if (category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_CC) {
        write_byte(w, ' ', origin);
        return;
    }
    if (category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP) {
        write_byte(w, '\n', origin);
        return;
    }
    if (plain_form(c) || ascii_digit(c)) {
        write_mapped(w, c, origin);
        return;
    }
    utf8proc_ssize_t count = utf8proc_decompose_char(
        c, parts, EXPANSION_MAX, UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_DECOMPOSE,
        &boundary);
    if (count < 0 || count > EXPANSION_MAX) {
        write_code_point(w, c, origin);
        return;
    }
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        write_mapped(w, parts[i], origin);
    }
}

/* The Latin letter that a Cyrillic or Greek one can be mistaken for, or 0. Both are two bytes. */
static char look_alike(unsigned char lead, unsigned char next)
{
    static const struct {
        unsigned char lead, next;
        char latin;
    } pairs[] = {
        {0xD0, 0xB0, 'a'}, {0xD0, 0xB5, 'e'}, {0xD0, 0xBE, 'o'}, {0xD1, 0x80, 'p'},
        {0xD1, 0x81, 'c'}, {0xD1, 0x83, 'y'}, {0xD1, 0x85, 'x'}, {0xD1, 0x95, 's'},
        {0xD1, 0x96, 'i'}, {0xD1, 0x98, 'j'}, {0xD0, 0xBC, 'm'}, {0xD1, 0x82, 't'},
        {0xD0, 0xBA, 'k'}, {0xD0, 0xBD, 'h'}, {0xD0, 0xB2, 'b'}, {0xCE, 0xB1, 'a'},
        {0xCE, 0xB5, 'e'}, {0xCE, 0xBF, 'o'}, {0xCF, 0x81, 'p'}, {0xCE, 0xB9, 'i'},
        {0xCF, 0x85, 'u'}, {0xCE, 0xBD, 'v'}, {0xCF, 0x84, 't'}, {0xCE, 0xBA, 'k'},
        {0xCF, 0x87, 'x'}, {0xD4, 0x81, 'd'}, {0xD5, 0xBD, 'u'}, {0xD3, 0x8F, 'l'},
    };

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (pairs[i].lead == lead && pairs[i].next == next) {
            return pairs[i].latin;
        }
    }
    return 0;
}

static bool is_letter_byte(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || c >= 0x80;
}

static bool is_disguised(const unsigned char *word, size_t length)
{
    bool latin = false;
    bool other = false;

    for (size_t i = 0; i < length; i++) {
        latin |= word[i] < 0x80;
        other |= word[i] >= 0xCD && word[i] <= 0xD5;
    }
    return latin && other;
}

/* In place: the text only gets shorter. */
static void replace_look_alikes(struct writer *w)
{
    unsigned char *data = (unsigned char *)w->data;
    size_t to = 0;

    for (size_t i = 0; i < w->length;) {
        size_t end = i;

        while (end < w->length && is_letter_byte(data[end])) {
            end++;
        }
        bool disguised = end > i && is_disguised(data + i, end - i);
        end += end == i;
        for (; i < end; i++) {
            char latin = disguised && i + 1 < end ? look_alike(data[i], data[i + 1]) : 0;

            w->origin[to] = w->origin[i];
            data[to++] = latin ? (unsigned char)latin : data[i];
            i += latin != 0;
        }
    }
    w->length = to;
}

static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.length; i++) {
        if ((unsigned char)text.data[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static void write_ascii(struct writer *w, char c, size_t origin)
{
    if (c >= 'A' && c <= 'Z') {
        write_byte(w, (char)(c + 32), origin);
    } else if (((unsigned char)c < 0x20 && c != '\n') || c == 0x7F) {
        write_byte(w, ' ', origin);
    } else {
        write_byte(w, c, origin);
    }
}

int normalise_text(struct str original, struct arena *arena, struct normal_text *ret_text)
{
    /* A code point of n ≥ 2 bytes becomes at most EXPANSION_MAX × CODE_POINT_BYTES bytes. */
    size_t room = is_ascii(original) ? original.length
                                     : original.length * EXPANSION_MAX * CODE_POINT_BYTES / 2;
    struct writer w = {.data = arena_alloc(arena, room + 1, 1),
                       .origin = arena_alloc(arena, room + 1, sizeof(uint32_t))};

    if (!w.data || !w.origin) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < original.length;) {
        utf8proc_int32_t c = (unsigned char)original.data[i];
        utf8proc_ssize_t used = 1;

        if (c < 0x80) {
            write_ascii(&w, original.data[i], i);
        } else {
            used = utf8proc_iterate((const utf8proc_uint8_t *)original.data + i,
                                    (utf8proc_ssize_t)(original.length - i), &c);
            if (used <= 0) {
                used = 1;
                c = REPLACEMENT;
            }
            write_folded(&w, c, i);
        }
        i += (size_t)used;
    }
    if (room != original.length) {
        replace_look_alikes(&w);
    }
    w.data[w.length] = '\0';
    w.origin[w.length] = (uint32_t)original.length;
    *ret_text = (struct normal_text){w.data, w.length, w.origin, original};
    return OK;
}

struct str normalise_original(const struct normal_text *text, size_t begin, size_t end)
{
    return str_slice(text->original, text->origin[begin], text->origin[end]);
}
