// SPDX-License-Identifier: Apache-2.0
//! The queries, written from the specification. What is summed lies in the differences, so that a
//! trace keeps one sum a key; filters come first, and what is small is joined first.

use crate::drive::hash;
use crate::rows::{
    day, text, year, Customer, Lineitem, Name, Nation, Order, Part, PartSupplier, Region, Supplier,
};
use crate::Query;
use differential_dataflow::operators::{CountTotal, ThresholdTotal};
use differential_dataflow::{ExchangeData, VecCollection};

pub type Build = for<'a, 'scope> fn(&'a mut Query<'scope>);

const QUERIES: [(&str, Build); 12] = [
    ("q1", q1),
    ("q3", q3),
    ("q4", q4),
    ("q5", q5),
    ("q6", q6),
    ("q9", q9),
    ("q10", q10),
    ("q12", q12),
    ("q14", q14),
    ("q17", q17),
    ("q18", q18),
    ("q19", q19),
];

pub fn named(name: &str) -> Option<Build> {
    QUERIES.iter().find(|(known, _)| *known == name).map(|(_, build)| *build)
}

pub fn names() -> String {
    QUERIES.map(|(name, _)| name).join(" ")
}

/// FNV-1a of text, without the zeros behind it.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().take_while(|byte| **byte != 0).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// a × scale / b, rounded half up.
fn quotient(a: isize, scale: i128, b: isize) -> u64 {
    ((2 * a as i128 * scale + b as i128) / (2 * b as i128)) as u64
}

/// Price less discount, in hundredths of a cent.
fn revenue(line: &Lineitem) -> isize {
    line.price as isize * (100 - line.discount) as isize
}

/// The least rows. Of 64 parts first, so that a change is not compared with all.
fn least<'scope, D: ExchangeData + std::hash::Hash>(
    rows: VecCollection<'scope, u64, D>,
    count: usize,
    part: impl Fn(&D) -> u32 + 'static,
) -> VecCollection<'scope, u64, D> {
    rows.map(move |row| ((part(&row) % 64) as u8, row))
        .reduce(move |_, rows, output| {
            output.extend(rows.iter().take(count).map(|(row, n)| ((*row).clone(), *n)));
        })
        .map(|(_, row): (u8, D)| ((), row))
        .reduce(move |(), rows, output| {
            output.extend(rows.iter().take(count).map(|(row, n)| ((*row).clone(), *n)));
        })
        .map(|((), row): ((), D)| row)
}

/// Pricing summary: quantity, prices and charges of what was shipped, by flag and status.
fn q1(q: &mut Query) {
    let until = day(1998, 9, 2);
    let sums = q.table::<Lineitem>().filter(move |line| line.shipped <= until).explode(|line| {
        let reduced = revenue(line);
        let charge = reduced * (100 + line.tax) as isize;
        let amounts = (line.quantity as isize, line.price as isize, reduced);
        let others = (charge, line.discount as isize, 1);
        Some(((line.returned, line.status), (amounts, others)))
    });
    q.result(sums.count_total(), |((flag, status), ((quantity, price, reduced), others))| {
        let ((charge, discount, count), quantity) = (*others, 100 * quantity);
        let mean = |sum: isize| quotient(sum, 1, count);
        let texts = [fnv(&[*flag]), fnv(&[*status])];
        let sums = [quantity, *price, *reduced, charge].map(|sum| sum as u64);
        let means = [mean(quantity), mean(*price), mean(discount), count as u64];
        hash(&[&texts[..], &sums, &means].concat())
    });
}

/// Shipping priority: the ten unshipped orders of a segment that are worth most.
fn q3(q: &mut Query) {
    let (segment, date) = (text("BUILDING"), day(1995, 3, 15));
    let customers = q
        .table::<Customer>()
        .flat_map(move |c| (c.segment == segment).then_some(c.key))
        .arrange_by_self();
    let orders = q
        .table::<Order>()
        .flat_map(move |o| {
            (o.date < date).then_some((o.customer, (o.key, o.date, o.ship_priority)))
        })
        .arrange_by_key()
        .join_core(customers, |_, (key, date, priority), ()| Some((*key, (*date, *priority))))
        .arrange_by_key();
    let lines = q
        .table::<Lineitem>()
        .explode(move |line| (line.shipped > date).then(|| (line.order, revenue(line))))
        .arrange_by_self();
    let worth = orders
        .join_core(lines, |key, (date, priority), ()| Some((*key, *date, *priority)))
        .count_total()
        .map(|((key, date, priority), sum)| (-sum, date, key, priority));
    q.result(least(worth, 10, |row| row.2), |(sum, date, key, priority)| {
        hash(&[u64::from(*key), -*sum as u64, *date as u64, *priority as u64])
    });
}

