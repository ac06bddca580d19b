/* SPDX-License-Identifier: Apache-2.0
 *
 * What the topics hold, each with the fields of its messages that matter here: the rest is not
 * read. The first field of each is the message's key.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <weir/record.h>

/* A flight that was planned; one that did not leave has no dep_delay, one that did not arrive no
 * arr_delay. Delays are minutes, below 0 if early. */
#define FLIGHT(F)                                                                                  \
    F(str, id)                                                                                     \
    F(str, carrier) F(opt_str, tailnum) F(str, origin) F(str, dest) F(instant, time_hour)          \
    F(i32, year) F(i32, hour) F(opt_i32, dep_delay) F(opt_i32, arr_delay)

/* What the weather was at an airport, from hour to hour. */
#define WEATHER(F)                                                                                 \
    F(str, id)                                                                                     \
    F(str, origin) F(instant, time_hour) F(opt_f64, temp) F(opt_f64, wind_speed) F(f64, precip)    \
    F(f64, visib)

#define AIRPORT(F) F(str, faa) F(str, name)
#define PLANE(F)   F(str, tailnum) F(opt_i32, year) F(str, manufacturer)
#define AIRLINE(F) F(str, carrier) F(str, name)
WEIR_RECORD(flight, FLIGHT)
WEIR_RECORD(weather, WEATHER)
WEIR_RECORD(airport, AIRPORT)
WEIR_RECORD(plane, PLANE)
WEIR_RECORD(airline, AIRLINE)

#endif
