/*
 * Lines of Netra's log in both of its forms, and what else stands in the same file: the two lines
 * of a start on standard output, the message with which a start fails ("netra: …"), what the system
 * writes when a program cannot be loaded.
 *
 *     2026-11-23T10:00:00.123456Z warning store: cannot commit: No space left on device
 *     {"time":"…","level":"warning","room":"store","message":"…"}
 *     netra: netra.conf:4: log.level takes error|warning|info|debug, not 'loud'
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/civil_time.h"
#include "verify/look.h"

#define STAMP_LENGTH 27u /* 2026-11-23T10:00:00.123456Z */

static bool has(struct str text, const char *needle)
{
    return str_find(text, str_from(needle), 0) != SIZE_MAX;
}

static bool read_json(struct json_parser *parser, struct str line, struct log_line *ret_line)
{
    struct json_value root;
    struct str time;

    if (json_parse(parser, line, &root, NULL) != OK ||
        !json_get_str(json_at(root, "level"), &ret_line->level) ||
        !json_get_str(json_at(root, "message"), &ret_line->message)) {
        return false;
    }
    (void)json_get_str(json_at(root, "room"), &ret_line->room);
    if (!json_get_str(json_at(root, "time"), &time) || civil_parse(time, &ret_line->at_us)) {
        ret_line->at_us = 0;
    }
    return true;
}

/* "TIME level room: message" */
static bool read_text(struct str line, struct log_line *ret_line)
{
    size_t level_end = str_find(line, STR(" "), STAMP_LENGTH + 1);
    size_t room_end = level_end == SIZE_MAX ? SIZE_MAX : str_find(line, STR(": "), level_end);

    if (line.length <= STAMP_LENGTH || room_end == SIZE_MAX || line.data[STAMP_LENGTH] != ' ' ||
        civil_parse(str_slice(line, 0, STAMP_LENGTH), &ret_line->at_us)) {
        return false;
    }
    ret_line->level = str_slice(line, STAMP_LENGTH + 1, level_end);
    ret_line->room = str_slice(line, level_end + 1, room_end);
    ret_line->message = str_slice(line, room_end + 2, line.length);
    return true;
}

void log_line_read(struct json_parser *parser, struct str line, struct log_line *ret_line)
{
    struct log_line read = {.level = STR(""), .room = STR(""), .message = line};

    line = str_trim(line);
    if (!(line.length && line.data[0] == '{' && read_json(parser, line, &read)) &&
        !read_text(line, &read)) {
        read = (struct log_line){.level = STR(""), .room = STR(""), .message = line};
    }
    *ret_line = read;
}

const char *log_line_kind(const struct log_line *line)
{
    if (line->level.length == 0) {
        bool is_crash = has(line->message, "check failed") || has(line->message, "Sanitizer") ||
                        has(line->message, "Assertion `");

        return is_crash                                               ? "crash"
               : str_starts_with(line->message, STR("netra: "))       ? "start"
               : has(line->message, "error while loading shared lib") ? "start"
               : str_starts_with(line->message, STR("cannot start ")) ? "start"
                                                                      : NULL;
    }
    if (str_equal(line->level, STR("error"))) {
        return "error";
    }
    if (has(line->message, ": no new work, at most ")) {
        return "stop";
    }
    /* Requests are lines, too, and the looking makes some of its own. */
    return str_equal(line->level, STR("warning")) && !str_equal(line->room, STR("http")) ? "warning"
                                                                                         : NULL;
}
