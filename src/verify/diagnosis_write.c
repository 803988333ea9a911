/*
 * A diagnosis for programs (JSON) and for people: a tree that is read from the symptom down, and
 * below it the observations that it cites.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "report/visible.h"
#include "verify/rules.h"

#define BOLD      "\033[1m"
#define RED       "\033[31m"
#define GREEN     "\033[32m"
#define YELLOW    "\033[33m"
#define GREY      "\033[2m"
#define PLAIN     "\033[0m"
#define ID_COLUMN 5u

/* ---- JSON ---- */

static void put_member(struct json_writer *w, const char *key, struct str value)
{
    json_key(w, key);
    json_put_str(w, value);
}

static void put_why(struct json_writer *w, const struct why *why)
{
    json_begin_object(w);
    put_member(w, "because", why->because);
    json_key(w, "cites");
    json_begin_array(w);
    for (size_t i = 0; i < why->cite_count; i++) {
        json_put_str(w, why->cites[i]->id);
    }
    json_end_array(w);
    json_end_object(w);
}

static void put_diagnosis(struct json_writer *w, const struct diagnosis *diagnosis)
{
    json_begin_object(w);
    put_member(w, "symptom", diagnosis->symptom);
    put_member(w, "symptom_cite", diagnosis->symptom_cite->id);
    json_key(w, "whys");
    json_begin_array(w);
    for (size_t i = 0; i < diagnosis->why_count; i++) {
        put_why(w, &diagnosis->whys[i]);
    }
    json_end_array(w);
    json_key(w, "cause");
    json_put_text(w, diagnosis->cause);
    put_member(w, "fix", diagnosis->fix);
    if (!diagnosis->cause) {
        put_member(w, "needs", diagnosis->needs);
    }
    json_end_object(w);
}

static void put_observation(struct json_writer *w, const struct observation *observation)
{
    char stamp[CIVIL_STAMP_BYTES];

    civil_stamp(observation->at_us, stamp);
    json_begin_object(w);
    put_member(w, "id", observation->id);
    put_member(w, "kind", observation->kind);
    put_member(w, "subject", observation->subject);
    put_member(w, "value", observation->value);
    json_key(w, "at");
    json_put_text(w, stamp);
    json_end_object(w);
}

int diagnoses_write_json(const struct diagnoses *diagnoses, struct buf *out)
{
    struct json_writer w = json_writer_indented(out, 2);

    json_begin_object(&w);
    json_key(&w, "netra_diagnosis");
    json_put_i64(&w, 1);
    json_key(&w, "diagnoses");
    json_begin_array(&w);
    for (size_t i = 0; i < diagnoses->count; i++) {
        put_diagnosis(&w, &diagnoses->items[i]);
    }
    json_end_array(&w);
    json_key(&w, "observations");
    json_begin_array(&w);
    for (size_t i = 0; i < diagnoses->facts->observation_count; i++) {
        put_observation(&w, &diagnoses->facts->observations[i]);
    }
    json_end_array(&w);
    json_end_object(&w);
    buf_append_char(out, '\n');
    return buf_status(out);
}

/* ---- text ---- */

struct printing {
    struct buf *out;
    bool uses_colour;
    bool *is_cited; /* of each observation */
    const struct diagnoses *of;
};

static void paint(const struct printing *printing, const char *colour)
{
    if (printing->uses_colour) {
        buf_append(printing->out, str_from(colour));
    }
}

static void print_cites(const struct printing *printing, const struct observation *const *cites,
                        size_t count)
{
    paint(printing, GREY);
    buf_append(printing->out, STR("  ["));
    for (size_t i = 0; i < count; i++) {
        printing->is_cited[cites[i] - printing->of->facts->observations] = true;
        buf_printf(printing->out, "%s%.*s", i ? ", " : "", STR_ARGS(cites[i]->id));
    }
    buf_append(printing->out, STR("]"));
    paint(printing, PLAIN);
    buf_append_char(printing->out, '\n');
}

