//! Results on disk: restarts, sharing, damage, disks that do not take them.

use crate::kit::*;
use esarm_engine::{Caches, DiskCache, DiskOptions, Engine};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A new engine, as after a restart, with everything it makes kept in `folder`.
fn restarted(folder: &Path, budget_bytes: u64) -> Engine {
    let options = DiskOptions { budget_bytes, least_making: Duration::ZERO };
    Engine::new(registry(), Caches::in_memory(1 << 20).with_disk(DiskCache::open(folder, options)))
}

/// Nodes that take long enough to be worth keeping: at least a sleep of 5 ms each.
fn slow(count: usize) -> Sketch {
    let mut sketch = Sketch::new();
    for index in 0..count {
        let name = format!("n{index}");
        sketch = sketch.node(&name, "test.wait", &[]).set(&name, "milliseconds", 5.0 + index as f64 * 5.0);
        sketch = sketch.out(&format!("{name}.out"));
    }
    sketch
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let list = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = list(folder).flat_map(|shelf| list(&shelf).collect::<Vec<_>>()).collect();
    files.sort();
    files
}

#[test]
fn results_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let sketch = slow(3);
    let first = run(&restarted(folder.path(), 1 << 20), &sketch);
    assert_eq!(entries(folder.path()).len(), 3);
    let engine = restarted(folder.path(), 1 << 20);
    let second = run(&engine, &sketch);
    assert_eq!(states(&second), ["n0: cached (disk)", "n1: cached (disk)", "n2: cached (disk)"]);
    assert_eq!(first.outputs, second.outputs);
    assert_eq!(states(&run(&engine, &sketch))[0], "n0: cached (memory)");
    assert!(second.report.warnings.is_empty());
}

#[test]
fn quick_results_are_not_worth_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let disk = DiskCache::open(
        folder.path(),
        DiskOptions { least_making: Duration::from_secs(3600), ..DiskOptions::default() },
    );
    run(&Engine::new(registry(), Caches::in_memory(1 << 20).with_disk(disk)), &slow(1));
    assert_eq!(entries(folder.path()).len(), 0);
}

#[test]
fn a_damaged_entry_is_dropped_and_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let sketch = slow(1);
    run(&restarted(folder.path(), 1 << 20), &sketch);
    let path = entries(folder.path()).remove(0);
    let good = fs::read(&path).unwrap();
    let mut damages: Vec<Vec<u8>> = (0..good.len()).map(|length| good[..length].to_vec()).collect();
    damages.extend((0..good.len()).map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    }));
    damages.push([&good[..], &[0]].concat());
    for (index, damaged) in damages.iter().enumerate() {
        fs::write(&path, damaged).unwrap();
        let result = run(&restarted(folder.path(), 1 << 20), &sketch);
        assert_eq!(states(&result), ["n0: ran (first run)"], "damage {index}");
        // Another version number, of the entry or of its content, is no damage.
        let at = index.checked_sub(good.len());
        let other_version = at.is_some_and(|at| (8..12).contains(&at) || (44..48).contains(&at));
        let warnings = result.report.warnings.len();
        assert_eq!(warnings, usize::from(!other_version), "damage {index}: {:?}", result.report.warnings);
        assert_eq!(fs::read(&path).unwrap(), good, "damage {index}");
    }
}

#[test]
fn an_entry_under_a_wrong_name_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    run(&restarted(folder.path(), 1 << 20), &slow(2));
    let paths = entries(folder.path());
    fs::copy(&paths[0], &paths[1]).unwrap();
    let result = run(&restarted(folder.path(), 1 << 20), &slow(2));
    let ran = states(&result).iter().filter(|state| state.contains("ran")).count();
    assert_eq!(ran, 1, "{:?}", states(&result));
}

#[test]
fn a_folder_that_cannot_be_written_gives_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let engine = restarted(&file.join("cache"), 1 << 20);
    let result = run(&engine, &slow(3));
    assert_eq!(result.outputs.len(), 3);
    assert_eq!(result.report.warnings.len(), 1, "{:?}", result.report.warnings);
    assert!(result.report.warnings[0].contains("no longer kept on disk"), "{:?}", result.report.warnings);
    assert!(run(&engine, &slow(4)).report.warnings.is_empty());
}

#[test]
fn the_longest_unused_go_when_the_budget_is_full() {
    let folder = tempfile::tempdir().unwrap();
    run(&restarted(folder.path(), 1 << 20), &slow(1));
    let kept = entries(folder.path()).remove(0);
    let entry_bytes = fs::metadata(&kept).unwrap().len();
    // Results count with their overhead in memory against a quarter of the budget.
    let budget = 264 * 4;
    let room = (budget / entry_bytes) as usize;
    let engine = restarted(folder.path(), budget);
    let sketch = slow(room + 6);
    run_with(&engine, &sketch, &esarm_engine::RunOptions { threads: 1, ..Default::default() });
    let left = entries(folder.path());
    assert!(left.len() <= room && left.len() >= room - 1, "{} of at most {room}", left.len());
    assert!(!left.contains(&kept), "the oldest is gone");
}

#[test]
fn abandoned_temporary_files_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = folder.path().join("00");
    fs::create_dir(&shelf).unwrap();
    for (name, age_secs) in [("old.1-1.tmp", 7200), ("new.1-1.tmp", 10)] {
        let file = fs::File::create(shelf.join(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age_secs)).unwrap();
    }
    run(&restarted(folder.path(), 1 << 20), &slow(1));
    assert!(!shelf.join("old.1-1.tmp").exists() && shelf.join("new.1-1.tmp").exists());
}

#[test]
fn two_engines_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let sketch = slow(12);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let result = run(&restarted(folder.path(), 1 << 20), &sketch);
                    assert_eq!(result.outputs.len(), 12);
                    assert!(result.report.warnings.is_empty(), "{:?}", result.report.warnings);
                }
            });
        }
    });
    assert_eq!(entries(folder.path()).len(), 12);
}
