/*
 * No invented number gets through the judge of prose: over a thousand are made (always the same
 * ones), each is put into a sentence, cut into pieces in many ways, and must be refused before any
 * of it was shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "unit.h"

#include "base/check.h"
#include "base/dict.h"
#include "base/random.h"
#include "prose_support.h"

#define INVENTED_MIN 1000u
#define HEAD         "It costs "
#define TAIL         " in all."

/* ---- judging one ---- */

static struct dict invented; /* all that were tried */
static size_t passed;

static void try_cut(struct str text, size_t first, size_t step, const char *shown)
{
    struct buf out;
    struct prose *prose;
    int code;

    buf_init(&out, (size_t)1 << 16);
    check(prose_new(prose_sample_rules(), &prose) == OK);
    code = prose_feed(prose, str_slice(text, 0, first), &out, NULL);
    for (size_t at = first; at < text.length && !code; at += step) {
        size_t end = text.length - at < step ? text.length : at + step;

        code = prose_feed(prose, str_slice(text, at, end), &out, NULL);
    }
    if (!code) {
        code = prose_finish(prose, &out, NULL);
    }
    if (code != ERR_INVALID || !str_starts_with(str_from(shown), str_trim(buf_str(&out)))) {
        print_error("'%.*s' in pieces of %zu and %zu: %s, shown '%.*s'\n", STR_ARGS(text), first,
                    step, code ? "refused" : "let through", STR_ARGS(buf_str(&out)));
        passed++;
    }
    prose_free(prose);
    buf_done(&out);
}

/* The number in a sentence: whole, byte by byte, and cut once at each of its bytes. What stands
 * before a '|' is no part of it and may be shown. */
static void try_number(struct str marked)
{
    size_t bar = str_find(marked, STR("|"), 0);
    size_t lead = bar == SIZE_MAX ? 0 : bar;
    struct str rest = str_slice(marked, bar == SIZE_MAX ? 0 : bar + 1, marked.length);
    uint32_t before = invented.count;
    struct buf shown;
    struct buf text;
    uint32_t id;

    assert_int_equal(dict_put(&invented, marked, &id), OK);
    if (invented.count == before) {
        return;
    }
    buf_init(&text, 4096);
    buf_init(&shown, 4096);
    buf_printf(&text, HEAD "%.*s%.*s" TAIL, (int)lead, marked.data, STR_ARGS(rest));
    buf_printf(&shown, HEAD "%.*s", (int)lead, marked.data);
    for (size_t i = 0; i <= lead + rest.length + 1; i++) {
        try_cut(buf_str(&text), sizeof(HEAD) - 2 + i, text.length, shown.data);
    }
    try_cut(buf_str(&text), text.length, 1, shown.data);
    try_cut(buf_str(&text), 0, 1, shown.data);
    if (!lead && rest.data[0] != '-') { /* there it marks an item of a list */
        try_cut(rest, 0, 2, "");
    }
    buf_done(&shown);
    buf_done(&text);
}

static void try_text(const char *number)
{
    try_number(str_from(number));
}

static void printf_like(1, 2) try_printed(const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    try_text(text);
}

/* ---- digits ---- */

static void try_digits(void)
{
    static const char *const forms[] = {
        "%u",          "%u,%03u", "%u.%02u",    "%u %03u",    "%u'%03u", "%u_%03u", "$%u",
        "%u$",         "€%u.%u",  "%u €",       "£%u",        "¥%u",     "₹%u,%u",  "USD |%u",
        "%u USD",      "%u%%",    "%u %%",      "%u percent", "%u‰",     "%ue%u",   "%u.%uE+%u",
        "0x%X",        "0b%u",    "%u/%u",      "%u:%u",      "%u-%u",   "%u–%u",   "%u.%uk",
        "%uM",         "%ux",     "x%u",        "%uth",       "#%u",     "%u-fold", "10^%u",
        "№%u",         "~%u",     "≈%u",        "-%u",        "+%u",     "±%u",     "(%u)",
        "\"%u\"",      "[%u]",    "%u.",        "%u)",        "v%u.%u",  "p%u",     "gpt-%u",
        "a%u",         "%u%u",    ".%u",        ",%u",        "%u×",     "×%u",     "%u ms",
        "20%u-0%u-11", "Q%u",     "%u million", "about%u",    "%u,-",    "T%uZ",    "%uₓ%u",
    };
    struct random random;

    random_init(&random, 4, 1);
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        for (int turn = 0; turn < 5; turn++) {
            unsigned first = random_below(&random, 90) + 1;
            unsigned second = random_below(&random, 9) + 1;
            unsigned third = random_below(&random, 9);

            try_printed(forms[i], first, second, third);
        }
    }
}

