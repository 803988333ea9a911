/*
 * bench_model: what Netra adds to a model's stream: from the moment in which a provider writes a
 * word to the moment in which a client of Netra's WebSocket has it, against a bare socket that
 * reads the same provider. In between: libcurl, the wire, the judge of prose, the run's log, the
 * WebSocket.
 *
 *     model.first_word.*   the first word of each of RUNS answers
 *     model.word.*         all the others
 *
 * The provider is a thread of this program; it writes a word every WORD_MS, each in a piece of its
 * own, with the blank behind it: a word is shown when it has ended, so a model that sends the blank
 * with the next word adds that word's time, which is the model's own and not measured here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "load.h"
#include "netra_process.h"

#define RUNS          200
#define WORDS         40
#define WORD_MS       3
#define WORDS_ALL     (2 * RUNS * WORDS) /* through Netra, and bare */
#define WORD_LETTERS  6
#define CONSONANTS    12
#define VOWELS        3
#define REQUEST_BYTES 524288
#define CLIENTS_MAX   16
#define ANSWER_MS     20000

/* Word n is "zq" and three syllables: in no language a number, and not a letter twice. */
static const char consonants[] = "bdfgklmnprst";
static const char vowels[] = "aeo";
static double sent_s[WORDS_ALL];
static double heard_s[WORDS_ALL];
static int words_sent; /* by the provider's thread; read when it is quiet */
static struct load_sockets sockets;

static void word_of(int n, char *word)
{
    word[0] = 'z';
    word[1] = 'q';
    for (int i = 0; i < WORD_LETTERS; i += 2) {
        word[2 + i] = consonants[n % CONSONANTS];
        n /= CONSONANTS;
        word[3 + i] = vowels[n % VOWELS];
        n /= VOWELS;
    }
    word[2 + WORD_LETTERS] = '\0';
}

/* The number of the word at text, or -1. */
static int number_of(const char *text)
{
    int n = 0;

    if (text[0] != 'z' || text[1] != 'q') {
        return -1;
    }
    for (int i = WORD_LETTERS - 2; i >= 0; i -= 2) {
        const char *consonant = memchr(consonants, text[2 + i], CONSONANTS);
        const char *vowel = memchr(vowels, text[3 + i], VOWELS);

        if (!consonant || !vowel) {
            return -1;
        }
        n = (n * VOWELS + (int)(vowel - vowels)) * CONSONANTS + (int)(consonant - consonants);
    }
    return n < WORDS_ALL ? n : -1;
}

/* ---- hearing ---- */

/* Words in a stream that is read in pieces; one may be cut between two. */
struct ear {
    char bytes[131072 + 16];
    size_t kept;
};

static void hear(struct ear *ear, const char *data, size_t size, double now_s)
{
    memcpy(ear->bytes + ear->kept, data, size);
    size_t length = ear->kept + size;
    size_t whole = 2 + WORD_LETTERS;

    for (size_t i = 0; i + whole <= length; i++) {
        int n = ear->bytes[i] == 'z' ? number_of(ear->bytes + i) : -1;

        if (n >= 0 && heard_s[n] == 0) {
            heard_s[n] = now_s;
        }
    }
    ear->kept = length < whole - 1 ? length : whole - 1;
    memmove(ear->bytes, ear->bytes + length - ear->kept, ear->kept);
}

/* Reads until end was seen; 0, or -1. */
static int hear_until(int fd, const char *end)
{
    static struct ear ear;
    static char piece[131072];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char tail[256] = "";
    size_t tail_length = 0;

    ear.kept = 0;
    for (;;) {
        if (poll(&wait, 1, ANSWER_MS) != 1) {
            return -1;
        }
        ssize_t got = read(fd, piece, sizeof(piece) - 1);
        if (got <= 0) {
            return -1;
        }
        hear(&ear, piece, (size_t)got, bench_now_s());
        /* the end may be cut, too */
        size_t add = (size_t)got < 64 ? (size_t)got : 64;
        if (tail_length + add >= sizeof(tail)) {
            memmove(tail, tail + tail_length - 64, 64);
            tail_length = 64;
        }
        piece[got] = '\0';
        memcpy(tail + tail_length, piece + got - add, add);
        tail_length += add;
        if (memmem(piece, (size_t)got, end, strlen(end)) ||
            memmem(tail, tail_length, end, strlen(end))) {
            return 0;
        }
    }
}

