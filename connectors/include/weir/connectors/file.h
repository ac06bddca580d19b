/* SPDX-License-Identifier: Apache-2.0
 *
 * Files as streams of lines, streams as files of lines; captured events in files.
 */
#ifndef WEIR_CONNECTORS_FILE_H
#define WEIR_CONNECTORS_FILE_H

#include <weir/graph.h>

WEIR_BEGIN_DECLS

/* Zero means default for every field. Copied. */
typedef struct weir_file_source_options {
    size_t struct_size;
    const char *const *paths;  /* required: ended by NULL. "-" is standard input */
    const char *name;          /* of the node; default derived from its place */
    size_t line_bytes_max;     /* longer lines are skipped, counted and logged; default 16 MiB */
} weir_file_source_options;

/* A plain stream with one record a line: the bytes between two newlines, whatever they are (the
 * newline is not among them). The record has one field, a str or bytes. A regular file is read in
 * equal parts by all workers (so with several processes each needs the whole file), up to the size
 * that it has at the start; anything else (a pipe, a terminal) by one, until it ends. Lines keep no
 * order. A path that cannot be opened or read ends the run with WEIR_IO. Refuses, on the graph, a
 * file that is not there, a directory, and a regular file that a sink of the graph writes. NULL
 * after an error, which sticks to the graph. */
WEIR_API weir_port *weir_file_source_add(weir_graph *graph, const weir_type *type,
                                         const weir_file_source_options *options);

typedef struct weir_file_sink_options {
    size_t struct_size;
    const char *path;          /* required. "-" is standard output */
    const char *name;
    bool append;               /* to what the file holds; default: it is emptied first */
    /* "raw" (the one str or bytes field) or "json" (all fields); default: raw if there is one such
     * field and the stream is plain, else json. */
    const char *format;
} weir_file_sink_options;

/* Writes one line a record. Of a collection every change is a line, which has two more members,
 * `time` (the epoch) and `diff`. Lines of several workers come in any order, but whole. In a
 * cluster each process writes what its own workers have: give it a path of its own. What cannot
 * be written ends the run with WEIR_IO. Refuses, on the graph, a regular file that a source
 * of it reads: it would be emptied. */
WEIR_API void weir_file_sink_add(weir_port *port, const weir_file_sink_options *options);

/* Captured events of a stream (weir/operators/replay.h) in files, and out of them. Worker w writes
 * `path`.w, and what is in such files is read by any number of workers: each file from its
 * beginning to its end by one. */
typedef struct weir_file_event_options {
    size_t struct_size;
    const char *path;          /* required */
    const char *name;
} weir_file_event_options;

/* Replaces files of that name; those of further workers are removed. What cannot be written ends
 * the run with WEIR_IO. Refuses, on the graph, files that a source of it reads. */
WEIR_API void weir_file_event_sink_add(weir_port *events, const weir_file_event_options *options);
/* A file that is damaged or cut off ends the run with WEIR_BAD_DATA, which names it and the offset.
 * A file that is not there ends it with WEIR_NOT_FOUND. Refuses, on the graph, files that a sink of
 * it writes. */
WEIR_API weir_port *weir_file_event_source_add(weir_graph *graph,
                                               const weir_file_event_options *options);

WEIR_END_DECLS

#ifndef __cplusplus
#include <weir/operators/replay.h>

/* weir_stream(line) lines = weir_file_source(g, line, .paths = paths); */
#define weir_file_source(g, T, ...)                                                                \
    ((weir_stream(T)){                                                                             \
        .port = weir_file_source_add(                                                              \
            g, T##_type(),                                                                         \
            &(weir_file_source_options){ .struct_size = sizeof(weir_file_source_options),          \
                                         __VA_ARGS__ }) })
/* weir_file_sink(counts, .path = "counts.json"); */
#define weir_file_sink(s, ...)                                                                     \
    weir_file_sink_add((s).port,                                                                   \
                       &(weir_file_sink_options){ .struct_size = sizeof(weir_file_sink_options),   \
                                                  __VA_ARGS__ })
/* weir_file_event_sink(weir_capture_events(orders), .path = "orders.events");
 * weir_stream(weir_captured_event) e = weir_file_event_source(g, .path = "orders.events"); */
#define weir_file_event_sink(s, ...)                                                               \
    (WEIR_CHECK_(WEIR_CARRIES_(s, weir_captured_event),                                            \
                 "weir_file_event_sink(" #s "): the stream does not carry captured events"),       \
     weir_file_event_sink_add(                                                                     \
         (s).port, &(weir_file_event_options){ .struct_size = sizeof(weir_file_event_options),     \
                                               __VA_ARGS__ }))
#define weir_file_event_source(g, ...)                                                             \
    ((weir_stream(weir_captured_event)){                                                           \
        .port = weir_file_event_source_add(                                                        \
            g, &(weir_file_event_options){ .struct_size = sizeof(weir_file_event_options),         \
                                           __VA_ARGS__ }) })
#endif

#endif
