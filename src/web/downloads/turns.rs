//! How many answers are under way at a time: for one click, one link, one network.
//!
//! Owns: whoever takes much, or asks for much and takes nothing, leaves seats of the door for everybody else. What is kept
//! is bounded by the answers that are under way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use tokio::sync::Notify;

use crate::web::body::Holding;
use crate::web::throttle::network;

/// Downloads of one click at a time: programs fetch a zip in several parts.
const OF_GRANT: usize = 16;
/// Downloads of one network at a time.
const OF_NETWORK: usize = 32;
/// Downloads of one link at a time, whoever has it: a quarter of the seats.
const OF_LINK: usize = 128;
/// Pages and small pictures for one network at a time. Browsers ask for those of a gallery all at once; the others wait.
const SMALL_OF_NETWORK: usize = 32;
/// A small answer waits for its turn so long.
const SMALL_WITHIN: Duration = Duration::from_secs(10);
/// When to come again.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Share {
    Grant(String),
    Link(String),
    Network(IpAddr),
    Small(IpAddr),
}

impl Share {
    fn most(&self) -> usize {
        match self {
            Share::Grant(_) => OF_GRANT,
            Share::Link(_) => OF_LINK,
            Share::Network(_) => OF_NETWORK,
            Share::Small(_) => SMALL_OF_NETWORK,
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    shares: Mutex<HashMap<Share, usize>>,
    freed: Notify,
}

impl Taken {
    fn shares(&self) -> MutexGuard<'_, HashMap<Share, usize>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Taken>);

/// An answer that is under way; its shares are free again when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    shares: Vec<Share>,
    taken: Arc<Taken>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = self.taken.shares();
        for share in &self.shares {
            if let Some(count) = taken.get_mut(share) {
                *count -= 1;
                if *count == 0 {
                    taken.remove(share);
                }
            }
        }
        drop(taken);
        self.taken.freed.notify_waiters();
    }
}

impl Turns {
    /// A download; `None` when there are as many as there may be.
    pub(super) fn download(&self, grant: &str, link: &str, from: IpAddr) -> Option<Turn> {
        self.take(vec![Share::Grant(grant.to_string()), Share::Link(link.to_string()), Share::Network(network(from))])
    }

    /// Anything else, when its turn has come.
    pub(super) async fn small(&self, from: IpAddr) -> Option<Turn> {
        let waited = async {
            loop {
                // Noted before the look, so that nothing that is freed meanwhile is missed.
                let freed = self.0.freed.notified();
                if let Some(turn) = self.take(vec![Share::Small(network(from))]) {
                    return turn;
                }
                freed.await;
            }
        };
        tokio::time::timeout(SMALL_WITHIN, waited).await.ok()
    }

    fn take(&self, shares: Vec<Share>) -> Option<Turn> {
        let mut taken = self.0.shares();
        if shares.iter().any(|share| taken.get(share).copied().unwrap_or(0) >= share.most()) {
            return None;
        }
        for share in &shares {
            *taken.entry(share.clone()).or_default() += 1;
        }
        Some(Turn { shares, taken: Arc::clone(&self.0) })
    }
}

/// An answer with its turn, which lasts until its last byte has left or its connection is gone.
pub(super) fn lasting(response: Response, turn: Turn) -> Response {
    response.map(|body| Body::new(Holding::new(body, turn)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn one_click_one_network_and_one_link_have_their_shares() {
        let turns = Turns::default();
        let of_click: Vec<Turn> = (0..100).map_while(|_| turns.download("g", "l", place(1))).collect();
        assert_eq!(of_click.len(), OF_GRANT);
        let of_network: Vec<Turn> =
            (0..100).map_while(|number| turns.download(&number.to_string(), "l", place(1))).collect();
        assert_eq!(of_click.len() + of_network.len(), OF_NETWORK);
        let of_link: Vec<Turn> =
            (0..1000).map_while(|number| turns.download(&format!("n{number}"), "l", place(number + 2))).collect();
        assert_eq!(of_click.len() + of_network.len() + of_link.len(), OF_LINK);
        assert!(turns.download("other", "other", place(5000)).is_some(), "another client");
        drop((of_click, of_network, of_link));
        assert!(turns.0.shares().is_empty(), "nothing is kept of what has ended");
    }

    #[test]
    fn a_small_answer_waits_for_its_turn() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let turns = Turns::default();
            let mut taken = Vec::new();
            for _ in 0..SMALL_OF_NETWORK {
                taken.push(turns.small(place(1)).await.unwrap());
            }
            let another = turns.clone();
            let waiting = tokio::spawn(async move { another.small(place(1)).await });
            assert!(turns.small(place(2)).await.is_some());
            assert!(!waiting.is_finished());
            taken.pop();
            assert!(waiting.await.unwrap().is_some());
        });
    }
}