/* ---- the provider ---- */

static int write_all(int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t done = send(fd, data, size, MSG_NOSIGNAL);

        if (done <= 0) {
            return -1;
        }
        data += done;
        size -= (size_t)done;
    }
    return 0;
}

/* One piece of a chunked body: an event of OpenAI's chat completions. */
static int write_delta(int fd, const char *text, const char *finish)
{
    char json[512];
    char chunk[640];
    int length =
        snprintf(json, sizeof(json),
                 "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\","
                 "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"},"
                 "\"finish_reason\":%s}]}\n\n",
                 text, finish);
    int all = snprintf(chunk, sizeof(chunk), "%x\r\n%s\r\n", (unsigned)length, json);

    return write_all(fd, chunk, (size_t)all);
}

static void write_words(int fd)
{
    struct timespec pause = {.tv_nsec = WORD_MS * 1000000};
    char word[16];

    for (int i = 0; i < WORDS; i++) {
        word_of(words_sent, word);
        word[2 + WORD_LETTERS] = ' ';
        word[3 + WORD_LETTERS] = '\0';
        (void)nanosleep(&pause, NULL);
        sent_s[words_sent++] = bench_now_s();
        (void)write_delta(fd, word, "null");
    }
}

static void answer(int fd, const char *request)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    static const char tail[] = "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";

    (void)write_all(fd, head, strlen(head));
    if (strstr(request, "\"response_format\"")) {
        (void)write_delta(fd, "{}", "null");
    } else if (strstr(request, "\"tools\"")) {
        (void)write_delta(fd, "Enough.", "null");
    } else {
        write_words(fd);
        (void)write_delta(fd, "It all cost {spend.total}.", "null"); /* or it is refused */
    }
    (void)write_delta(fd, "", "\"stop\"");
    (void)write_all(fd, tail, strlen(tail));
}

/* Requests of one connection, one after the other. */
static void *serve_client(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char *request = calloc(1, REQUEST_BYTES);
    size_t length = 0;

    while (request) {
        ssize_t got = read(fd, request + length, REQUEST_BYTES - 1 - length);

        if (got <= 0) {
            break;
        }
        length += (size_t)got;
        request[length] = '\0';
        const char *body = strstr(request, "\r\n\r\n");
        const char *announced = strcasestr(request, "content-length:");
        if (body && announced && request + length >= body + 4 + strtoul(announced + 15, NULL, 10)) {
            answer(fd, request);
            length = 0;
        }
    }
    free(request);
    (void)close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (int i = 0; i < CLIENTS_MAX; i++) {
        int on = 1;
        int fd = accept(listener, NULL, NULL);
        pthread_t thread;

        (void)setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof(on));
        if (fd < 0 || pthread_create(&thread, NULL, serve_client, (void *)(intptr_t)fd)) {
            break;
        }
        (void)pthread_detach(thread);
    }
    return NULL;
}

static int start_provider(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) ||
        listen(listener, CLIENTS_MAX) ||
        getsockname(listener, (struct sockaddr *)&address, &size) ||
        pthread_create(&thread, NULL, serve, (void *)(intptr_t)listener)) {
        return -1;
    }
    (void)pthread_detach(thread);
    *ret_port = ntohs(address.sin_port);
    return 0;
}

