/*
 * llhttp pushes; this pulls: the callback of each piece stops the parser, which goes on from there
 * at the next call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/message.h"

#include <llhttp.h>

#include "base/check.h"
#include "http/refusal.h"

_Static_assert(sizeof(llhttp_t) <= sizeof(((struct message *)NULL)->parser),
               "struct message has room for llhttp's parser");

static llhttp_t *parser_of(struct message *message)
{
    return (llhttp_t *)message->parser;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct message *message = parser->data;

    message->is_head_read = true;
    parser->upgrade = 0; /* whether to change the protocol is not the parser's matter */
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t length)
{
    struct message *message = parser->data;

    if (length == 0) {
        return 0;
    }
    message->piece = (struct str){at, length};
    return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser)
{
    struct message *message = parser->data;

    message->is_ended = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

int message_begin(struct message *message, struct str head, const struct message_framing *framing)
{
    llhttp_t *parser = parser_of(message);

    *message = (struct message){.overhead = 0};
    llhttp_init(parser, HTTP_REQUEST, &settings);
    parser->data = message;
    llhttp_errno_t code = llhttp_execute(parser, head.data, head.length);
    bool has_body = framing->is_chunked || framing->length > 0;
    if (has_body) {
        bool is_same = code == HPE_OK && message->is_head_read &&
                       !!(parser->flags & F_CHUNKED) == framing->is_chunked &&
                       (framing->is_chunked || parser->content_length == framing->length);
        return is_same ? MESSAGE_MORE : -REFUSAL_FRAMING;
    }
    bool is_whole = code == HPE_PAUSED && message->is_ended &&
                    llhttp_get_error_pos(parser) == head.data + head.length;
    return is_whole ? MESSAGE_END : -REFUSAL_FRAMING;
}

int message_next(struct message *message, struct str *rest, struct str *ret_piece)
{
    llhttp_t *parser = parser_of(message);

    check(message->is_head_read && !message->is_ended);
    if (!rest->data) {
        *rest = STR(""); /* llhttp takes NULL for the beginning of no piece at all */
    }
    message->piece = (struct str){NULL, 0};
    llhttp_errno_t code = llhttp_execute(parser, rest->data, rest->length);
    size_t used = rest->length;
    if (code == HPE_PAUSED) {
        used = (size_t)(llhttp_get_error_pos(parser) - rest->data);
        llhttp_resume(parser);
    } else if (code != HPE_OK) {
        return -REFUSAL_CHUNK;
    }
    check_cmp(used, <=, rest->length);
    *rest = str_slice(*rest, used, rest->length);
    message->overhead += (uint32_t)(used - message->piece.length);
    if (message->overhead > MESSAGE_OVERHEAD_BYTES_MAX) {
        return -REFUSAL_CHUNK_OVERHEAD;
    }
    if (message->piece.length) {
        message->overhead = 0;
        *ret_piece = message->piece;
        return MESSAGE_PIECE;
    }
    return message->is_ended ? MESSAGE_END : MESSAGE_MORE;
}