static void indent(const struct printing *printing, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        buf_append(printing->out, STR("   "));
    }
}

static void print_end(const struct printing *printing, const struct diagnosis *diagnosis)
{
    struct buf *out = printing->out;

    indent(printing, diagnosis->why_count + 1);
    if (!diagnosis->cause) {
        paint(printing, YELLOW);
        buf_append(out, STR("cause: unknown"));
        paint(printing, PLAIN);
        buf_printf(out, " (needs %.*s)\n", STR_ARGS(diagnosis->needs));
        return;
    }
    paint(printing, BOLD);
    buf_printf(out, "cause: %s", diagnosis->cause);
    paint(printing, PLAIN);
    buf_printf(out, ". %s\n", cause_find(diagnosis->cause)->is);
    indent(printing, diagnosis->why_count + 1);
    paint(printing, GREEN);
    buf_append(out, STR("fix:"));
    paint(printing, PLAIN);
    buf_printf(out, " %.*s\n", STR_ARGS(diagnosis->fix));
}

static void print_diagnosis(const struct printing *printing, const struct diagnosis *diagnosis)
{
    paint(printing, RED);
    buf_append(printing->out, STR("✗ "));
    paint(printing, BOLD);
    visible_append(printing->out, diagnosis->symptom);
    paint(printing, PLAIN);
    print_cites(printing, &diagnosis->symptom_cite, 1);
    for (size_t i = 0; i < diagnosis->why_count; i++) {
        const struct why *why = &diagnosis->whys[i];

        indent(printing, i + 1);
        buf_append(printing->out, STR("why? because "));
        visible_append(printing->out, why->because);
        print_cites(printing, why->cites, why->cite_count);
    }
    print_end(printing, diagnosis);
    buf_append_char(printing->out, '\n');
}

static void print_observations(const struct printing *printing)
{
    const struct evidence *facts = printing->of->facts;
    struct buf *out = printing->out;
    size_t others = 0;

    for (size_t i = 0; i < facts->observation_count; i++) {
        const struct observation *seen = &facts->observations[i];
        char stamp[CIVIL_STAMP_BYTES];

        if (!printing->is_cited[i]) {
            others++;
            continue;
        }
        civil_stamp(seen->at_us, stamp);
        buf_printf(out, "%*.*s  ", (int)ID_COLUMN, STR_ARGS(seen->id));
        paint(printing, GREY);
        buf_printf(out, "%.19sZ", stamp);
        paint(printing, PLAIN);
        buf_printf(out, "  %.*s, ", STR_ARGS(seen->kind));
        visible_append(out, seen->subject);
        buf_append(out, STR(": "));
        visible_append(out, seen->value);
        buf_append_char(out, '\n');
    }
    buf_printf(out, "%s%zu more observations with --json.\n",
               others == facts->observation_count ? "" : "and ", others);
}

int diagnoses_write_text(const struct diagnoses *diagnoses, bool uses_colour, struct buf *out)
{
    size_t count = diagnoses->facts->observation_count;
    struct printing printing = {
        .out = out,
        .uses_colour = uses_colour,
        .of = diagnoses,
        .is_cited = arena_alloc(&diagnoses->facts->arena, count + 1, sizeof(bool)),
    };

    if (!printing.is_cited) {
        return ERR_NO_MEMORY;
    }
    if (diagnoses->count == 0) {
        paint(&printing, GREEN);
        buf_append(out, STR("Nothing is wrong"));
        paint(&printing, PLAIN);
        buf_printf(out, ", as far as was looked: %zu observations.\n", count);
        return buf_status(out);
    }
    for (size_t i = 0; i < diagnoses->count; i++) {
        print_diagnosis(&printing, &diagnoses->items[i]);
    }
    print_observations(&printing);
    return buf_status(out);
}