/// Order priority: how many orders of a quarter had a line that came late.
fn q4(q: &mut Query) {
    let (from, to) = (day(1993, 7, 1), day(1993, 10, 1));
    let orders = q
        .table::<Order>()
        .flat_map(move |o| (from <= o.date && o.date < to).then_some((o.key, o.priority)))
        .arrange_by_key();
    let late = q
        .table::<Lineitem>()
        .flat_map(|line| (line.committed < line.received).then_some(line.order))
        .arrange_by_self();
    let counts = orders
        .join_core(late, |key, priority, ()| Some((*key, *priority)))
        .distinct_total()
        .map(|(_, priority)| priority)
        .count_total();
    q.result(counts, |(priority, count)| hash(&[fnv(priority), *count as u64]));
}

/// Local supplier volume: revenue by nation of a region where customer and supplier are of it.
fn q5(q: &mut Query) {
    let (region, from, to) = (text("ASIA"), day(1994, 1, 1), day(1995, 1, 1));
    let regions = q
        .table::<Region>()
        .flat_map(move |r| (r.name == region).then_some(r.key))
        .arrange_by_self();
    let nations = q
        .table::<Nation>()
        .map(|n| (n.region, (n.key, n.name)))
        .arrange_by_key()
        .join_core(regions, |_, (key, name), ()| Some((*key, *name)))
        .arrange_by_key();
    let suppliers = q
        .table::<Supplier>()
        .map(|s| (s.nation, s.key))
        .arrange_by_key()
        .join_core(nations.clone(), |nation, key, name| Some(((*key, *nation), *name)))
        .arrange_by_key();
    let customers = q
        .table::<Customer>()
        .map(|c| (c.nation, c.key))
        .arrange_by_key()
        .join_core(nations, |nation, key, _| Some((*key, *nation)))
        .arrange_by_key();
    let orders = q
        .table::<Order>()
        .flat_map(move |o| (from <= o.date && o.date < to).then_some((o.customer, o.key)))
        .arrange_by_key()
        .join_core(customers, |_, key, nation| Some((*key, *nation)))
        .arrange_by_key();
    let volumes = q
        .table::<Lineitem>()
        .explode(|line| Some(((line.order, line.supplier), revenue(line))))
        .arrange_by_key()
        .join_core(orders, |_, supplier, nation| Some((*supplier, *nation)))
        .arrange_by_self()
        .join_core(suppliers, |_, (), name| Some(*name))
        .count_total();
    q.result(volumes, |(name, sum)| hash(&[fnv(name), *sum as u64]));
}

/// Forecast of revenue: what some discounts took off, in all.
fn q6(q: &mut Query) {
    let (from, to) = (day(1994, 1, 1), day(1995, 1, 1));
    let sum = q
        .table::<Lineitem>()
        .explode(move |line| {
            let counts = from <= line.shipped
                && line.shipped < to
                && (5..=7).contains(&line.discount)
                && line.quantity < 24;
            counts.then(|| ((), line.price as isize * line.discount as isize))
        })
        .count_total();
    q.result(sum, |((), sum)| hash(&[*sum as u64]));
}

/// Profit by nation and year, of parts whose name has a word.
fn q9(q: &mut Query) {
    let parts =
        q.table::<Part>().flat_map(|p| p.name.contains("green").then_some(p.key)).arrange_by_self();
    let costs = q
        .table::<PartSupplier>()
        .map(|ps| (ps.part, (ps.supplier, ps.cost)))
        .arrange_by_key()
        .join_core(parts, |part, (supplier, cost), ()| Some(((*part, *supplier), *cost)))
        .arrange_by_key();
    let lines = q
        .table::<Lineitem>()
        .map(|line| ((line.part, line.supplier), (line.order, line.quantity, revenue(line))))
        .arrange_by_key();
    let profits = costs
        .join_core(lines, |(_, supplier), cost, (order, quantity, revenue)| {
            Some((*order, *supplier, revenue - *cost as isize * 100 * *quantity as isize))
        })
        .explode(|(order, supplier, profit)| Some(((supplier, order), profit)))
        .arrange_by_key();
    let nations = q.table::<Nation>().map(|n| (n.key, n.name)).arrange_by_key();
    let suppliers = q.table::<Supplier>().map(|s| (s.key, s.nation)).arrange_by_key();
    let orders = q.table::<Order>().map(|o| (o.key, year(o.date))).arrange_by_key();
    let sums = profits
        .join_core(suppliers, |_, order, nation| Some((*order, *nation)))
        .arrange_by_key()
        .join_core(orders, |_, nation, year| Some((*nation, *year)))
        .count_total()
        .map(|((nation, year), sum)| (nation, (year, sum)))
        .arrange_by_key()
        .join_core(nations, |_, (year, sum), name| Some((*name, *year, *sum)));
    q.result(sums, |(name, year, sum)| hash(&[fnv(name), *year as u64, *sum as u64]));
}

