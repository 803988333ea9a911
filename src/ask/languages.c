/*
 * The language of a prompt: its script where that decides, else the votes of its lexicon words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

#define ENGLISH_LEAD 2 /* halves of a vote: what English gains when the others are level */

const char *ask_language_tag(enum ask_language language)
{
    static const char *const tags[LANGUAGE_COUNT] = {"en",      "es", "fr", "de", "pt", "hi",
                                                     "hi-Latn", "zh", "ja", "ru", "ar", "pl"};

    return tags[language];
}

struct scripts {
    size_t kana, han, devanagari, arabic, cyrillic, latin;
};

static struct scripts count_scripts(const struct normal_text *text)
{
    const unsigned char *data = (const unsigned char *)text->data;
    struct scripts count = {0};

    for (size_t i = 0; i + 1 < text->length; i++) {
        unsigned char c = data[i];

        count.latin += c >= 'a' && c <= 'z';
        count.kana += c == 0xE3 && (data[i + 1] >= 0x81 && data[i + 1] <= 0x83);
        count.han += c >= 0xE4 && c <= 0xE9;
        count.devanagari += c == 0xE0 && (data[i + 1] == 0xA4 || data[i + 1] == 0xA5);
        count.arabic += c >= 0xD8 && c <= 0xDB;
        count.cyrillic += c == 0xD0 || c == 0xD1;
    }
    return count;
}

static enum ask_language most_voted(const struct parse *p)
{
    unsigned votes[LANGUAGE_COUNT] = {0};
    enum ask_language best = LANGUAGE_EN;

    for (uint32_t i = 0; i < p->token_count; i++) {
        unsigned languages = p->tokens[i].languages;
        unsigned weight = languages && (languages & (languages - 1)) == 0 ? 2 : 1;

        for (unsigned l = 0; l < LANGUAGE_COUNT; l++) {
            votes[l] += (languages >> l) & 1 ? weight : 0;
        }
    }
    votes[LANGUAGE_EN] += ENGLISH_LEAD / 2;
    for (unsigned l = 1; l < LANGUAGE_COUNT; l++) {
        if (votes[l] > votes[best]) {
            best = (enum ask_language)l;
        }
    }
    return best;
}

enum ask_language language_detect(const struct parse *p)
{
    struct scripts count = count_scripts(&p->text);

    if (count.kana) {
        return LANGUAGE_JA;
    }
    if (count.han) {
        return LANGUAGE_ZH;
    }
    if (count.devanagari) {
        return LANGUAGE_HI;
    }
    if (count.arabic) {
        return LANGUAGE_AR;
    }
    if (count.cyrillic * 2 > count.latin) {
        return LANGUAGE_RU;
    }
    return most_voted(p);
}
