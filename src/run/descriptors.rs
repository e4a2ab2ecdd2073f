//! How many files this process may open, checked before thousands of connections need them.

use super::RunFault;

/// Descriptors that are needed beside connections: files, logs, the system's own.
const RESERVE: u64 = 20;

/// Makes room for `jobs` jobs with `each` connections each, and gives the number of jobs there is room for.
///
/// # Errors
/// The jobs were `wanted` and the system allows fewer.
pub(crate) fn ensure_descriptors(jobs: usize, each: usize, wanted: bool) -> Result<usize, RunFault> {
    let each = each.max(1) as u64;
    let needed = (jobs as u64).saturating_mul(each).saturating_add(RESERVE);
    // One scenario at a time fits into any limit there is.
    if jobs == 1 {
        return Ok(jobs);
    }
    // Where the system has no such limit, nothing is in the way.
    let Ok(allowed) = rlimit::increase_nofile_limit(needed) else { return Ok(jobs) };
    if allowed >= needed {
        return Ok(jobs);
    }
    let room = allowed.saturating_sub(RESERVE) / each;
    if wanted || room == 0 {
        return Err(RunFault::Descriptors { jobs, needed, allowed, room });
    }
    Ok(usize::try_from(room).unwrap_or(jobs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_jobs_need_nothing() {
        assert_eq!(ensure_descriptors(1, 2, true).unwrap(), 1);
        assert_eq!(ensure_descriptors(10, 2, true).unwrap(), 10);
    }

    #[test]
    fn more_than_any_system_allows_is_told_with_what_to_do() {
        let error = ensure_descriptors(usize::MAX / 4, 1, true).unwrap_err().to_string();
        assert!(error.contains("ulimit -n") && error.contains("--jobs"), "{error}");
    }
}