static void append_point(struct buf *out, uint32_t point)
{
    if (point < 0x80) {
        buf_append_char(out, (char)point);
    } else if (point < 0x800) {
        buf_printf(out, "%c%c", (int)(0xc0 | point >> 6), (int)(0x80 | (point & 0x3f)));
    } else if (point < 0x10000) {
        buf_printf(out, "%c%c%c", (int)(0xe0 | point >> 12), (int)(0x80 | (point >> 6 & 0x3f)),
                   (int)(0x80 | (point & 0x3f)));
    } else {
        buf_printf(out, "%c%c%c%c", (int)(0xf0 | point >> 18), (int)(0x80 | (point >> 12 & 0x3f)),
                   (int)(0x80 | (point >> 6 & 0x3f)), (int)(0x80 | (point & 0x3f)));
    }
}

/* Two or three characters of a block of count from first. */
static void try_block(struct random *random, uint32_t first, uint32_t count)
{
    for (unsigned length = 1; length <= 3; length++) {
        struct buf text;

        buf_init(&text, 64);
        for (unsigned i = 0; i < length; i++) {
            append_point(&text, first + random_below(random, count));
        }
        try_number(buf_str(&text));
        buf_done(&text);
    }
}

static void try_other_digits(void)
{
    /* The zeros of decimal digits of many scripts, from Arabic to mathematical ones. */
    static const uint32_t zeros[] = {
        0x0660,  0x06f0,  0x07c0,  0x0966,  0x09e6,  0x0a66,  0x0ae6,  0x0b66,  0x0be6,
        0x0c66,  0x0ce6,  0x0d66,  0x0de6,  0x0e50,  0x0ed0,  0x0f20,  0x1040,  0x1090,
        0x17e0,  0x1810,  0x1946,  0x19d0,  0x1a80,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,
        0xa620,  0xa8d0,  0xa900,  0xa9d0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x11066,
        0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730,
        0x118e0, 0x11c50, 0x16a60, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6};
    static const struct {
        uint32_t first;
        uint32_t count;
    } blocks[] = {{0xb2, 2},     {0xbc, 3},    {0x2074, 6},    {0x2080, 10},  {0x2150, 16},
                  {0x2160, 16},  {0x2170, 16}, {0x2180, 3},    {0x2460, 20},  {0x2474, 20},
                  {0x2488, 20},  {0x24ea, 22}, {0x2776, 30},   {0x3007, 1},   {0x3021, 9},
                  {0x3220, 10},  {0x3280, 10}, {0x3251, 15},   {0x4e00, 1},   {0x4e8c, 1},
                  {0x4e09, 1},   {0x5341, 1},  {0x10107, 40},  {0x10140, 53}, {0x1f100, 11},
                  {0x09f4, 6},   {0x0bf0, 3},  {0x0f2a, 10},   {0x1369, 20},  {0x16ee, 3},
                  {0x3192, 4},   {0xa830, 6},  {0x12400, 100}, {0x1d360, 18}, {0xff21, 26},
                  {0x1d400, 26}, {0x0391, 17}, {0x0410, 32},   {0x05d0, 22}};
    struct random random;

    random_init(&random, 4, 2);
    for (size_t i = 0; i < ARRAY_LENGTH(zeros); i++) {
        try_block(&random, zeros[i], 10);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(blocks); i++) {
        try_block(&random, blocks[i].first, blocks[i].count);
    }
}

