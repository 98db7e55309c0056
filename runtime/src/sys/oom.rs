//! How often the kernel has killed a process for want of memory.

use std::fs::read_to_string;

/// How often so far, in this process's group of the second version of cgroups, or else in the whole system; none if neither tells.
pub(crate) fn kills() -> Option<u64> {
    let count = |text: &str| text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse::<u64>().ok());
    let own = || {
        let groups = read_to_string("/proc/self/cgroup").ok()?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        count(&read_to_string(format!("/sys/fs/cgroup/{path}/memory.events")).ok()?)
    };
    own().or_else(|| count(&read_to_string("/proc/vmstat").ok()?))
}