/* ---- the two readers ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static int read_bare(uint16_t port)
{
    static const char request[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    int fd = connect_to(port);

    for (int run = 0; run < RUNS; run++) {
        if (fd < 0 || write_all(fd, request, strlen(request)) || hear_until(fd, "[DONE]")) {
            return -1;
        }
    }
    return fd >= 0 ? close(fd) : -1;
}

/* The first "id" of an answer; 0, or -1. */
static int read_id(const char *text, char *id, size_t size)
{
    const char *begin = strstr(text, "\"id\":\"");
    size_t length = begin ? strcspn(begin + 6, "\"") : size;

    if (length >= size) {
        return -1;
    }
    memcpy(id, begin + 6, length);
    id[length] = '\0';
    return 0;
}

static int read_through(const struct netra *netra)
{
    char text[65536];
    char message[512];
    char dataset[64] = "";

    if (load_request(netra->port, NETRA_PROCESS_TOKEN, "/api/datasets/sample", "{\"seed\":1}", text,
                     sizeof(text)) != 201 ||
        read_id(text, dataset, sizeof(dataset)) ||
        load_sockets_open(&sockets, netra->port, NETRA_PROCESS_TOKEN, 1)) {
        return -1;
    }
    (void)snprintf(message, sizeof(message),
                   "{\"type\":\"run\",\"prompt\":\"Where does our money go?\",\"dataset\":\"%s\"}",
                   dataset);
    for (int run = 0; run < RUNS; run++) {
        if (load_sockets_send(&sockets, 0, message) ||
            hear_until(sockets.fds[0], "\"RUN_FINISHED\"")) {
            return -1;
        }
    }
    load_sockets_close(&sockets);
    return 0;
}

/* ---- the result ---- */

struct spread {
    double p50_ms;
    double p99_ms;
};

/* Of words from first to end; only the first ones of an answer, or only the others. */
static int spread_of(int first, int end, bool is_first_word, struct spread *ret)
{
    static double waits[WORDS_ALL];
    int count = 0;

    for (int n = first; n < end; n++) {
        if ((n % WORDS == 0) == is_first_word) {
            if (heard_s[n] == 0) {
                (void)fprintf(stderr, "model: word %d never arrived\n", n);
                return -1;
            }
            waits[count++] = (heard_s[n] - sent_s[n]) * 1e3;
        }
    }
    qsort(waits, (size_t)count, sizeof(waits[0]), bench_by_time);
    *ret = (struct spread){waits[count / 2], waits[count * 99 / 100]};
    return 0;
}

static void print(const char *name, double ours, double bare, double target)
{
    printf(
        "{\"name\":\"%s\",\"unit\":\"ms added (%.3f, bare %.3f)\",\"ours\":%.4f,\"target\":%.2f}\n",
        name, ours, bare, ours - bare, target);
}

static int print_all(void)
{
    int half = RUNS * WORDS;

    for (int i = 0; i < 2; i++) {
        struct spread through;
        struct spread bare;
        bool is_first = i == 0;

        if (spread_of(0, half, is_first, &through) || spread_of(half, 2 * half, is_first, &bare)) {
            return 1;
        }
        print(is_first ? "model.first_word.p50" : "model.word.p50", through.p50_ms, bare.p50_ms, 1);
        print(is_first ? "model.first_word.p99" : "model.word.p99", through.p99_ms, bare.p99_ms, 1);
    }
    return 0;
}

int main(void)
{
    struct netra netra;
    char url[64];
    uint16_t port = 0;

    if (!getenv("NETRA_BIN") || start_provider(&port)) {
        (void)fprintf(stderr, "model: NETRA_BIN says which program to measure\n");
        return 1;
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    (void)setenv("NETRA_LLM_CHAIN", "compatible:bench", 1);
    (void)setenv("NETRA_LLM_COMPATIBLE_URL", url, 1);
    (void)setenv("COMPATIBLE_API_KEY", "bench", 1);
    if (netra_make_folder(&netra) || netra_start(&netra)) {
        (void)fprintf(stderr, "model: it did not start\n");
        return 1;
    }
    int failed = read_through(&netra);
    netra_stop(&netra);
    netra_remove_folder(&netra);
    if (failed || read_bare(port)) {
        (void)fprintf(stderr, "model: an answer did not arrive whole\n");
        return 1;
    }
    return print_all();
}
