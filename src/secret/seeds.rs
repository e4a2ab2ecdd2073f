//! Finds every stretch that a text has in common with one of the forms of a secret.
//!
//! Responsible for speed: a text is read once, eight octets at a time, whatever the number of forms. A window of the
//! forms that is met is the seed of a stretch, which is then followed to both sides. Called by `masker`.

use std::ops::Range;

/// The octets of a window: what a `u64` holds.
const WINDOW: usize = 8;
/// How many forms are followed from one window: thousands of logins begin alike.
const MOST_OWNERS: usize = 16;

/// Where a stretch stands, in its form and in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) form: usize,
    pub(super) in_form: Range<usize>,
    pub(super) in_text: Range<usize>,
}

/// Forms, and where each of their windows stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Seeds {
    forms: Vec<Vec<u8>>,
    tables: Vec<Table>,
}

impl Seeds {
    pub(super) fn new(forms: Vec<Vec<u8>>) -> Seeds {
        let mut widths: Vec<usize> =
            forms.iter().map(|form| form.len().min(WINDOW)).filter(|width| *width > 0).collect();
        widths.sort_unstable();
        widths.dedup();
        let tables = widths.into_iter().map(|width| Table::new(width, &forms)).collect();
        Seeds { forms, tables }
    }

    /// Gives each stretch that is at least one window long, or a whole form.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(Stretch)) {
        for table in &self.tables {
            // Windows that a stretch of the same form holds already say nothing new.
            let mut known = vec![0; self.forms.len()];
            let mut window = 0_u64;
            for (at, byte) in text.iter().enumerate() {
                window = (window << 8) | u64::from(*byte);
                if at + 1 < table.width || !table.may_hold(window & table.mask) {
                    continue;
                }
                let seen = at + 1 - table.width..at + 1;
                table.seeds(window & table.mask, |form, offset| {
                    if known[form] <= at {
                        let stretch = self.follow(text, &seen, form, offset);
                        known[form] = stretch.in_text.end;
                        found(stretch);
                    }
                });
            }
        }
    }

    /// Follows a window, seen in a text and at an offset of a form, to both sides.
    fn follow(&self, text: &[u8], seen: &Range<usize>, form: usize, offset: usize) -> Stretch {
        let (octets, width) = (&self.forms[form], seen.len());
        let same = |(one, other): &(&u8, &u8)| one == other;
        let before = octets[..offset].iter().rev().zip(text[..seen.start].iter().rev()).take_while(same).count();
        let after = octets[offset + width..].iter().zip(&text[seen.end..]).take_while(same).count();
        Stretch {
            form,
            in_form: offset - before..offset + width + after,
            in_text: seen.start - before..seen.end + after,
        }
    }
}

/// The windows of one width.
#[derive(Debug, Clone)]
struct Table {
    width: usize,
    mask: u64,
    /// Open addressing: a window, its form and its place in it. Half of the slots are empty at least.
    slots: Vec<Option<(u64, u32, u32)>>,
    /// A bit for each hash: most windows of a text end here.
    filter: Vec<u64>,
}

impl Table {
    fn new(width: usize, forms: &[Vec<u8>]) -> Table {
        let fits = |form: &&Vec<u8>| form.len().min(WINDOW) == width;
        let windows: usize = forms.iter().filter(fits).map(|form| form.len() + 1 - width).sum();
        let slots = (windows * 2).next_power_of_two();
        let mask = if width == WINDOW { u64::MAX } else { (1 << (8 * width)) - 1 };
        let mut table = Table { width, mask, slots: vec![None; slots], filter: vec![0; (slots / 8).max(1)] };
        for (form, octets) in forms.iter().enumerate() {
            if octets.len().min(WINDOW) == width {
                for (offset, window) in octets.windows(width).enumerate() {
                    table.insert(window.iter().fold(0, |key, byte| (key << 8) | u64::from(*byte)), form, offset);
                }
            }
        }
        table
    }

    fn insert(&mut self, key: u64, form: usize, offset: usize) {
        let (Ok(form), Ok(offset)) = (u32::try_from(form), u32::try_from(offset)) else { return };
        let (word, bit) = self.bit(key);
        self.filter[word] |= bit;
        let mut slot = self.slot(key);
        let mut owners = 0;
        while let Some((other, owner, _)) = self.slots[slot] {
            owners += usize::from(other == key);
            // The first place of a window in a form stands for all, and a few forms for all that have it in common.
            if (other == key && owner == form) || owners == MOST_OWNERS {
                return;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = Some((key, form, offset));
    }

    fn may_hold(&self, key: u64) -> bool {
        let (word, bit) = self.bit(key);
        self.filter[word] & bit != 0
    }

    fn seeds(&self, key: u64, mut seed: impl FnMut(usize, usize)) {
        let mut slot = self.slot(key);
        while let Some((other, form, offset)) = self.slots[slot] {
            if other == key {
                seed(form as usize, offset as usize);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    fn slot(&self, key: u64) -> usize {
        (hash(key) >> 32) as usize & (self.slots.len() - 1)
    }

    fn bit(&self, key: u64) -> (usize, u64) {
        let hash = hash(key) >> 20;
        ((hash >> 6) as usize & (self.filter.len() - 1), 1 << (hash & 63))
    }
}

/// Spreads a window over all bits (the golden ratio, twice).
fn hash(key: u64) -> u64 {
    let mixed = (key ^ (key >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(forms: &[&str], text: &str) -> Vec<(usize, Range<usize>, Range<usize>)> {
        let seeds = Seeds::new(forms.iter().map(|form| form.as_bytes().to_vec()).collect());
        let mut found = Vec::new();
        seeds.find(text.as_bytes(), |one| found.push((one.form, one.in_form, one.in_text)));
        found
    }

    #[test]
    fn a_stretch_is_as_long_as_it_can_be() {
        assert_eq!(stretches(&["abcdefghijkl"], "xx abcdefghij yy"), [(0, 0..10, 3..13)]);
        assert_eq!(stretches(&["abcdefghijkl"], "defghijkl"), [(0, 3..12, 0..9)]);
        assert_eq!(stretches(&["abcdefghijkl"], "abcdefg"), []);
        assert_eq!(
            stretches(&["abcd", "abcdefghi"], "abcdefghi abcd"),
            [(0, 0..4, 0..4), (0, 0..4, 10..14), (1, 0..9, 0..9)]
        );
    }

    proptest::proptest! {
        #[test]
        fn each_whole_form_is_found(form in "[ab]{1,20}", before in "[ab]{0,9}", after in "[ab]{0,9}") {
            let text = format!("{before}{form}{after}");
            // Octets that repeat may let another place of the form win, and nothing of it may be left.
            let mut shown = text.clone().into_bytes();
            for (_, _, range) in stretches(&[&form], &text) {
                shown[range].fill(b'-');
            }
            let left = String::from_utf8(shown).unwrap();
            proptest::prop_assert!(!left.contains(&form));
        }
    }
}
