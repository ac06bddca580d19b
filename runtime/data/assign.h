/* SPDX-License-Identifier: Apache-2.0
 *
 * One decoded value into one field: conversion, range checks, and the sentence for the dead letter.
 * What a codec's value is (a number, a text, bytes) the codec says by the function it calls.
 */
#ifndef WEIR_DATA_ASSIGN_H
#define WEIR_DATA_ASSIGN_H

#include <weir/codec.h>

typedef struct weir__assign {
    const weir_field *field;
    char *record;
    const weir_decode_sink *sink;
    int64_t instant_unit;
    weir_error *error;
} weir__assign;

weir_status weir__assign_null(const weir__assign *to);
weir_status weir__assign_flag(const weir__assign *to, bool value);
weir_status weir__assign_i64(const weir__assign *to, int64_t value);
weir_status weir__assign_u64(const weir__assign *to, uint64_t value);
weir_status weir__assign_f64(const weir__assign *to, double value);
/* An instant field. */
weir_status weir__assign_timestamp(const weir__assign *to, int64_t seconds, uint32_t nanoseconds);
/* The text of a number, as exact as it is written. */
weir_status weir__assign_number(const weir__assign *to, const char *text, size_t len);
/* A text for any kind but str and bytes. */
weir_status weir__assign_text(const weir__assign *to, const char *text, size_t len);
/* A str or bytes: a view, which must live as long as the record, or a copy in the sink. */
weir_status weir__assign_view(const weir__assign *to, const char *data, size_t len);
weir_status weir__assign_copy(const weir__assign *to, const char *data, size_t len);
/* Bytes from base64, in the sink. */
weir_status weir__assign_base64(const weir__assign *to, const char *text, size_t len);

/* "field 'x' (i8): a string stands where a number should". given: "a string". */
weir_status weir__assign_mismatch(const weir__assign *to, const char *given);

#endif
