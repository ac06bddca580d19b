/* SPDX-License-Identifier: Apache-2.0
 *
 * The typed façade of records: one list of fields makes the struct, its description, a typed stream
 * and an emit function; keys and orders are named by fields and checked by the compiler. C only:
 * in C++ this header has no macros, and weir/type.h says the same at run time.
 *
 *     #define HIT(F) F(str, page) F(instant, at) F(decimal(2), price) F(opt_i64, ms)
 *     WEIR_RECORD(hit, HIT)
 *
 * makes
 *     typedef struct hit {
 *         weir_str page; weir_instant at; weir_decimal price; weir_opt_i64 ms;
 *     } hit;
 *     const weir_type *hit_type(void);
 *     void hit_emit(weir_out(hit) out, hit record);
 *     void hit_emit_n(weir_out(hit) out, hit record, int64_t n);    n of it at once; the same
 *         record again, with nothing else between, may become one with the sum
 *     weir_stream(hit), weir_out(hit)
 *
 * Kinds: flag, i8 … i64, u8 … u64, f32, f64, str, bytes, decimal(SCALE), date, instant; with opt_
 * before it, the field may be null: a struct { bool set; VALUE value; }.
 *
 * A function of one's own that cannot go on calls weir_fail (weir/node.h), which ends the run with
 * a text; weir/operators/try.h gives a stream of errors.
 *
 * n of it at once are for results that are collections: in WEIR_EXPLODE and WEIR_REDUCE, in the
 * functions of joins, in WEIR_FLAT_MAP and WEIR_FLAT_MAP_RESUMABLE over a collection, and wherever
 * else an output is one, the record is there n times as often as by NAME_emit. 0 of it are nothing,
 * less than 0 take away. A product beyond 64 bits ends the run with WEIR_OVERFLOWED. Into a plain
 * stream only n = 1 is allowed: others are an assertion.
 *
 * Names that end in _ are for the macros of operators, described in the second half.
 */
#ifndef WEIR_RECORD_H
#define WEIR_RECORD_H

#include <weir/batch.h>
#include <weir/graph.h>

WEIR_BEGIN_DECLS
/* A string as printf makes it, in the builder's arena. */
WEIR_API weir_str weir_builder_format(weir_builder *builder, const char *format, ...)
    WEIR_PRINTF(2, 3);
WEIR_END_DECLS

#ifndef __cplusplus

/* ---- kinds: for each, its C type, its optional, what the description needs, a tag ----
 *
 * The names below are put together as PREFIX##KIND, so an unknown kind reads
 * "unknown type name 'weir_kind_u46'; did you mean 'weir_kind_u16'?". A tag is one distinct C type
 * for each kind, so that the shape of a record or key is a C type and can be compared.
 */

