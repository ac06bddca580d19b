# SPDX-License-Identifier: Apache-2.0
"""What flights.c keeps right, computed anew by Polars: a frame for each view, of its fields."""
import polars as pl

ROUTES = 5


def totals(frame, *by, delay="dep_delay"):
    """Of each group how many flights it has, how many without a delay, and what delay."""
    of = pl.col(delay)
    return frame.group_by(by).agg(flights=pl.len(), cancelled=of.null_count(), minutes=of.sum(),
                                  mean=of.mean())


def condition():
    return (pl.when(pl.col("visib").is_null()).then(pl.lit("unknown"))
            .when((pl.col("precip") > 0) & (pl.col("temp") <= 32)).then(pl.lit("snow"))
            .when(pl.col("precip") > 0).then(pl.lit("rain"))
            .when(pl.col("visib") < 3).then(pl.lit("fog"))
            .when(pl.col("wind_speed") >= 20).then(pl.lit("wind"))
            .otherwise(pl.lit("fair")).alias("condition"))


def busiest(flights, airports):
    routes = totals(flights, "origin", "dest", delay="arr_delay")
    most = (routes.sort("origin", "flights", "dest", descending=[False, True, False])
            .group_by("origin", maintain_order=True).head(ROUTES))
    return (most.join(airports, left_on="dest", right_on="faa", how="left")
            .select("origin", "dest", "name", "flights", arr_delay="mean"))


def answers(tables):
    """From frames by topic."""
    flights = tables["flights"]
    weathered = flights.join(tables["weather"].select("origin", "time_hour", "temp", "wind_speed",
                                                      "precip", "visib"),
                             on=["origin", "time_hour"], how="left").with_columns(condition())
    flown = flights.join(tables["planes"].select("tailnum", "manufacturer", built="year"),
                         on="tailnum", how="inner")
    flown = flown.with_columns(age=pl.col("year") - pl.col("built"))
    return {
        "carrier_delays": totals(flights, "carrier")
        .join(tables["airlines"], on="carrier", how="left")
        .select("carrier", "name", "flights", "cancelled", "minutes", "mean"),
        "hour_delays": totals(flights, "hour").select("hour", "mean"),
        "carrier_hour_delays": totals(flights, "carrier", "hour")
        .select("carrier", "hour", "flights", "mean"),
        "weather_delays": totals(weathered, "condition")
        .select("condition", "flights", "cancelled", "mean"),
        "manufacturer_delays": totals(flown, "manufacturer").select("manufacturer", "mean"),
        "age_delays": totals(flown, "age").select("age", "mean"),
        "busiest_routes": busiest(flights, tables["airports"]),
    }
