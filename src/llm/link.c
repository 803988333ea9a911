/* SPDX-License-Identifier: Apache-2.0 */
#include "llm/link.h"

#define KEY_MORE_BYTES 64u /* of the header's value beside the key: "Bearer " */

void llm_link_write_address(const struct llm_provider *provider, struct buf *out)
{
    buf_append(out, provider->url);
    provider->wire->write_path(provider->model, out);
}

size_t llm_link_headers(const struct llm_provider *provider, struct str key,
                        struct http_header ret_headers[LLM_LINK_HEADERS_MAX], struct buf *secret)
{
    const struct llm_wire *wire = provider->wire;
    size_t count = 0;

    ret_headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    for (size_t i = 0; i < LLM_WIRE_HEADERS_MAX && wire->headers[i].name; i++) {
        ret_headers[count++] =
            (struct http_header){str_from(wire->headers[i].name), str_from(wire->headers[i].value)};
    }
    const char *name = wire->write_key(key.length ? key : (struct str){NULL, 0}, secret);
    if (name && key.length) {
        ret_headers[count++] = (struct http_header){str_from(name), buf_str(secret)};
    }
    return count;
}

/* Overwritten before it is freed: it held the key. */
static void wipe_buf(struct buf *buf)
{
    if (buf->data) {
        explicit_bzero(buf->data, buf->capacity);
    }
    buf_done(buf);
}

static int copy_texts(struct llm_link *link, const struct llm_provider *provider,
                      struct arena *arena)
{
    link->provider = (struct llm_provider){
        .name = arena_copy(arena, provider->name),
        .price_provider = arena_copy(arena, provider->price_provider),
        .wire = provider->wire,
        .url = arena_copy(arena, provider->url),
        .key = arena_copy(arena, provider->key),
        .model = arena_copy(arena, provider->model),
    };
    const struct llm_provider *copy = &link->provider;
    bool is_whole = copy->name.data && copy->price_provider.data && copy->url.data &&
                    copy->key.data && copy->model.data;
    return is_whole ? OK : ERR_NO_MEMORY;
}

static int make_address(struct llm_link *link, struct arena *arena)
{
    cleanup(buf_done) struct buf address = {0};

    buf_init(&address, LLM_ADDRESS_BYTES_MAX);
    llm_link_write_address(&link->provider, &address);
    if (buf_status(&address)) {
        return buf_status(&address);
    }
    link->address = arena_copy(arena, buf_str(&address));
    return link->address.data ? OK : ERR_NO_MEMORY;
}

static int make_headers(struct llm_link *link, struct arena *arena)
{
    cleanup(wipe_buf) struct buf secret = {0};

    buf_init(&secret, LLM_KEY_BYTES_MAX);
    /* Room for all of it, so that growing leaves no copy of the key behind. */
    if (buf_reserve(&secret, link->provider.key.length + KEY_MORE_BYTES)) {
        return buf_status(&secret);
    }
    link->header_count =
        llm_link_headers(&link->provider, link->provider.key, link->headers, &secret);
    if (buf_status(&secret)) {
        return buf_status(&secret);
    }
    if (!link->provider.key.length) {
        return OK;
    }
    link->secret = arena_copy(arena, buf_str(&secret));
    link->headers[link->header_count - 1].value = link->secret;
    return link->secret.data ? OK : ERR_NO_MEMORY;
}

int llm_link_init(struct llm_link *link, const struct llm_provider *provider,
                  const struct llm_limits *limits, struct arena *arena, struct error *error)
{
    *link = (struct llm_link){0};
    breaker_init(&link->breaker, limits->breaker_failures, limits->breaker_open_ms);
    int code = copy_texts(link, provider, arena);
    code = code ? code : make_address(link, arena);
    code = code ? code : make_headers(link, arena);
    if (code == ERR_LIMIT) {
        return error_set(error, code, "the address or the key of model provider %.*s is too long",
                         STR_ARGS(provider->name));
    }
    return code ? error_set(error, code, "no memory for model provider %.*s",
                            STR_ARGS(provider->name))
                : OK;
}

static void wipe_text(struct str text)
{
    if (text.length) {
        explicit_bzero((char *)text.data, text.length);
    }
}

void llm_link_wipe(struct llm_link *link)
{
    wipe_text(link->provider.key);
    wipe_text(link->secret);
}
