//! Real history: what changed from each release of a real package to the next, as a model's tool calls, gives the next release's
//! bytes exactly. `tests/setup/releases` fetches them; `tests/history` runs more of them than the suite.

mod calls;
mod patches;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claw::workspace::{HunkId, Proposal};

use self::calls::Calls;
use self::patches::{Patches, Repository};
use super::tools::Bench;

/// A release: its files by path.
type Release = BTreeMap<String, String>;

fn releases(name: &str) -> Vec<(String, Release)> {
    let folder = tools_folder().join(name);
    let folders = std::fs::read_dir(&folder).unwrap_or_else(|_| {
        panic!("{} is missing: run tests/setup/{}", folder.display(), name.split('/').next().unwrap())
    });
    let mut releases: Vec<(Version, String, Release)> = folders
        .map(|entry| {
            let path = entry.unwrap().path();
            let version = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut release = Release::new();
            read(&path, &path, &mut release);
            (parts(&version), version, release)
        })
        .collect();
    releases.sort();
    releases.into_iter().map(|(_, version, release)| (version, release)).collect()
}

/// Its numbers, whether it is a release and not one before it, and the numbers of that.
type Version = (Vec<u32>, bool, Vec<u32>);

fn parts(version: &str) -> Version {
    let (core, before) = version.split_once('-').unwrap_or((version, ""));
    let numbers = |text: &str| text.split('.').filter_map(|number| number.parse().ok()).collect();
    (numbers(core), before.is_empty(), numbers(before))
}

fn tools_folder() -> PathBuf {
    std::env::var_os("CLAW_TOOLS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools"), PathBuf::from)
}

fn read(root: &Path, folder: &Path, release: &mut Release) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, release);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            release.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// All releases of the suite, or all there are with `CLAW_HISTORY=all`, which `tests/history` sets.
fn histories() -> Vec<(String, Vec<(String, Release)>)> {
    let all = std::env::var("CLAW_HISTORY").is_ok_and(|which| which == "all");
    let names =
        if all { vec!["releases/click", "histories/express", "histories/commander"] } else { vec!["releases/click"] };
    names.into_iter().map(|name| (name.to_owned(), releases(name))).collect()
}

/// That the session, and then the disk, holds `next` and nothing else.
fn assert_is(bench: &Bench, last: &Release, next: &Release, version: &str) {
    for path in last.keys().chain(next.keys()) {
        assert!(bench.text(path) == next.get(path).cloned(), "{path} is not that of {version}");
    }
    // And so does accepting all of it.
    let live = bench.fixture.live();
    let proposal = Proposal::derive(&bench.overlay(), &live);
    let ids: Vec<HunkId> = proposal.hunks().map(|(_, hunk)| hunk.id.clone()).collect();
    for written in proposal.apply_to_disk(&live, &ids) {
        assert_eq!(written.result, Ok(()), "{version}");
    }
    for path in last.keys().chain(next.keys()) {
        assert!(bench.fixture.on_disk(path) == next.get(path).cloned(), "{path} is not that of {version}");
    }
}

fn bench(release: &Release) -> Bench {
    let bench = Bench::new("");
    for (path, text) in release {
        bench.fixture.write(path, text);
    }
    bench
}

#[test]
fn real_history_as_tool_calls_gives_the_next_releases_bytes() {
    let (mut calls, mut steps) = (Calls::default(), 0);
    for (name, releases) in histories() {
        for pair in releases.windows(2) {
            let ((_, last), (version, next)) = (&pair[0], &pair[1]);
            let bench = bench(last);
            let wrong = calls::propose(&bench, last, next, &mut calls);
            assert_eq!(wrong, Vec::<String>::new(), "to {name} {version}");
            assert_is(&bench, last, next, version);
            steps += 1;
        }
    }
    println!("{steps} steps: {calls:?}");
    assert!(calls.files >= 300, "{calls:?}");
}

#[test]
fn real_history_as_patches_gives_the_next_releases_bytes() {
    let (mut patches, mut steps) = (Patches::default(), 0);
    for (name, releases) in histories() {
        let repository = Repository::new(&releases[0].1);
        for pair in releases.windows(2) {
            let ((_, last), (version, next)) = (&pair[0], &pair[1]);
            repository.go_on(next);
            let whole = bench(last);
            let wrong = patches::by_diff(&whole, &repository, &mut patches);
            assert_eq!(wrong, None, "to {name} {version}");
            assert_is(&whole, last, next, version);
            let wrong = patches::by_envelopes(&bench(last), &repository, last, next, &mut patches);
            assert_eq!(wrong, Vec::<String>::new(), "to {name} {version}");
            steps += 1;
        }
    }
    println!("{steps} steps: {patches:?}");
    assert!(patches.hunks >= 1_000 && patches.envelopes >= 200, "{patches:?}");
}