/// Returned items: the twenty customers who sent most back of the orders of a quarter.
fn q10(q: &mut Query) {
    let (from, to) = (day(1993, 10, 1), day(1994, 1, 1));
    let nations = q.table::<Nation>().map(|n| (n.key, n.name)).arrange_by_key();
    let customers = q
        .table::<Customer>()
        .map(|c| {
            let texts = (c.name.clone(), c.address.clone(), c.phone.clone(), c.comment.clone());
            (c.nation, (c.key, c.balance, texts))
        })
        .arrange_by_key()
        .join_core(nations, |_, (key, balance, texts), name| {
            Some((*key, (*balance, texts.clone(), *name)))
        })
        .arrange_by_key();
    let orders = q
        .table::<Order>()
        .flat_map(move |o| (from <= o.date && o.date < to).then_some((o.customer, o.key)))
        .arrange_by_key()
        .join_core(customers.clone(), |customer, key, _| Some((*key, *customer)))
        .arrange_by_key();
    let lost = q
        .table::<Lineitem>()
        .explode(|line| (line.returned == b'R').then(|| (line.order, revenue(line))))
        .arrange_by_self()
        .join_core(orders, |_, (), customer| Some(*customer))
        .count_total()
        .map(|(customer, sum)| (-sum, customer));
    let rows = least(lost, 20, |row| row.1)
        .map(|(sum, customer)| (customer, -sum))
        .arrange_by_key()
        .join_core(customers, |key, sum, (balance, texts, nation)| {
            Some((*key, *sum, *balance, texts.clone(), *nation))
        });
    q.result(rows, |(key, sum, balance, (name, address, phone, comment), nation)| {
        let [name, address, phone, comment] =
            [name, address, phone, comment].map(|text| fnv(text.as_bytes()));
        let key = u64::from(*key);
        hash(&[key, name, *sum as u64, *balance as u64, fnv(nation), address, phone, comment])
    });
}

/// Shipping modes: orders of high and of low priority that some modes brought late.
fn q12(q: &mut Query) {
    let (mail, ship) = (text("MAIL"), text("SHIP"));
    let (urgent, high): (Name, Name) = (text("1-URGENT"), text("2-HIGH"));
    let (from, to) = (day(1994, 1, 1), day(1995, 1, 1));
    let lines = q
        .table::<Lineitem>()
        .flat_map(move |line| {
            let counts = (line.mode == mail || line.mode == ship)
                && line.committed < line.received
                && line.shipped < line.committed
                && from <= line.received
                && line.received < to;
            counts.then_some((line.order, line.mode))
        })
        .arrange_by_key();
    let orders = q
        .table::<Order>()
        .map(move |o| (o.key, o.priority == urgent || o.priority == high))
        .arrange_by_key();
    let counts = lines
        .join_core(orders, |_, mode, high| Some((*mode, *high)))
        .explode(|(mode, high)| Some((mode, if high { (1, 0) } else { (0, 1) })))
        .count_total();
    q.result(counts, |(mode, (high, low))| hash(&[fnv(mode), *high as u64, *low as u64]));
}

/// Effect of promotions: revenue of a month, of promoted parts and of all.
fn q14(q: &mut Query) {
    let (from, to) = (day(1995, 9, 1), day(1995, 10, 1));
    let parts = q.table::<Part>().map(|p| (p.key, p.kind.starts_with(b"PROMO"))).arrange_by_key();
    let sums = q
        .table::<Lineitem>()
        .explode(move |line| {
            (from <= line.shipped && line.shipped < to).then(|| (line.part, revenue(line)))
        })
        .arrange_by_self()
        .join_core(parts, |_, (), promoted| Some(*promoted))
        .explode(|promoted| Some(((), (isize::from(promoted), 1))))
        .count_total();
    q.result(sums, |((), (promoted, all))| hash(&[quotient(*promoted, 1_000_000, *all)]));
}