static void print_roman(unsigned value, struct buf *out)
{
    static const struct {
        unsigned value;
        const char *letters;
    } steps[] = {{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"},
                 {90, "XC"},  {50, "L"},   {40, "XL"}, {10, "X"},   {9, "IX"},
                 {5, "V"},    {4, "IV"},   {1, "I"}};

    for (size_t i = 0; i < ARRAY_LENGTH(steps); i++) {
        for (; value >= steps[i].value; value -= steps[i].value) {
            buf_append(out, str_from(steps[i].letters));
        }
    }
}

static void try_roman(void)
{
    static const char *const forms[] = {"ii",    "iii",   "iv",  "vi",  "vii", "viii", "ix",
                                        "xi",    "xii",   "xiv", "xx",  "xvi", "Iv",   "XIVth",
                                        "IIIrd", "mcmxc", "lOO", "IOO", "lO",  "OO",   "Ill",
                                        "V",     "X",     "L",   "C",   "D",   "M"};

    for (unsigned value = 2; value < 4000; value += value < 40 ? 1 : 137) {
        struct buf text;

        buf_init(&text, 64);
        print_roman(value, &text);
        try_number(buf_str(&text));
        buf_done(&text);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(forms); i++) {
        try_text(forms[i]);
    }
}

/* ---- words ---- */

struct language {
    const char *ones[18]; /* from two to nineteen */
    const char *tens[8];  /* from twenty to ninety */
    const char *link;     /* between tens and ones */
    bool is_ones_first;
    const char *hundred;
    const char *thousand;
};

static const struct language languages[] = {
    {{"two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
      "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"},
     {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"},
     "-",
     false,
     "hundred",
     "thousand"},
    {{"zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
      "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"},
     {"zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"},
     "und",
     true,
     "hundert",
     "tausend"},
    {{"deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze",
      "treize", "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf"},
     {"vingt", "trente", "quarante", "cinquante", "soixante", "septante", "quatre-vingts",
      "nonante"},
     "-",
     false,
     "cent",
     "mille"},
    {{"dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once |mil",
      "doce", "trece", "catorce", "quince", "dieciséis", "diecisiete", "dieciocho", "diecinueve"},
     {"veinte", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"},
     " y ",
     false,
     "cientos",
     "mil"},
    {{"duecento", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici",
      "dodici", "tredici", "quattordici", "quindici", "sedici", "diciassette", "diciotto",
      "diciannove"},
     {"venti", "trenta", "quaranta", "cinquanta", "sessanta", "settanta", "ottanta", "novanta"},
     "",
     false,
     "cento",
     "mila"},
    {{"dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove", "dez", "onze", "doze",
      "treze", "catorze", "quinze", "dezesseis", "dezessete", "dezoito", "dezenove"},
     {"vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa"},
     " e ",
     false,
     "centos",
     "mil"},
    {{"twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen", "tien", "elf", "twaalf",
      "dertien", "veertien", "vijftien", "zestien", "zeventien", "achttien", "negentien"},
     {"twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig"},
     "en",
     true,
     "honderd",
     "duizend"},
};

static void try_compounds(const struct language *language)
{
    for (size_t ten = 0; ten < ARRAY_LENGTH(language->tens); ten++) {
        for (size_t one = ten % 3; one < 8; one += 3) {
            if (language->is_ones_first) {
                try_printed("%s%s%s", language->ones[one], language->link, language->tens[ten]);
            } else {
                try_printed("%s%s%s", language->tens[ten], language->link, language->ones[one]);
            }
            try_printed("%s%s%s", language->ones[one], language->thousand, language->tens[ten]);
        }
        try_printed("%s%s", language->tens[ten], language->hundred);
    }
}

static void try_languages(void)
{
    for (size_t i = 0; i < ARRAY_LENGTH(languages); i++) {
        const struct language *language = &languages[i];

        for (size_t one = 0; one < ARRAY_LENGTH(language->ones); one++) {
            try_printed("%s", language->ones[one]);
            try_printed("%s %s", language->ones[one], language->hundred);
        }
        for (size_t ten = 0; ten < ARRAY_LENGTH(language->tens); ten++) {
            try_text(language->tens[ten]);
        }
        try_text(language->hundred);
        try_text(language->thousand);
        try_compounds(language);
    }
}

static void try_more_words(void)
{
    static const char *const words[] = {
        "zero",
        "half",
        "a half",
        "one half",
        "two and a half",
        "halved",
        "a third",
        "thirds",
        "two-thirds",
        "a quarter",
        "three quarters",
        "a fifth",
        "sevenths",
        "a tenth",
        "hundredths",
        "the |fourth",
        "twentieth",
        "twenty-first",
        "twice",
        "thrice",
        "double",
        "doubled",
        "doubling",
        "triple",
        "tripled",
        "treble",
        "quadrupled",
        "tenfold",
        "a hundredfold",
        "dozen",
        "dozens",
        "a couple",
        "hundreds",
        "thousands",
        "millions",
        "billions",
        "trillion",
        "a percent",
        "per cent",
        "per-cent",
        "percentage points",
        "percentage point",
        "one percent",
        "one",
        "one dollar",
        "one hour",
        "one-hour",
        "onehour",
        "onetime",
        "the |one hour",
        "just |one",
        "One",
        "ONE",
        "a second",
        "a minute",
        "an hour",
        "a dollar",
        "a grand",
        "a single dollar",
        "single",
        "third",
        "a hundred",
        "a million",
        "an order of |a hundred",
        "minus half",
        "twenties",
        "teens",
        "fortnight",
        "a decade",
        "a century",
        "nil",
        "nought",
        "fivefold",
        "twentyfive",
        "fiveandtwenty",
        "onehundredtwenty",
        "abouttwenty",
        "twentyish",
        "threeish",
        "costsfifty",
        "fiftydollars",
        "tendollars",
        "tenpercent",
        "halfmillion",
        "Twenty",
        "TWENTY",
        "tWeNtY",
        "twénty",
        "fıve",
        "fïve",
        "thrée",
        "sıx",
        "nïne",
        "fiiive",
        "teeen",
        "fourty",
        "ninty",
        "five's",
        "five-ish",
        "two/three",
        "(seven)",
        "\"eight\"",
        "'nine'",
        "ten.",
        "ten,",
        "ten!",
        "\xe2\x80\x94six",
        "five\xe2\x80\x94six",
        "twenty–five",
        "twenty‑five",
        "twenty five",
        "hälfte",
        "Hälfte",
        "ein |Drittel",
        "doppelt",
        "dreifach",
        "einhundert",
        "zweitausendfünfhundert",
        "anderthalb",
        "Prozent",
        "Dutzend",
        "moitié",
        "demi",
        "un tiers de |cent",
        "douzaine",
        "pour cent",
        "pourcent",
        "deuxième",
        "mitad",
        "doble",
        "por ciento",
        "docena",
        "metà",
        "mezzo",
        "doppio",
        "ventuno",
        "ventotto",
        "quarantotto",
        "duemila",
        "percento",
        "metade",
        "dobro",
        "dúzia",
        "por cento",
        "helft",
        "dubbel",
        "procent",
        "eenentwintig",
        "tweeëntwintig",
        "anderhalf",
        "dreiundzwanzigtausend",
        "quatre-vingt-dix-neuf",
        "veintidós",
        "a pair",
        "I |I",
        "squared",
        "onethird",
        "onehalf",
        "tenner",
        "IIX",
        "a buck",
        "the |third one",
        "six figures",
        "by a factor of |ten",
        "fif ty",
        "FIF TY",
        "ninetynine",
        "seventysomething",
        "centouno",
        "trentatré",
        "ottantotto",
        "cuarentaicinco",
        "quatrevingt",
        "drei ßig",
        "million dollars",
        "bn",
        "mio",
        "thou",
        "lakh",
        "crore",
        "zeros",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        try_text(words[i]);
    }
}

/* English words broken in every place by everything that a reader would not see or would read over.
 */
static void try_split_words(void)
{
    static const char *const breaks[] = {" ",
                                         "-",
                                         ".",
                                         "/",
                                         "'",
                                         "\xe2\x80\x99",
                                         "\xe2\x80\x8b",
                                         "\xe2\x80\x8c",
                                         "\xe2\x80\x8d",
                                         "\xe2\x81\xa0",
                                         "\xef\xbb\xbf",
                                         "\xc2\xad",
                                         "\xcd\x8f",
                                         "\xe2\x80\xae",
                                         "\xcc\x81",
                                         "\xe2\x80\xa6",
                                         "- ",
                                         ", ",
                                         "\xe2\x80\x93"};
    const struct language *english = &languages[0];

    for (size_t i = 0; i < ARRAY_LENGTH(english->ones) + ARRAY_LENGTH(english->tens); i++) {
        const char *word = i < ARRAY_LENGTH(english->ones)
                               ? english->ones[i]
                               : english->tens[i - ARRAY_LENGTH(english->ones)];

        for (size_t b = 0; b < ARRAY_LENGTH(breaks); b++) {
            size_t at = 1 + (i + b) % (strlen(word) - 1);

            /* "s'even" is what is left of "it's even". */
            if (at == 1 && (breaks[b][0] == '\'' || b == 5)) {
                at = 2;
            }
            try_printed("%.*s%s%s", (int)at, word, breaks[b], word + at);
        }
    }
    try_text("t w e n t y");
    try_text("f.i.v.e");
    try_text("se ve nt een");
    try_text("f-i-v-e");
    try_text("zwan-zig");
    try_text("vin-gt");
    try_text("zwan zig");
}

static void try_quoted(void)
{
    static const char *const texts[] = {
        "`42`",
        "`5000`",
        "`20 %`",
        "`twenty five`",
        "`XIV`",
        "`one`",
        "`5k`",
        "`\xd9\xa5\xd9\xa0`",
        "`twenty`",
        "`gpt-5`",
        "`$5`",
        "``",
        "`gpt-4o",
        "`gpt-4o``5`",
        "tw`o1`",
        "`search`five",
        "{42}",
        "{twenty}",
        "{}",
        "{ spend.total}",
        "{spend.total }",
        "{spend.total:42}",
        "{spend.total:low}",
        "{spend.total:high}",
        "{retry.waste:high}",
        "{spend.total:median}",
        "{spend.total+5}",
        "{spend.total*2}",
        "{secret.total}",
        "{spend.other}",
        "{{spend.total}}",
        "{spend.total",
        "{spend",
        "{whatif.gpt-4o-mini.quality:exact}",
        "{whatif.gpt-4o-mini.quality:low}",
        "${spend.total}",
        "-{spend.total}",
        "- {spend.total}",
        "minus {spend.total}",
        "-({spend.total})",
        ".{requests.total}",
        "o{requests.total}",
        "x{requests.total}",
        "spend.total",
        "{SPEND.TOTAL}",
        "{spend.total:LOW}",
        "{spend.total:}",
    };

    for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
        try_text(texts[i]);
    }
}

static void test_prose_refuses_invented_numbers(void **state)
{
    (void)state;
    dict_init(&invented, 100000, (size_t)16 << 20);
    passed = 0;
    try_digits();
    try_other_digits();
    try_roman();
    try_languages();
    try_more_words();
    try_split_words();
    try_quoted();
    print_message("%u invented numbers refused, each whole, byte by byte and cut at every byte\n",
                  invented.count);
    assert_int_equal(passed, 0);
    assert_true(invented.count >= INVENTED_MIN);
    dict_done(&invented);
}

/* What is right by itself and makes another number of the fact beside it. */
static const struct {
    const char *text;
    const char *shown; /* at most */
} glued[] = {
    {"{requests.total}k of them.", "768,954"},
    {"{requests.total} k of them.", "768,954"},
    {"{requests.total} bn of them.", "768,954"},
    {"{requests.total} million of them.", "768,954"},
    {"{requests.total}{tokens.input.total}", "768,954"},
    {"{requests.total} {tokens.input.total}", "768,954"},
    {"{requests.total}'{tokens.input.total}", "768,954'"},
    {"{requests.total}.{tokens.input.total}", "768,954."},
    {"{requests.total},{tokens.input.total}", "768,954,"},
    {"{requests.total}-{tokens.input.total}", "768,954"},
    {"{requests.total}/{tokens.input.total}", "768,954"},
    {"{requests.total} / {tokens.input.total}", "768,954"},
    {"{requests.total} - {tokens.input.total}", "768,954 -"},
    {"{requests.total}%", "768,954"},
    {"{requests.total} %", "768,954"},
    {"{requests.total} dollars", "768,954"},
    {"{requests.total} (dollars)", "768,954 ("},
    {"{requests.total} hours", "768,954"},
    {"{requests.total} US dollars", "768,954 US"},
    {"{requests.total} in dollars", "768,954 in"},
    {"{requests.total} kilo", "768,954"},
    {"{spend.total} squared", "$14,807.04"},
    {"USD {requests.total}", "USD"},
    {"dollars {requests.total}", "dollars"},
    {"negative {spend.total}", "negative"},
    {"times {spend.total}", "times"},
    {"{requests.total} `4o-mini` calls", "768,954"},
    {"`gpt-4o-mini` `o1` {requests.total} calls", "gpt-4o-mini o1"},
    {"twen\nty", "twen"},
    {"{spend.total}th", "$14,807.04"},
    {"a `search`{spend.total}", "a search"},
};

static void test_prose_refuses_numbers_made_of_facts(void **state)
{
    (void)state;
    passed = 0;
    for (size_t i = 0; i < ARRAY_LENGTH(glued); i++) {
        struct str text = str_from(glued[i].text);

        for (size_t first = 0; first <= text.length; first++) {
            try_cut(text, first, text.length, glued[i].shown);
        }
        try_cut(text, 0, 1, glued[i].shown);
    }
    assert_int_equal(passed, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_prose_refuses_invented_numbers),
    cmocka_unit_test(test_prose_refuses_numbers_made_of_facts),
};

UNIT_MAIN(tests)
