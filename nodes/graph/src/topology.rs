//! Orders things that depend on each other, and finds the circles that keep them from having an order.

use std::collections::{BTreeMap, BTreeSet};

/// The outcome of [`sort`].
#[derive(Debug, PartialEq)]
pub(crate) struct Sorted<K> {
    /// Everything that is in no circle and depends on none, each after what it depends on.
    pub(crate) order: Vec<K>,
    /// Circles, each in the direction of flow (every item is needed by the next, the last by the first) from its
    /// smallest item on. Where circles share items only one of them may be listed.
    pub(crate) cycles: Vec<Vec<K>>,
}

/// Sorts the keys of `dependencies` so that each comes after its dependencies; where that leaves a choice the smaller
/// key comes first. Dependencies that are no key are ignored. Takes `O((n + d) log n)` time and no recursion.
pub(crate) fn sort<K: Ord + Copy>(dependencies: &BTreeMap<K, BTreeSet<K>>) -> Sorted<K> {
    let known = |key: &&K| dependencies.contains_key(*key);
    let mut open: BTreeMap<K, usize> = BTreeMap::new();
    let mut dependents: BTreeMap<K, Vec<K>> = BTreeMap::new();
    for (&key, needed) in dependencies {
        open.insert(key, needed.iter().filter(known).count());
        for &source in needed.iter().filter(known) {
            dependents.entry(source).or_default().push(key);
        }
    }
    let mut ready: BTreeSet<K> = open.iter().filter(|(_, count)| **count == 0).map(|(&key, _)| key).collect();
    let mut order = Vec::with_capacity(open.len());
    while let Some(key) = ready.pop_first() {
        open.remove(&key);
        order.push(key);
        for &dependent in dependents.get(&key).into_iter().flatten() {
            if let Some(count) = open.get_mut(&dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(dependent);
                }
            }
        }
    }
    Sorted { order, cycles: cycles(dependencies, &open.into_keys().collect()) }
}

/// Circles among `left`, where each item depends on at least one other: following first dependencies must run into one.
fn cycles<K: Ord + Copy>(dependencies: &BTreeMap<K, BTreeSet<K>>, left: &BTreeSet<K>) -> Vec<Vec<K>> {
    let first_dependency = |key: K| dependencies[&key].iter().copied().find(|source| left.contains(source));
    let mut visited = BTreeSet::new();
    let mut cycles = Vec::new();
    for &start in left {
        let mut path = Vec::new();
        let mut position = BTreeMap::new();
        let mut next = Some(start);
        while let Some(key) = next.filter(|key| !visited.contains(key)) {
            visited.insert(key);
            position.insert(key, path.len());
            path.push(key);
            next = first_dependency(key);
        }
        if let Some(from) = next.and_then(|key| position.get(&key)) {
            cycles.push(in_direction_of_flow(&path[*from..]));
        }
    }
    cycles
}

fn in_direction_of_flow<K: Ord + Copy>(upstream: &[K]) -> Vec<K> {
    let mut cycle: Vec<K> = upstream.iter().rev().copied().collect();
    let smallest = (0..cycle.len()).min_by_key(|&index| cycle[index]).unwrap_or(0);
    cycle.rotate_left(smallest);
    cycle
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(edges: &[(u32, &[u32])]) -> Sorted<u32> {
        sort(&edges.iter().map(|(key, needed)| (*key, needed.iter().copied().collect())).collect())
    }

    #[test]
    fn everything_comes_after_what_it_needs_and_ties_by_key() {
        let found = sorted(&[(1, &[3]), (2, &[]), (3, &[]), (4, &[1, 2]), (0, &[4])]);
        assert_eq!(found, Sorted { order: vec![2, 3, 1, 4, 0], cycles: vec![] });
    }

    #[test]
    fn circles_are_listed_in_the_direction_of_flow() {
        // 1 feeds 2, 2 feeds 5, 5 feeds 1; 7 feeds itself; 9 hangs on a circle; 3 is free.
        let found = sorted(&[(1, &[5]), (2, &[1]), (5, &[2]), (7, &[7]), (9, &[5]), (3, &[])]);
        assert_eq!(found.order, [3]);
        assert_eq!(found.cycles, [vec![1, 2, 5], vec![7]]);
    }

    #[test]
    fn unknown_dependencies_do_not_count() {
        assert_eq!(sorted(&[(1, &[99])]).order, [1]);
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let chain: BTreeMap<u32, BTreeSet<u32>> =
            (0..200_000).map(|index| (index, BTreeSet::from([(index + 1) % 200_000]))).collect();
        let found = sort(&chain);
        assert!(found.order.is_empty());
        assert_eq!(found.cycles[0].len(), 200_000);
    }
}
