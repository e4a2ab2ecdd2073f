//! How much processor time this process has taken: whether a load was as much as the client could do.

use std::time::Duration;

/// How long a tick of the kernel's accounts is that it tells programs (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// What all threads of this process have taken so far, the system's work for them included; `None` where the system does
/// not tell.
pub(super) fn processor_time() -> Option<Duration> {
    of_stat(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// The two times of `/proc/self/stat`: the 14th and the 15th field (proc(5)). The second is a name in brackets that may
/// hold blanks.
fn of_stat(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11);
    let (user, system): (u32, u32) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some(TICK * user.checked_add(system)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_times_are_added() {
        let stat = "7 (a ) b) S 1 2 3 0 -1 4194304 109 0 0 0 150 25 0 0 20 0 1 0 5 0 0";
        assert_eq!(of_stat(stat), Some(Duration::from_millis(1750)));
        assert_eq!(of_stat("7 (a"), None);
    }
}