/// Small quantities: what lines of less than a fifth of their part's average bring in a year.
fn q17(q: &mut Query) {
    let (brand, container) = (text("Brand#23"), text("MED BOX"));
    let parts = q
        .table::<Part>()
        .flat_map(move |p| (p.brand == brand && p.container == container).then_some(p.key))
        .arrange_by_self();
    let sum = q
        .table::<Lineitem>()
        .map(|line| (line.part, (line.quantity, line.price)))
        .arrange_by_key()
        .join_core(parts, |part, line, ()| Some((*part, *line)))
        .reduce(|_, lines, output| {
            let count: i64 = lines.iter().map(|(_, n)| *n as i64).sum();
            let quantity: i64 = lines.iter().map(|((q, _), n)| i64::from(*q) * *n as i64).sum();
            let small = lines.iter().filter(|((q, _), _)| 5 * count * i64::from(*q) < quantity);
            let price: i64 = small.map(|((_, price), n)| price * *n as i64).sum();
            if price != 0 {
                output.push((price, 1));
            }
        })
        .explode(|(_, price): (u32, i64)| Some(((), price as isize)))
        .count_total();
    q.result(sum, |((), sum)| hash(&[quotient(*sum, 1, 7)]));
}

/// Large orders: the hundred dearest of over 300 pieces, and whose they are.
fn q18(q: &mut Query) {
    let large = q
        .table::<Lineitem>()
        .explode(|line| Some((line.order, line.quantity as isize)))
        .count_total()
        .filter(|(_, quantity)| *quantity > 300)
        .arrange_by_key();
    let customers = q.table::<Customer>().map(|c| (c.key, c.name.clone())).arrange_by_key();
    let rows = q
        .table::<Order>()
        .map(|o| (o.key, (o.customer, o.date, o.total)))
        .arrange_by_key()
        .join_core(large, |key, (customer, date, total), quantity| {
            Some((*customer, (*key, *date, *total, *quantity)))
        })
        .arrange_by_key()
        .join_core(customers, |customer, (key, date, total, quantity), name| {
            Some((-total, *date, *key, (name.clone(), *customer, *quantity)))
        });
    q.result(least(rows, 100, |row| row.2), |(total, date, key, (name, customer, quantity))| {
        let (name, customer, key) = (fnv(name.as_bytes()), u64::from(*customer), u64::from(*key));
        hash(&[name, customer, key, *date as u64, -*total as u64, 100 * *quantity as u64])
    });
}

/// Discounted revenue of some brands, by size, container and quantity.
fn q19(q: &mut Query) {
    let (air, reg_air) = (text("AIR"), text("AIR REG"));
    let in_person: Name = text("DELIVER IN PERSON");
    let small = ["SM CASE", "SM BOX", "SM PACK", "SM PKG"].map(text);
    let middle = ["MED BAG", "MED BOX", "MED PKG", "MED PACK"].map(text);
    let large = ["LG CASE", "LG BOX", "LG PACK", "LG PKG"].map(text);
    let wanted = [
        (text("Brand#12"), small, 5, 1),
        (text("Brand#23"), middle, 10, 10),
        (text("Brand#34"), large, 15, 20),
    ];
    // Of a part that counts, the quantity that is wanted at least: at most ten more.
    let parts = q
        .table::<Part>()
        .flat_map(move |p| {
            let fits = wanted.iter().find(|(brand, containers, size, _)| {
                p.brand == *brand
                    && containers.contains(&p.container)
                    && (1..=*size).contains(&p.size)
            });
            fits.map(|(_, _, _, least)| (p.key, *least))
        })
        .arrange_by_key();
    let sum = q
        .table::<Lineitem>()
        .explode(move |line| {
            let counts = (line.mode == air || line.mode == reg_air)
                && line.instruction == in_person
                && line.quantity <= 30;
            counts.then(|| ((line.part, line.quantity), revenue(line)))
        })
        .arrange_by_key()
        .join_core(parts, |_, quantity, least| {
            (*least..=*least + 10).contains(quantity).then_some(())
        })
        .count_total();
    q.result(sum, |((), sum)| hash(&[*sum as u64]));
}
