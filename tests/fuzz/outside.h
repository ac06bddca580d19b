/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz targets for what comes from outside and is no record: a flight recorder's file, a
 * program's options, the addresses and queries of HTTP. Included by targets.h.
 */
#ifndef WEIR_TESTS_FUZZ_OUTSIDE_H
#define WEIR_TESTS_FUZZ_OUTSIDE_H

#include <weir/view.h>

#include "event/flight.h"
#include "http/address.h"
#include "http/query.h"
#include "main/options.h"

/* A refusal says why. */
static inline void fuzz_judged(weir_status status, const weir_error *error)
{
    fuzz_promise(status == error->status && (status == WEIR_OK || error->what[0] != '\0'));
}

/* A copy with a zero behind it. */
static inline char *fuzz_text(const char *data, size_t size)
{
    char *text = weir_alloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* ---- a flight recorder's file ---- */

enum { FUZZ_FLIGHT_ENTRIES = 8 };

static inline void fuzz_flight_marks(char *image)
{
    weir__event *ring = (weir__event *)(image + weir__flight_ring_at(1, 0));
    for (uint64_t i = 0; i < FUZZ_FLIGHT_ENTRIES; i++)
        ring[i].mark = weir__flight_mark(&ring[i], i + 1);
    char *name = image + weir__flight_names_at(1);
    for (int i = 0; i < 2; i++) {
        weir__flight_name head;
        memcpy(&head, name, sizeof head);
        size_t size = sizeof head + ((size_t)(head.length & 63) + 7) / 8 * 8;
        head.check = 0;
        memcpy(name, &head, sizeof head);
        head.check = (uint32_t)weir__flight_check(name, size);
        memcpy(name, &head, sizeof head);
        name += size;
    }
}

static inline void fuzz_flight_header(char *image)
{
    weir__flight_header *h = (weir__flight_header *)image;
    h->check = weir__flight_check(h, offsetof(weir__flight_header, check));
}

/* A small file of one worker. */
static inline char *fuzz_flight_image(size_t size)
{
    static const char names[] = "\x00\x00\x00\x00\xff\xff\xff\xff\x04\x00\x00\x00\x00\x00\x00\x00"
                                "main\x00\x00\x00\x00"
                                "\x00\x00\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00"
                                "numbers\x00";
    char *image = weir_alloc_zero(size);
    weir__event *ring = (weir__event *)(image + weir__flight_ring_at(1, 0));
    *(weir__flight_header *)image = (weir__flight_header){
        .magic = WEIR__FLIGHT_MAGIC, .version = WEIR__FLIGHT_VERSION,
        .header_size = WEIR__FLIGHT_HEADER, .entry_size = sizeof(weir__event), .workers = 1,
        .ring_entries = WEIR__FLIGHT_RING, .file_size = size, .names_size = WEIR__FLIGHT_NAMES,
        .program = "fuzz", .names_used = sizeof names - 1 };
    memcpy(image + weir__flight_names_at(1), names, sizeof names - 1);
    for (uint32_t i = 0; i < FUZZ_FLIGHT_ENTRIES; i++)
        ring[i] = (weir__event){ .kind = (uint16_t)(1 + i * 2), .at_ns = 1000 + i, .node = 1,
                                 .depth = 1 };
    fuzz_flight_header(image);
    fuzz_flight_marks(image);
    return image;
}

/* Bytes of the header, the live block, the names and the first entries are changed: 3 bytes each,
 * place and value. The first byte says what is then put right again, so that more is looked at than
 * the checks, and whether the file is cut. */
static inline void fuzz_flight(const char *data, size_t size)
{
    size_t whole = weir__flight_ring_at(1, 1), ring = weir__flight_ring_at(1, 0);
    size_t names = weir__flight_names_at(1), used = whole;
    char *image = fuzz_flight_image(whole);
    unsigned how = size ? (unsigned char)data[0] : 0;
    for (size_t at = 1; at + 3 <= size; at += 3) {
        size_t place = (unsigned char)data[at] | (size_t)(unsigned char)data[at + 1] << 8;
        if (place < 4096)
            place %= sizeof(weir__flight_header);
        else if (place < 8192)
            place = WEIR__FLIGHT_HEADER + place % (64 + 200);
        else
            place = place % 2 ? ring + place / 2 % (16 * sizeof(weir__event))
                              : names + place / 2 % 400;
        image[place] = data[at + 2];
    }
    if (how & 1)
        fuzz_flight_header(image);
    if (how & 2)
        fuzz_flight_marks(image);
    if (how & 4)
        used -= how >> 3;
    weir_error error = { .status = WEIR_OK };
    weir_flight *flight = weir_flight_read(image, used, &error);
    fuzz_promise(flight ? error.status == WEIR_OK
                        : error.status == WEIR_BAD_DATA && error.what[0] && error.hint[0]);
    if (flight) {
        weir_flight_info info;
        weir_flight_worker worker;
        weir_event event, before = { 0 };
        weir_flight_get_info(flight, &info);
        fuzz_promise(info.workers == 1 && info.events <= WEIR__FLIGHT_RING &&
                     strlen(info.program) < 64 && weir_flight_worker_at(flight, 0, &worker));
        for (size_t i = 0; weir_flight_at(flight, i, &event); i++) {
            fuzz_promise(event.at_ns >= before.at_ns && event.depth <= 4);
            fuzz_promise(event.kind > WEIR_EVENT_NONE && event.kind < WEIR_EVENT_KIND_COUNT);
            const char *name = weir_flight_operator(flight, event.dataflow, event.node);
            fuzz_promise(!name || strlen(name) < WEIR__FLIGHT_NAMES);
            before = event;
        }
    }
    weir_flight_close(flight);
    weir_free(image, whole);
}

/* ---- a program's options: a flag or a variable a line ---- */

static inline void fuzz_options(const char *data, size_t size)
{
    static const weir_option_info known[] = {
        { .name = "input-topic", .help = "topic", .fallback = "lines", .kind = "str" },
        { .name = "rate", .help = "rate", .fallback = "1", .kind = "f64" },
        { .name = "count", .help = "count", .fallback = "1", .kind = "i64" },
        { .name = "fast", .help = "fast", .kind = "flag" },
        { .name = "file", .help = "files", .kind = "str", .list = true } };
    const weir_option_info *list[] = { &known[0], &known[1], &known[2], &known[3], &known[4] };
    weir__declared declared = { list, sizeof list / sizeof *list, false };
    weir__options options = { 0 };
    weir_error error = { .status = WEIR_OK };
    char *text = fuzz_text(data, size), *argv[66] = { (char *)"program" }, *environment[65];
    int argc = 1, variables = 0;
    for (char *rest = text, *l; (l = strsep(&rest, "\n"));) {
        if (strncmp(l, "WEIR_", 5) == 0 && variables < 64 && strchr(l, '='))
            environment[variables++] = l;
        else if (argc < 65)
            argv[argc++] = l;
    }
    argv[argc] = environment[variables] = NULL;
    weir__options_early(&options, argc, argv);
    weir_status status = weir__options_add_environment(&options, environment, &error);
    if (status == WEIR_OK)
        status = weir__options_add_flags(&options, argc, argv, &error);
    if (status == WEIR_OK)
        status = weir__options_read_builtins(&options, &error);
    if (status == WEIR_OK)
        status = weir__options_check(&options, &declared, NULL, &error);
    fuzz_judged(status, &error);
    if (status == WEIR_OK) {
        weir_setting settings[130];
        weir_config config = { 0 };
        fuzz_promise(options.count < 130 &&
                     weir__options_settings(&options, settings) <= options.count);
        weir__options_apply(&options, &config);
        fuzz_promise(options.workers <= WEIR_WORKERS_MAX && options.seconds >= 0);
    }
    weir__options_fini(&options);
    weir_free(text, size + 1);
}

/* ---- HTTP ---- */

static inline void fuzz_address(const char *data, size_t size)
{
    weir__http_address address = { 0 };
    weir_error error = { .status = WEIR_OK };
    char *text = fuzz_text(data, size);
    weir_status status = weir__http_address_parse(text, &address, &error);
    fuzz_judged(status, &error);
    if (status == WEIR_OK && !address.off)
        fuzz_promise(strnlen(address.host, sizeof address.host) < sizeof address.host &&
                     address.host[0] && strnlen(address.port, sizeof address.port) < 6 &&
                     strtoul(address.port, NULL, 10) <= 65535);
    weir_free(text, size + 1);
}

static inline weir_view *fuzz_view(void)
{
    static weir_view *view;
    weir_view_spec spec = { .struct_size = sizeof spec, .name = "v", .type = records_nulls_type(),
                            .key = { .count = 5, .field = { 11, 4, 12, 13, 15 } }, .workers = 1 };
    if (!view)
        fuzz_promise(weir_views_add(weir_views_create(), &spec, &view, NULL) == WEIR_OK);
    return view;
}

/* name=value, a line each; a value may hold any bytes but a newline. The line "id VALUE" is an
 * event's id. */
static inline void fuzz_query(const char *data, size_t size)
{
    weir__key *key = weir_alloc_zero(sizeof *key);
    weir__query query = { .allowed = WEIR__QUERY_KEY | WEIR__QUERY_PAGE | WEIR__QUERY_SNAPSHOT,
                          .incarnation = 77, .view = fuzz_view(), .key = key };
    weir_error error = { .status = WEIR_OK };
    weir_status status = WEIR_OK;
    char *text = fuzz_text(data, size), *line = text, *all_end = text + size;
    while (line < all_end && status == WEIR_OK) {
        char *end = memchr(line, '\n', (size_t)(all_end - line));
        end = end ? end : all_end;
        char *equals = memchr(line, '=', (size_t)(end - line));
        uint64_t epoch;
        *end = '\0';
        if (equals)
            *equals = '\0';
        if (strncmp(line, "id ", 3) == 0)
            status = weir__event_id_parse(line + 3, 77, &epoch, &error);
        else
            status = weir__query_add(&query, line, equals ? equals + 1 : NULL,
                                     equals ? (size_t)(end - equals - 1) : 0, &error);
        line = end + 1;
    }
    if (status == WEIR_OK)
        status = weir__query_check(&query, &error);
    fuzz_judged(status, &error);
    if (status == WEIR_OK && query.has_place) {
        char mark[WEIR__MARK_TEXT];
        weir__place_text(77, &query.place, mark);
    }
    fuzz_promise(status != WEIR_OK || (query.limit >= 1 && query.limit <= WEIR__QUERY_LIMIT_MAX));
    weir_free(text, size + 1);
    weir_free(key, sizeof *key);
}

#endif
