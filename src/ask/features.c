/*
 * Features that the records do not name: a usual name ("chat", "search") or an unknown word counts
 * as a feature where the grammar puts one: behind "for", "feature", "don't touch"; before "'s p95",
 * "usage", "must stay below". It is kept verbatim.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ask/parse.h"

#define NAME_TOKENS_MAX 4

static bool is_name_part(const struct token *token)
{
    return is_one_of(token->kind, TOKEN_WORD, TOKEN_FEATURE_NOUN);
}

static enum token_kind kind_at(const struct parse *p, int64_t at)
{
    return at >= 0 && at < (int64_t)p->token_count ? p->tokens[at].kind : TOKEN_SENTENCE;
}

/* The token before at that is not a weightless word. */
static enum token_kind opener_before(const struct parse *p, uint32_t at)
{
    int64_t i = (int64_t)at - 1;

    while (i >= 0 && (p->tokens[i].kind == TOKEN_STOP || p->tokens[i].kind == TOKEN_ALL ||
                      p->tokens[i].kind == TOKEN_OPEN)) {
        i--;
    }
    return kind_at(p, i);
}

static enum token_kind closer_behind(const struct parse *p, uint32_t at)
{
    int64_t i = at;

    while (i < (int64_t)p->token_count && p->tokens[i].kind == TOKEN_STOP) {
        i++;
    }
    return kind_at(p, i);
}

static bool opens_scope(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_FOR, TOKEN_EXCLUDE, TOKEN_FEATURE_WORD, TOKEN_OF, TOKEN_MIGRATE,
                     TOKEN_KEEP);
}

static bool opens_usual_name(enum token_kind kind)
{
    return opens_scope(kind) || is_one_of(kind, TOKEN_IF, TOKEN_ONLY, TOKEN_SLOW, TOKEN_FEATURE,
                                          TOKEN_DOWN, TOKEN_LESS, TOKEN_IMPROVE);
}

static bool follows_name(enum token_kind kind)
{
    return is_one_of(kind, TOKEN_METRIC, TOKEN_STAT, TOKEN_LESS, TOKEN_MORE, TOKEN_SLOW,
                     TOKEN_AT_MOST, TOKEN_AT_LEAST, TOKEN_KEEP, TOKEN_ACCEPT, TOKEN_CHANGED_UP,
                     TOKEN_CHANGED_DOWN, TOKEN_BAD, TOKEN_EXPENSIVE, TOKEN_QUANTITY,
                     TOKEN_FEATURE_WORD, TOKEN_UP, TOKEN_DOWN, TOKEN_COLON, TOKEN_NEGATION,
                     TOKEN_OVERRUN, TOKEN_MULTIPLY);
}

/* A lone letter in feature position: "feature X", "for Y". */
static bool is_letter_name(const struct parse *p, uint32_t at)
{
    const struct token *token = &p->tokens[at];

    return token->end - token->begin == 1 && p->text.data[token->begin] >= 'a' &&
           p->text.data[token->begin] <= 'z' && token->kind == TOKEN_WORD;
}

/* "in", "at" and "with" open places and times as often as scopes. */
static bool is_weak_opener(const struct parse *p, uint32_t begin)
{
    int64_t i = (int64_t)begin - 1;

    while (i >= 0 && p->tokens[i].kind == TOKEN_STOP) {
        i--;
    }
    return i >= 0 && p->tokens[i].kind == TOKEN_FOR && p->tokens[i].arg == 1;
}

/* "chat, search and reports" */
static bool is_in_list(const struct parse *p, uint32_t begin)
{
    return kind_at(p, (int64_t)begin - 2) == TOKEN_FEATURE &&
           is_one_of(kind_at(p, (int64_t)begin - 1), TOKEN_AND, TOKEN_OR, TOKEN_COMMA);
}

static bool is_feature_here(const struct parse *p, uint32_t begin, uint32_t end, bool usual)
{
    enum token_kind opener = opener_before(p, begin);
    enum token_kind closer = closer_behind(p, end);
    bool compound = memchr(p->text.data + p->tokens[begin].begin, '-',
                           p->tokens[end - 1].end - p->tokens[begin].begin) != NULL;
    bool in_list = is_in_list(p, begin);

    if (usual) {
        return opens_usual_name(opener) || follows_name(closer) || in_list;
    }
    if (is_letter_name(p, begin)) {
        return is_one_of(opener, TOKEN_FEATURE_WORD, TOKEN_FOR, TOKEN_EXCLUDE) || in_list;
    }
    if ((unsigned char)p->text.data[p->tokens[begin].begin] >= 0xE3) {
        return false; /* unknown Chinese or Japanese text has no word boundaries to trust */
    }
    if (is_one_of(kind_at(p, end), TOKEN_DOMAIN, TOKEN_MODEL, TOKEN_FEATURE)) {
        return false; /* "in my fancy setup" */
    }
    return (opens_scope(opener) && !is_weak_opener(p, begin)) || closer == TOKEN_FEATURE_WORD ||
           in_list || (compound && (opens_usual_name(opener) || follows_name(closer)));
}

void features_find(struct parse *p)
{
    uint32_t to = 0;

    for (uint32_t i = 0; i < p->token_count;) {
        uint32_t end = i;
        bool usual = false;

        while (end < p->token_count && end - i < NAME_TOKENS_MAX && is_name_part(&p->tokens[end])) {
            usual |= p->tokens[end].kind == TOKEN_FEATURE_NOUN;
            end++;
        }
        if (end > i && is_feature_here(p, i, end, usual)) {
            struct str name =
                normalise_original(&p->text, p->tokens[i].begin, p->tokens[end - 1].end);
            int32_t index = entities_add_feature(p, name);

            p->tokens[to] = p->tokens[i];
            p->tokens[to].end = p->tokens[end - 1].end;
            if (index >= 0) {
                p->tokens[to].kind = TOKEN_FEATURE;
                p->tokens[to].arg = index;
            }
            /* Whoever looks back from the next token sees the name, not its last word. */
            p->tokens[end - 1] = p->tokens[to];
            to++;
            i = end;
            continue;
        }
        end += end == i;
        while (i < end) {
            p->tokens[to++] = p->tokens[i++];
        }
    }
    p->token_count = to;
}
