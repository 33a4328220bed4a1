//! What keeps sheets from their paper, and since when: one record, from which the order, its printer, the pages and the
//! alerts take what they say.

use jiff::Timestamp;

/// Whose matter it is that a sheet waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Matter {
    /// Others go first, or nobody has looked at the printer yet: it goes on by itself.
    Turn,
    /// Somebody wants it so: paused, closed, inactive.
    Wanted,
    /// The printer's own state.
    Printer,
    /// The printer would not have this sheet, or has it and does not print it.
    Sheet,
}

/// What keeps a sheet from one printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Or the pool.
    pub printer: String,
    pub why: String,
    pub matter: Matter,
    pub since: Timestamp,
}

/// What one sheet waits for; nothing while it goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits(Vec<Keep>);

impl Waits {
    /// What keeps it now. What kept it before, at the same printer, has done so since then.
    pub fn found(&mut self, mut keeps: Vec<Keep>) {
        for keep in &mut keeps {
            let before = self.0.iter().find(|before| (&before.printer, before.matter) == (&keep.printer, keep.matter));
            keep.since = before.map_or(keep.since, |before| before.since.min(keep.since));
        }
        self.0 = keeps;
    }

    pub fn keeps(&self) -> &[Keep] {
        &self.0
    }

    /// A printer takes it when it is its turn, whatever keeps it from others.
    pub fn is_turn(&self) -> bool {
        self.0.iter().any(|keep| keep.matter == Matter::Turn)
    }
}

/// `lustre: out of paper; …`, each once.
pub fn why(list: &[Waits]) -> Option<String> {
    let mut all: Vec<String> = Vec::new();
    for keep in list.iter().flat_map(Waits::keeps) {
        let text = format!("{}: {}", keep.printer, keep.why);
        if !all.contains(&text) {
            all.push(text);
        }
    }
    (!all.is_empty()).then(|| all.join("; "))
}

/// Since when, for the gravest of them.
pub fn since(list: &[Waits]) -> Option<Timestamp> {
    let keeps = || list.iter().flat_map(Waits::keeps);
    let gravest = keeps().map(|keep| keep.matter).max()?;
    keeps().filter(|keep| keep.matter == gravest).map(|keep| keep.since).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(printer: &str, why: &str, matter: Matter, second: i64) -> Keep {
        let since = Timestamp::from_second(second).unwrap();
        Keep { printer: printer.into(), why: why.into(), matter, since }
    }

    #[test]
    fn what_goes_on_has_lasted_since_it_began() {
        let mut waits = Waits::default();
        waits.found(vec![keep("a", "out of paper", Matter::Printer, 10)]);
        waits.found(vec![keep("a", "a cover is open", Matter::Printer, 20), keep("b", "no", Matter::Sheet, 20)]);
        assert_eq!(waits.keeps()[0].since.as_second(), 10);
        let list = [waits.clone(), waits.clone()];
        assert_eq!(why(&list).as_deref(), Some("a: a cover is open; b: no"));
        assert_eq!(since(&list).map(Timestamp::as_second), Some(20), "of the gravest");
        assert!(!waits.is_turn());
        waits.found(vec![keep("a", "another sheet is being printed", Matter::Turn, 30)]);
        assert!(waits.is_turn());
        waits.found(Vec::new());
        assert_eq!((why(std::slice::from_ref(&waits)), since(&[waits])), (None, None));
    }
}
