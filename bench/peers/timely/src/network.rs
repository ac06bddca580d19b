// SPDX-License-Identifier: Apache-2.0
//! Counts the bytes that a process sends to others, from timely's log of its communication.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use timely::communication::initialize::Hooks;
use timely::communication::logging::{
    CommunicationEvent, CommunicationEventBuilder, CommunicationSetup,
};
use timely::communication::WorkerGuards;
use timely::logging_core::Logger;
use timely::worker::Worker;

type Events = Vec<(Duration, CommunicationEvent)>;

/// `timely::execute` that adds to `sent` what the process sends: messages with their headers. The
/// header without a message that ends a connection is left out.
pub fn execute<T, F>(
    config: timely::Config,
    sent: &Arc<AtomicU64>,
    run: F,
) -> Result<WorkerGuards<T>, String>
where
    T: Send + 'static,
    F: Fn(&mut Worker) -> T + Send + Sync + 'static,
{
    let sent = Arc::clone(sent);
    let log = move |_: CommunicationSetup| {
        let sent = Arc::clone(&sent);
        let add = move |_: &Duration, events: &mut Option<Events>| {
            for (_, event) in events.iter_mut().flat_map(|events| events.drain(..)) {
                match event {
                    CommunicationEvent::Message(m) if m.is_send && m.header.length > 0 => {
                        sent.fetch_add(m.header.required_bytes() as u64, Ordering::SeqCst);
                    }
                    _ => {}
                }
            }
        };
        Some(Logger::<CommunicationEventBuilder>::new(Instant::now(), Duration::ZERO, add))
    };
    let hooks = Hooks { log_fn: Arc::new(log), ..Hooks::default() };
    let (builders, others) = config.communication.try_build_with(hooks)?;
    timely::execute::execute_from(builders, others, config.worker, run)
}
