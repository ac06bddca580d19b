// SPDX-License-Identifier: Apache-2.0
//! The tables of TPC-H in memory: of each row the columns that some query reads, money in cents,
//! percentages as whole numbers, dates as days since 1970. Read from the generator's .tbl files, a
//! row a line, a bar after each column.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// Text of a bounded length, zeros behind it: in place, compared as bytes.
pub type Word = [u8; 10];
pub type Name = [u8; 25];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lineitem {
    pub order: u32,
    pub part: u32,
    pub supplier: u32,
    pub quantity: i32,
    pub price: i64,
    pub discount: i32,
    pub tax: i32,
    pub returned: u8,
    pub status: u8,
    pub shipped: i32,
    pub committed: i32,
    pub received: i32,
    pub instruction: Name,
    pub mode: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Order {
    pub key: u32,
    pub customer: u32,
    pub total: i64,
    pub date: i32,
    pub priority: Name,
    pub ship_priority: i32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Customer {
    pub key: u32,
    pub name: String,
    pub address: String,
    pub nation: u32,
    pub phone: String,
    pub balance: i64,
    pub segment: Word,
    pub comment: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    pub key: u32,
    pub name: String,
    pub brand: Word,
    pub kind: Name,
    pub size: i32,
    pub container: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartSupplier {
    pub part: u32,
    pub supplier: u32,
    pub cost: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Supplier {
    pub key: u32,
    pub nation: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nation {
    pub key: u32,
    pub name: Name,
    pub region: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    pub key: u32,
    pub name: Name,
}

/// A table is read when the first query asks for it, and stays.
pub struct Table<R>(OnceLock<Vec<R>>);

pub static LINEITEMS: Table<Lineitem> = Table(OnceLock::new());
pub static ORDERS: Table<Order> = Table(OnceLock::new());
pub static CUSTOMERS: Table<Customer> = Table(OnceLock::new());
pub static PARTS: Table<Part> = Table(OnceLock::new());
pub static PART_SUPPLIERS: Table<PartSupplier> = Table(OnceLock::new());
pub static SUPPLIERS: Table<Supplier> = Table(OnceLock::new());
pub static NATIONS: Table<Nation> = Table(OnceLock::new());
pub static REGIONS: Table<Region> = Table(OnceLock::new());

pub trait Row: Sized + Clone + std::fmt::Debug + Ord + 'static {
    const FILE: &'static str;
    fn table() -> &'static Table<Self>;
    fn of(columns: &[&str]) -> Self;

    fn all(folder: &str) -> &'static [Self] {
        Self::table().0.get_or_init(|| {
            let path = Path::new(folder).join(Self::FILE);
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let row = |line: &str| Self::of(&line.split('|').collect::<Vec<_>>());
            text.lines().map(row).collect()
        })
    }
}

/// Text in place, as rows have it.
pub const fn text<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut i = 0;
    while i < text.len() {
        bytes[i] = text.as_bytes()[i];
        i += 1;
    }
    bytes
}

fn number(column: &str) -> u32 {
    column.parse().unwrap_or_else(|_| panic!("{column:?} is no number"))
}

/// Two digits after the point, as a whole number.
fn cents(column: &str) -> i64 {
    let digits: String = column.chars().filter(|c| *c != '.').collect();
    digits.parse().unwrap_or_else(|_| panic!("{column:?} has no two digits after a point"))
}

/// YYYY-MM-DD, as days since 1970.
fn date(column: &str) -> i32 {
    let part = |from: usize, to: usize| number(&column[from..to]) as i32;
    day(part(0, 4), part(5, 7), part(8, 10))
}

/// The day of a date of the Gregorian calendar; years begin with March here.
pub const fn day(year: i32, month: i32, day: i32) -> i32 {
    let year = if month > 2 { year } else { year - 1 };
    let in_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + in_year - 719_468
}

/// The year of a day from 1992 to 1998, which are all that there are.
pub fn year(of: i32) -> i32 {
    (1993..=1998).rev().find(|year| day(*year, 1, 1) <= of).unwrap_or(1992)
}

impl Row for Lineitem {
    const FILE: &'static str = "lineitem.tbl";
    fn table() -> &'static Table<Self> {
        &LINEITEMS
    }
    fn of(c: &[&str]) -> Self {
        Lineitem {
            order: number(c[0]),
            part: number(c[1]),
            supplier: number(c[2]),
            quantity: number(c[4]) as i32,
            price: cents(c[5]),
            discount: cents(c[6]) as i32,
            tax: cents(c[7]) as i32,
            returned: c[8].as_bytes()[0],
            status: c[9].as_bytes()[0],
            shipped: date(c[10]),
            committed: date(c[11]),
            received: date(c[12]),
            instruction: text(c[13]),
            mode: text(c[14]),
        }
    }
}

impl Row for Order {
    const FILE: &'static str = "orders.tbl";
    fn table() -> &'static Table<Self> {
        &ORDERS
    }
    fn of(c: &[&str]) -> Self {
        Order {
            key: number(c[0]),
            customer: number(c[1]),
            total: cents(c[3]),
            date: date(c[4]),
            priority: text(c[5]),
            ship_priority: number(c[7]) as i32,
        }
    }
}

impl Row for Customer {
    const FILE: &'static str = "customer.tbl";
    fn table() -> &'static Table<Self> {
        &CUSTOMERS
    }
    fn of(c: &[&str]) -> Self {
        Customer {
            key: number(c[0]),
            name: c[1].to_string(),
            address: c[2].to_string(),
            nation: number(c[3]),
            phone: c[4].to_string(),
            balance: cents(c[5]),
            segment: text(c[6]),
            comment: c[7].to_string(),
        }
    }
}

impl Row for Part {
    const FILE: &'static str = "part.tbl";
    fn table() -> &'static Table<Self> {
        &PARTS
    }
    fn of(c: &[&str]) -> Self {
        Part {
            key: number(c[0]),
            name: c[1].to_string(),
            brand: text(c[3]),
            kind: text(c[4]),
            size: number(c[5]) as i32,
            container: text(c[6]),
        }
    }
}

impl Row for PartSupplier {
    const FILE: &'static str = "partsupp.tbl";
    fn table() -> &'static Table<Self> {
        &PART_SUPPLIERS
    }
    fn of(c: &[&str]) -> Self {
        PartSupplier { part: number(c[0]), supplier: number(c[1]), cost: cents(c[3]) }
    }
}

impl Row for Supplier {
    const FILE: &'static str = "supplier.tbl";
    fn table() -> &'static Table<Self> {
        &SUPPLIERS
    }
    fn of(c: &[&str]) -> Self {
        Supplier { key: number(c[0]), nation: number(c[3]) }
    }
}

impl Row for Nation {
    const FILE: &'static str = "nation.tbl";
    fn table() -> &'static Table<Self> {
        &NATIONS
    }
    fn of(c: &[&str]) -> Self {
        Nation { key: number(c[0]), name: text(c[1]), region: number(c[2]) }
    }
}

impl Row for Region {
    const FILE: &'static str = "region.tbl";
    fn table() -> &'static Table<Self> {
        &REGIONS
    }
    fn of(c: &[&str]) -> Self {
        Region { key: number(c[0]), name: text(c[1]) }
    }
}
