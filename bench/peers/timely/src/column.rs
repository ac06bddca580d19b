// SPDX-License-Identifier: Apache-2.0
//! Columnar containers for timely: records lie in columns (for words: one array of bytes, one of
//! bounds), so a word costs no allocation of its own. Owns the container and its builder.
//!
//! Columns move between threads as they are; only a channel between processes would turn them into
//! bytes, which `columnar` reads in place.

use columnar::bytes::stash::Stash;
use columnar::common::IterOwn;
use columnar::{Index, Len};
use std::collections::VecDeque;
use std::io::Write;
use timely::bytes::arc::Bytes;
use timely::container::{
    ContainerBuilder, DrainContainer, LengthPreservingContainerBuilder, PushInto,
};
use timely::dataflow::channels::ContainerBytes;
use timely::Accountable;

/// A container of columns `C`.
#[derive(Clone, Default)]
pub struct Column<C> {
    stash: Stash<C, Bytes>,
}

impl<C: columnar::ContainerBytes> Column<C> {
    /// The records, by reference.
    pub fn records(&self) -> IterOwn<C::Borrowed<'_>> {
        self.stash.borrow().into_index_iter()
    }
}

impl<C: columnar::ContainerBytes> Accountable for Column<C> {
    fn record_count(&self) -> i64 {
        self.stash.borrow().len() as i64
    }
}

impl<C: columnar::ContainerBytes> DrainContainer for Column<C> {
    type Item<'a> = C::Ref<'a>;
    type DrainIter<'a> = IterOwn<C::Borrowed<'a>>;
    fn drain(&mut self) -> Self::DrainIter<'_> {
        self.records()
    }
}

impl<C: columnar::ContainerBytes> ContainerBytes for Column<C> {
    fn from_bytes(bytes: Bytes) -> Self {
        Column { stash: Stash::try_from_bytes(bytes).expect("columns") }
    }
    fn length_in_bytes(&self) -> usize {
        self.stash.length_in_bytes()
    }
    fn into_bytes<W: Write>(&self, writer: &mut W) {
        self.stash.write_bytes(writer).expect("a write");
    }
}

/// Records a container. Measured from 2^11 to 2^18: larger ones leave the cache, smaller ones pay for
/// more messages.
const RECORDS: usize = 1 << 13;

/// Fills columns and ships them when they are full. What a receiver on the same thread hands back is
/// filled again, so only what goes to another thread is allocated anew.
#[derive(Default)]
pub struct ColumnBuilder<C> {
    current: C,
    records: usize,
    spare: Option<Column<C>>,
    ready: VecDeque<Column<C>>,
}

impl<C: columnar::ContainerBytes> ColumnBuilder<C> {
    fn ship(&mut self) {
        let next = match self.spare.take() {
            Some(Column { stash: Stash::Typed(mut columns) }) => {
                columns.clear();
                columns
            }
            _ => C::default(),
        };
        let full = std::mem::replace(&mut self.current, next);
        self.records = 0;
        self.ready.push_back(Column { stash: Stash::Typed(full) });
    }
}

impl<C: columnar::ContainerBytes + columnar::Push<T>, T> PushInto<T> for ColumnBuilder<C> {
    #[inline]
    fn push_into(&mut self, record: T) {
        self.current.push(record);
        self.records += 1;
        if self.records == RECORDS {
            self.ship();
        }
    }
}

impl<C: columnar::ContainerBytes> ContainerBuilder for ColumnBuilder<C> {
    type Container = Column<C>;

    #[inline]
    fn extract(&mut self) -> Option<&mut Column<C>> {
        let column = self.ready.pop_front()?;
        Some(self.spare.insert(column))
    }

    fn finish(&mut self) -> Option<&mut Column<C>> {
        if self.records > 0 {
            self.ship();
        }
        self.extract()
    }
}

impl<C: columnar::ContainerBytes> LengthPreservingContainerBuilder for ColumnBuilder<C> {}