#define WEIR_KIND_DECLARE_(name, type)                                                             \
    typedef type weir_kind_##name;                                                                 \
    typedef struct weir_opt_##name {                                                               \
        bool set;                                                                                  \
        type value;                                                                                \
    } weir_opt_##name;                                                                             \
    typedef weir_opt_##name weir_kind_opt_##name;                                                  \
    typedef struct weir_tag_##name *weir_tag_##name;                                               \
    typedef struct weir_tag_opt_##name *weir_tag_opt_##name;                                       \
    enum {                                                                                         \
        weir_kind_of_##name = WEIR_KIND_##name,                                                    \
        weir_kind_of_opt_##name = WEIR_KIND_##name,                                                \
        weir_optional_##name = 0,                                                                  \
        weir_optional_opt_##name = 1,                                                              \
        weir_value_at_##name = 0,                                                                  \
        weir_value_at_opt_##name = offsetof(weir_opt_##name, value),                               \
        weir_bytes_##name = sizeof(type),                                                          \
        weir_bytes_opt_##name = 1 + sizeof(type),                                                  \
        weir_scale_##name = WEIR_KIND_##name == WEIR_KIND_decimal ? -1 : 0,                        \
        weir_scale_opt_##name = WEIR_KIND_##name == WEIR_KIND_decimal ? -1 : 0                     \
    };                                                                                             \
    static inline void weir_put_##name(char *to, const type *from)                                 \
    {                                                                                              \
        type value = *from;                                                                        \
        if (WEIR_KIND_##name == WEIR_KIND_f64)                                                     \
            weir_clean_f64_(&value);                                                               \
        else if (WEIR_KIND_##name == WEIR_KIND_f32)                                                \
            weir_clean_f32_(&value);                                                               \
        memcpy(to, &value, sizeof value);                                                          \
    }                                                                                              \
    static inline void weir_put_opt_##name(char *to, const weir_opt_##name *from)                  \
    {                                                                                              \
        memset(to, 0, sizeof *from);                                                               \
        if (from->set) {                                                                           \
            to[offsetof(weir_opt_##name, set)] = 1;                                                \
            weir_put_##name(to + offsetof(weir_opt_##name, value), &from->value);                  \
        }                                                                                          \
    }

/* Floats as they are emitted: -0 becomes 0, and there is one NaN. */
static inline void weir_clean_f64_(void *at)
{
    double value;
    memcpy(&value, at, sizeof value);
    value = value == 0 ? 0 : value != value ? __builtin_nan("") : value;
    memcpy(at, &value, sizeof value);
}
static inline void weir_clean_f32_(void *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    value = value == 0 ? 0 : value != value ? __builtin_nanf("") : value;
    memcpy(at, &value, sizeof value);
}
WEIR_KIND_MAP(WEIR_KIND_DECLARE_)
typedef struct weir_tag_end *weir_tag_end;
struct weir_tag_scaled_ {
    char tag;
};

/* A decimal's scale is a part of its kind. */
#define weir_kind_decimal(scale) weir_decimal
#define weir_kind_opt_decimal(scale) weir_opt_decimal
#define weir_tag_decimal(scale) __typeof__(struct weir_tag_scaled_(*)[1 + (scale)])
#define weir_tag_opt_decimal(scale) __typeof__(struct weir_tag_scaled_(**)[1 + (scale)])
#define weir_kind_of_decimal(scale) WEIR_KIND_decimal
#define weir_kind_of_opt_decimal(scale) WEIR_KIND_decimal
#define weir_optional_decimal(scale) 0
#define weir_optional_opt_decimal(scale) 1
#define weir_value_at_decimal(scale) 0
#define weir_value_at_opt_decimal(scale) offsetof(weir_opt_decimal, value)
#define weir_bytes_decimal(scale) sizeof(weir_decimal)
#define weir_bytes_opt_decimal(scale) (1 + sizeof(weir_decimal))
#define weir_scale_decimal(scale) (scale)
#define weir_scale_opt_decimal(scale) (scale)
#define weir_put_decimal(scale) weir_put_decimal
#define weir_put_opt_decimal(scale) weir_put_opt_decimal

/* ---- records ---- */

/* A stream of records T while a graph is described: a pointer that carries the record's type. */
#define weir_stream(T) weir_stream_##T
/* Where a function emits records T. By value; valid for the call. */
#define weir_out(T) weir_out_##T

/* Different records T of one key, in order, and how often each is there (weir/operators/reduce.h):
 * count of them, records[i] and counts[i]. */
#define weir_group(T) weir_group_of_##T

/* A collection of records T that is indexed by a key (weir/operators/arrange.h). */
#define weir_arranged(T) weir_arranged_of_##T

/* Records T that a program sends in from outside, and one worker's part of it
 * (weir/operators/input.h). */
#define weir_input(T) weir_input_of_##T
#define weir_input_handle(T) weir_input_handle_of_##T

/* The end of a loop of records T that is still to be connected (weir/operators/loop.h). */
#define weir_loop(T) weir_loop_of_##T

/* A collection of records T that changes from round to round (weir/operators/iterate.h). */
#define weir_variable(T) weir_variable_of_##T

#define WEIR_MEMBER_(kind, name) weir_kind_##kind name;
#define WEIR_TAG_MEMBER_(kind, name) weir_tag_##kind name;
#define WEIR_TAG_PARAMETER_(kind, name) weir_tag_##kind,
#define WEIR_BYTES_(kind, name) +weir_bytes_##kind
#define WEIR_IS_STRING_(kind, name)                                                                \
    || (int)weir_kind_of_##kind == WEIR_KIND_str || (int)weir_kind_of_##kind == WEIR_KIND_bytes
#define WEIR_SCALE_CHECK_(kind, name)                                                              \
    _Static_assert(weir_scale_##kind >= 0 && weir_scale_##kind <= 38,                              \
                   "F(" #kind ", " #name "): a decimal needs a scale of 0 to 38, as in decimal(2)");
#define WEIR_FIELD_ROW_(kind_, name_)                                                              \
    { .name = #name_,                                                                              \
      .kind = (weir_kind)weir_kind_of_##kind_,                                                     \
      .optional = weir_optional_##kind_,                                                           \
      .scale = (uint8_t)weir_scale_##kind_,                                                        \
      .offset = (uint32_t)(offsetof(weir_self_, name_) + weir_value_at_##kind_),                   \
      .set_offset = (uint32_t)offsetof(weir_self_, name_) },
#define WEIR_PUT_(kind, name)                                                                      \
    weir_put_##kind(weir_room_ + offsetof(weir_self_, name), &weir_record_.name);

/* What is emitted is canonical: floats and unset optionals are cleaned field by field, and padding,
 * where the struct has any (known when compiling), is zeroed before: copies of structs need not
 * carry it. */
#define WEIR_RECORD(T, LIST)                                                                       \
    typedef struct T {                                                                             \
        LIST(WEIR_MEMBER_)                                                                         \
    } T;                                                                                           \
    LIST(WEIR_SCALE_CHECK_)                                                                        \
    struct weir_fields_of_##T {                                                                    \
        LIST(WEIR_TAG_MEMBER_)                                                                     \
    };                                                                                             \
    typedef int weir_shape_of_##T(LIST(WEIR_TAG_PARAMETER_) weir_tag_end);                         \
    typedef union weir_arranged_of_##T weir_arranged_of_##T;                                       \
    typedef union {                                                                                \
        struct weir_variable *variable;                                                            \
        T *record;                                                                                 \
    } weir_variable_of_##T;                                                                        \
    typedef union weir_stream_##T {                                                                \
        weir_port *port;                                                                           \
        T *record;                                                                                 \
        struct weir_fields_of_##T *fields;                                                         \
        weir_shape_of_##T *shape;                                                                  \
        weir_arranged_of_##T *arranged;                                                            \
        weir_variable_of_##T *variable;                                                            \
    } weir_stream_##T;                                                                             \
    typedef struct {                                                                               \
        size_t count;                                                                              \
        const T *const *records;                                                                   \
        const int64_t *counts;                                                                     \
    } weir_group_of_##T;                                                                           \
    union weir_arranged_of_##T {                                                                   \
        struct weir_arrangement *arrangement;                                                      \
        T *record;                                                                                 \
        struct weir_fields_of_##T *fields;                                                         \
        weir_shape_of_##T *shape;                                                                  \
        weir_stream_##T *stream;                                                                   \
    };                                                                                             \
    typedef union {                                                                                \
        weir_builder *builder;                                                                     \
        T *record;                                                                                 \
    } weir_out_##T;                                                                                \
    typedef union {                                                                                \
        struct weir_input_handle *handle;                                                          \
        T *record;                                                                                 \
    } weir_input_handle_of_##T;                                                                    \
    typedef union {                                                                                \
        struct weir_input *input;                                                                  \
        T *record;                                                                                 \
        weir_input_handle_of_##T *handle;                                                          \
    } weir_input_of_##T;                                                                           \
    typedef union {                                                                                \
        weir_feedback *feedback;                                                                   \
        T *record;                                                                                 \
    } weir_loop_of_##T;                                                                            \
    WEIR_UNUSED static inline const weir_type *T##_type(void)                                      \
    {                                                                                              \
        typedef T weir_self_;                                                                      \
        static const weir_field weir_fields_[] = { LIST(WEIR_FIELD_ROW_) };                        \
        static const weir_type weir_type_ = {                                                      \
            .struct_size = sizeof(weir_type),                                                      \
            .name = #T,                                                                            \
            .size = sizeof(T),                                                                     \
            .align = _Alignof(T),                                                                  \
            .field_count = sizeof weir_fields_ / sizeof *weir_fields_,                             \
            .fields = weir_fields_,                                                                \
            .has_strings = false LIST(WEIR_IS_STRING_),                                            \
        };                                                                                         \
        _Static_assert(sizeof weir_fields_ / sizeof *weir_fields_ <= WEIR_FIELDS_MAX,              \
                       "WEIR_RECORD(" #T "): over 64 fields");                                     \
        return &weir_type_;                                                                        \
    }                                                                                              \
    /* Writes the canonical form of a record; room and record_ may be the same memory. */          \
    WEIR_UNUSED static inline void weir_store_##T(char *weir_room_, T weir_record_)                \
    {                                                                                              \
        typedef T weir_self_;                                                                      \
        if ((0 LIST(WEIR_BYTES_)) != sizeof(T))                                                    \
            memset(weir_room_, 0, sizeof(T));                                                      \
        LIST(WEIR_PUT_)                                                                            \
    }                                                                                              \
    WEIR_UNUSED static inline void T##_emit(weir_out_##T weir_out_, T weir_record_)                \
    {                                                                                              \
        weir_store_##T(weir_builder_next(weir_out_.builder, sizeof(T)), weir_record_);             \
    }                                                                                              \
    /* n of it at once, into a collection. */                                                      \
    WEIR_UNUSED static inline void T##_emit_n(weir_out_##T weir_out_, T weir_record_,              \
                                              int64_t weir_n_)                                     \
    {                                                                                              \
        _Alignas(T) char weir_bytes_[sizeof(T)];                                                   \
        weir_store_##T(weir_bytes_, weir_record_);                                                 \
        weir__builder_put_n(weir_out_.builder, weir_bytes_, sizeof(T), weir_n_);                   \
    }

/* Strings for a record about to be emitted, which live as long as the batch that it leaves in:
 *     named_emit(out, (named){ .name = weir_str_format(out, "%s-%d", base, n) });
 * A literal, and what the input record holds, needs no copy. */
#define weir_str_copy(out, s) weir_builder_copy_((out).builder, s)
#define weir_str_format(out, ...) weir_builder_format((out).builder, __VA_ARGS__)

static inline weir_str weir_builder_copy_(weir_builder *builder, weir_str s)
{
    return weir_str_is_inline(&s) ? s : weir_builder_str(builder, s.u.ptr, s.len);
}

/* ---- keys and orders ---- */

/* A key: fields of record T, 1 to 8, in order. A positional argument of the calls that take one,
 * whose macros take it apart: it is no value. */
#define WEIR_KEY(T, ...) (T, __VA_ARGS__)

/* An order by fields of record T, 1 to 8: a weir_order. weir_order_then joins two of them. */
#define WEIR_ASC(T, ...) WEIR_ORDER_(T, 0, __VA_ARGS__)
#define WEIR_DESC(T, ...) WEIR_ORDER_(T, 1, __VA_ARGS__)
#define WEIR_ORDER_(T, down, ...)                                                                  \
    ((weir_order){ .type = T##_type(),                                                             \
                   .count = WEIR_COUNT_(__VA_ARGS__),                                              \
                   .descending = (down) ? (1u << WEIR_COUNT_(__VA_ARGS__)) - 1 : 0,                \
                   .field = { WEIR_EACH_(WEIR_NAME_OF_, T, __VA_ARGS__) } })

/* ---- for the macros of operators ----
 *
 * K is a WEIR_KEY, s a stream, T and OUT records. The macro of an operator is a statement
 * expression that asserts first, and calls then:
 *
 *     #define weir_count(s, OUT, K) __extension__({
 *         _Static_assert(WEIR_KEY_FITS_(s, K), "weir_count(" #s ", " #OUT ", " #K
 *             "): the key names a record that the stream does not carry");
 *         _Static_assert(WEIR_RESULT_FITS_(OUT, K, weir_tag_i64), "weir_count(…): …");
 *         (weir_stream(OUT)){ .port = weir__count((s).port, OUT##_type(), WEIR_KEY_NAMES_(K)) }; })
 */

#define WEIR_SAME_(A, B) __builtin_types_compatible_p(A, B)
/* An assertion where an expression has to stand: (WEIR_CHECK_(…, "…"), value). */
#define WEIR_CHECK_(ok, text)                                                                      \
    ((void)__extension__({                                                                         \
        _Static_assert(ok, text);                                                                  \
        0;                                                                                         \
    }))

/* The record that a stream carries. */
#define WEIR_RECORD_OF_(s) __typeof__(*(s).record)
/* The record whose fields a key names, as a token. */
#define WEIR_KEY_RECORD_(K) WEIR_FIRST_ K
/* The names of its fields, for weir_key_resolve: an array that ends with NULL. */
#define WEIR_KEY_NAMES_(K) ((const char *const[]){ WEIR_NAMES_ K NULL })
/* The kinds of its fields as tags, each followed by a comma. */
#define WEIR_KEY_TAGS_(K) WEIR_TAGS_ K
/* The kind of one field as a tag: equal for equal kinds, and weir_tag_i64 for an i64. */
#define WEIR_FIELD_TAG_(T, field) __typeof__(((struct weir_fields_of_##T *)0)->field)

/* The name of a field of the stream's records, from an expression in which it must exist. */
#define WEIR_NAME_IN_(s, field) (&(#field)[0 * sizeof((s).record->field)])
/* The stream carries records T. */
#define WEIR_CARRIES_(s, T) WEIR_SAME_(WEIR_RECORD_OF_(s), T)
/* The stream carries the record that the key names. */
#define WEIR_KEY_FITS_(s, K) WEIR_CARRIES_(s, WEIR_KEY_RECORD_(K))
/* Both keys have the same kinds, in order (names do not matter). */
#define WEIR_KEYS_AGREE_(KA, KB)                                                                   \
    WEIR_SAME_(int(WEIR_KEY_TAGS_(KA) weir_tag_end), int(WEIR_KEY_TAGS_(KB) weir_tag_end))
/* Record OUT has exactly the kinds of the key's fields, in order, then those of the tags given (one
 * or more). WEIR_RESULT_IS_KEY_: exactly those of the key. */
#define WEIR_RESULT_FITS_(OUT, K, ...)                                                             \
    WEIR_SAME_(int(WEIR_KEY_TAGS_(K) __VA_ARGS__, weir_tag_end), weir_shape_of_##OUT)
#define WEIR_RESULT_IS_KEY_(OUT, K)                                                                \
    WEIR_SAME_(int(WEIR_KEY_TAGS_(K) weir_tag_end), weir_shape_of_##OUT)
/* Both records have the same kinds, in order. */
#define WEIR_SAME_SHAPE_(A, B) WEIR_SAME_(weir_shape_of_##A, weir_shape_of_##B)

#define WEIR_FIRST_(T, ...) T
#define WEIR_NAMES_(T, ...) WEIR_EACH_(WEIR_NAME_OF_, T, __VA_ARGS__)
#define WEIR_TAGS_(T, ...) WEIR_EACH_(WEIR_TAG_OF_, T, __VA_ARGS__)
/* The name, from an expression in which the field must exist. */
#define WEIR_NAME_OF_(T, field) &(#field)[0 * sizeof(((T *)0)->field)],
#define WEIR_TAG_OF_(T, field) WEIR_FIELD_TAG_(T, field),

/* How many arguments, 1 to 8; and M(T, argument) for each of them. */
#define WEIR_COUNT_(...) WEIR_NINTH_(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define WEIR_NINTH_(a, b, c, d, e, f, g, h, n, ...) n
#define WEIR_EACH_(M, T, ...) WEIR_JOIN_(WEIR_EACH_, WEIR_COUNT_(__VA_ARGS__))(M, T, __VA_ARGS__)
#define WEIR_JOIN_(a, b) WEIR_JOIN_NOW_(a, b)
#define WEIR_JOIN_NOW_(a, b) a##b
#define WEIR_EACH_1(M, T, a) M(T, a)
#define WEIR_EACH_2(M, T, a, ...) M(T, a) WEIR_EACH_1(M, T, __VA_ARGS__)
#define WEIR_EACH_3(M, T, a, ...) M(T, a) WEIR_EACH_2(M, T, __VA_ARGS__)
#define WEIR_EACH_4(M, T, a, ...) M(T, a) WEIR_EACH_3(M, T, __VA_ARGS__)
#define WEIR_EACH_5(M, T, a, ...) M(T, a) WEIR_EACH_4(M, T, __VA_ARGS__)
#define WEIR_EACH_6(M, T, a, ...) M(T, a) WEIR_EACH_5(M, T, __VA_ARGS__)
#define WEIR_EACH_7(M, T, a, ...) M(T, a) WEIR_EACH_6(M, T, __VA_ARGS__)
#define WEIR_EACH_8(M, T, a, ...) M(T, a) WEIR_EACH_7(M, T, __VA_ARGS__)

#endif
#endif
